#include "train/augmentation/vary_objects.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/rle.h"

namespace winnow::train {
namespace {

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

// The size that inference resizes a picture to, its longer side to `side` (resizedSize in
// electron/shared/resized-size.ts, in the same order of operations), times `scale`.
PictureSize resized_size(const TrainingPicture& picture, int side, double scale) {
  const int shorter = std::min(picture.width, picture.height);
  const double factor = static_cast<double>(side) / shorter;
  const auto scaled = [&](int length) { return length == shorter ? side : factor * length; };
  const double excess = std::max(scaled(picture.width), scaled(picture.height)),
               cap = excess > side ? side / excess : 1.0;
  const auto rounded = [&](int length) {
    return std::max(1, static_cast<int>(scaled(length) * cap * scale + 0.5));
  };
  return {rounded(picture.width), rounded(picture.height)};
}

// From pixels of what objects are marked in to pixels of the window.
struct Placement {
  double scale_x, scale_y;
  PictureSize resized;
  int left, top;  // of the window in the resized picture
  bool mirrored;
  PictureSize shown;  // of the window that shows the picture

  Box place(const Box& box) const {
    double x0 = box.x0 * scale_x, x1 = box.x1 * scale_x;
    if (mirrored) x0 = resized.width - std::exchange(x1, resized.width - x0);
    return {static_cast<float>(x0 - left), static_cast<float>(box.y0 * scale_y - top),
            static_cast<float>(x1 - left), static_cast<float>(box.y1 * scale_y - top)};
  }
  // Marked pixel under a point of the window, or -1 beyond the picture.
  int column(double x) const {
    const double from = mirrored ? resized.width - (x + left) : x + left;
    return x < shown.width ? static_cast<int>(from / scale_x) : -1;
  }
  int row(double y) const { return y < shown.height ? static_cast<int>((y + top) / scale_y) : -1; }
};

// The mask's cells whose centres the object covers.
Status draw_mask(const Placement& placement, PictureSize marked, const std::string& counts, int side,
                 const Box& box, int mask_side, std::vector<std::uint8_t>& mask) {
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  const Status decoded =
      decode_runs(counts, static_cast<std::int64_t>(marked.width) * marked.height,
                  [&](std::int64_t begin, std::int64_t end) { runs.push_back({begin, end}); });
  if (!decoded) return decoded;
  mask.assign(static_cast<std::size_t>(mask_side) * mask_side, 0);
  const double cell = static_cast<double>(side) / mask_side;
  const auto first = [&](float edge) {
    return std::clamp(static_cast<int>(std::ceil(edge / cell - 0.5)), 0, mask_side);
  };
  for (int x = first(box.x0); x < first(box.x1); ++x) {
    const int column = placement.column((x + 0.5) * cell);
    for (int y = first(box.y0); y < first(box.y1); ++y) {
      const int row = placement.row((y + 0.5) * cell);
      if (column < 0 || row < 0) continue;
      const std::int64_t pixel =
          static_cast<std::int64_t>(std::min(column, marked.width - 1)) * marked.height +
          std::min(row, marked.height - 1);
      const auto run = std::upper_bound(runs.begin(), runs.end(), pixel,
                                        [](std::int64_t at, const auto& one) { return at < one.second; });
      mask[static_cast<std::size_t>(y) * mask_side + x] = run != runs.end() && run->first <= pixel;
    }
  }
  return ok();
}

}  // namespace

Status vary_objects(const ObjectAugmentation& augmentation, int side, int mask_side, const Colour& fill,
                    const TrainingPicture& picture, PictureSize marked, std::span<const MarkedObject> objects,
                    Random& random, std::uint8_t* out, std::vector<TrainingObject>& out_objects) {
  out_objects.clear();
  if (std::min(picture.width, picture.height) < 1)
    return bad_argument("Expected a picture of at least one pixel to learn from, but it has none.");
  if (std::min(marked.width, marked.height) < 1)
    return bad_argument("Expected the size of the picture that boxes were marked in, but there is none.");
  const double scale = random.uniform(augmentation.least_scale, augmentation.largest_scale);
  const PictureSize size = resized_size(picture, side, scale);
  std::vector<std::uint8_t> resized(3ull * size.width * size.height);
  if (const Status done = resize(picture.pixels, picture.width, picture.height, size.width, size.height,
                                 ResizeFilter::smooth, resized.data());
      !done)
    return done;
  Placement placement{static_cast<double>(size.width) / marked.width,
                      static_cast<double>(size.height) / marked.height,
                      size,
                      random.whole(std::max(0, size.width - side) + 1),
                      random.whole(std::max(0, size.height - side) + 1),
                      augmentation.flip && random.chance(0.5),
                      {std::min(side, size.width), std::min(side, size.height)}};

  const auto pixel = [&](int y, int x) { return out + 3 * (static_cast<std::size_t>(y) * side + x); };
  for (int y = 0; y < placement.shown.height; ++y)
    for (int x = 0; x < placement.shown.width; ++x) {
      const int column = x + placement.left, from = placement.mirrored ? size.width - 1 - column : column;
      std::copy_n(resized.data() + 3 * (static_cast<std::size_t>(y + placement.top) * size.width + from), 3,
                  pixel(y, x));
    }
  const auto fill_ground = [&] {
    for (int y = 0; y < side; ++y)
      for (int x = y < placement.shown.height ? placement.shown.width : 0; x < side; ++x)
        std::copy_n(fill.data(), 3, pixel(y, x));
  };
  fill_ground();
  if (augmentation.colour_jitter != 0.0) {
    jitter_colours(side, augmentation.colour_jitter, random, out);
    fill_ground();
  }

  for (const MarkedObject& object : objects) {
    if (!is_finite(object.box))
      return bad_argument("Expected boxes with finite edges to learn from, but one has others.");
    const Box whole = placement.place(object.box);
    TrainingObject shown{clip(whole, placement.shown), object.label, {}};
    const auto area = [](const Box& box) { return static_cast<double>(box.width()) * box.height(); };
    if (shown.box.empty() || area(shown.box) < augmentation.least_visible * area(whole)) continue;
    if (!object.counts.empty()) {
      const Status drawn =
          draw_mask(placement, marked, object.counts, side, shown.box, mask_side, shown.mask);
      if (!drawn) return drawn;
    }
    out_objects.push_back(std::move(shown));
  }
  return ok();
}

}  // namespace winnow::train
