#include "train/augmentation/augment.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {
namespace {

constexpr double kLeastAspect = 3.0 / 4.0, kLargestAspect = 4.0 / 3.0;
constexpr int kTries = 10;

// A half rounded to even.
int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

Status crop_picture(const Augmentation& augmentation, const Preprocessing& preprocessing,
                    const TrainingPicture& picture, Random& random, std::uint8_t* out) {
  const auto& [pixels, width, height] = picture;
  if (augmentation.crop == Augmentation::Crop::resized && width > 0 && height > 0) {
    const PictureBox box = draw_box(width, height, augmentation.least_area, random);
    return resize_box(pixels, width, height, box, preprocessing.crop, out);
  }
  Shift shift;
  if (augmentation.crop == Augmentation::Crop::shifted) {
    shift.right = random.whole(2 * augmentation.shift + 1) - augmentation.shift;
    shift.down = random.whole(2 * augmentation.shift + 1) - augmentation.shift;
  }
  return resize_and_crop(pixels, width, height, preprocessing.resize, preprocessing.crop, shift, out);
}

void mirror(int side, std::uint8_t* pixels) {
  for (int y = 0; y < side; ++y) {
    std::uint8_t* row = pixels + 3ull * y * side;
    for (int left = 0, right = side - 1; left < right; ++left, --right)
      std::swap_ranges(row + 3 * left, row + 3 * left + 3, row + 3 * right);
  }
}

}  // namespace

PictureBox draw_box(int width, int height, double least_area, Random& random) {
  const double area = static_cast<double>(width) * height;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double wanted = area * random.uniform(least_area, 1.0);
    const double aspect = std::exp(random.uniform(std::log(kLeastAspect), std::log(kLargestAspect)));
    const int w = rounded(std::sqrt(wanted * aspect)), h = rounded(std::sqrt(wanted / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const int top = random.whole(height - h + 1), left = random.whole(width - w + 1);
    return {left, top, w, h};
  }
  int w = width, h = height;
  const double aspect = static_cast<double>(width) / height;
  if (aspect < kLeastAspect) h = std::min(height, rounded(w / kLeastAspect));
  if (aspect > kLargestAspect) w = std::min(width, rounded(h * kLargestAspect));
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Status vary_picture(const Augmentation& augmentation, const Preprocessing& preprocessing, const Colour& fill,
                    const TrainingPicture& picture, Random& random, std::uint8_t* out) {
  if (const Status cropped = crop_picture(augmentation, preprocessing, picture, random, out); !cropped)
    return cropped;
  const int side = preprocessing.crop;
  if (augmentation.flip && random.chance(0.5)) mirror(side, out);
  if (augmentation.colour_jitter > 0.0) jitter_colours(side, augmentation.colour_jitter, random, out);
  rand_augment(side, augmentation.operations, augmentation.magnitude, fill, random, out);
  return ok();
}

}  // namespace winnow::train
