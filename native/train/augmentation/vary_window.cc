#include "train/augmentation/vary_window.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace winnow::train {
namespace {

constexpr std::uint8_t kNoLabel = 255;

// Pixels begin .. end - 1 of a window's side that show the picture, and how far into the picture the first
// is.
struct Span {
  int begin, end, offset;
};
Span place(int length, int side, Random& random) {
  if (length >= side) return {0, side, random.whole(length - side + 1)};
  const int begin = random.whole(side - length + 1);
  return {begin, begin + length, 0};
}

int scaled(int length, double factor) { return std::max(1, static_cast<int>(std::lround(length * factor))); }

}  // namespace

Status vary_window(const WindowAugmentation& augmentation, int resize_side, int side, const Colour& fill,
                   const TrainingPicture& picture, const std::uint8_t* labels, Random& random,
                   std::uint8_t* out, std::uint8_t* out_labels) {
  const auto& [pixels, width, height] = picture;
  const double scale = random.uniform(augmentation.least_scale, augmentation.largest_scale),
               factor = scale * resize_side / std::max(1, std::min(width, height));
  const int new_width = scaled(width, factor), new_height = scaled(height, factor);
  std::vector<std::uint8_t> resized(3ull * new_width * new_height);
  if (const Status done =
          resize(pixels, width, height, new_width, new_height, ResizeFilter::sampled, resized.data());
      !done)
    return done;
  const Span down = place(new_height, side, random), across = place(new_width, side, random);
  const bool mirrored = augmentation.flip && random.chance(0.5);
  const auto source = [](int i, int from, int to) {
    return std::min(from - 1, static_cast<int>((i + 0.5) * from / to));
  };
  // Calls visit(to, y, x), with the resized picture's pixel, for what the window shows of it; else y is -1.
  const auto for_pixels = [&](const auto& visit) {
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const int column = mirrored ? side - 1 - x : x;
        const bool inside = y >= down.begin && y < down.end && column >= across.begin && column < across.end;
        visit(static_cast<std::size_t>(y) * side + x, inside ? y - down.begin + down.offset : -1,
              column - across.begin + across.offset);
      }
  };
  for_pixels([&](std::size_t to, int y, int x) {
    if (y < 0) {
      std::copy_n(fill.data(), 3, out + 3 * to);
      out_labels[to] = kNoLabel;
      return;
    }
    std::copy_n(resized.data() + 3 * (static_cast<std::size_t>(y) * new_width + x), 3, out + 3 * to);
    out_labels[to] =
        labels[static_cast<std::size_t>(source(y, height, new_height)) * width + source(x, width, new_width)];
  });
  if (augmentation.colour_jitter == 0.0) return ok();
  jitter_colours(side, augmentation.colour_jitter, random, out);
  for_pixels([&](std::size_t to, int y, int) {
    if (y < 0) std::copy_n(fill.data(), 3, out + 3 * to);
  });
  return ok();
}

}  // namespace winnow::train
