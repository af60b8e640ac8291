#include "train/session/windows.h"

#include <algorithm>
#include <string>

#include "model/rle.h"
#include "train/augmentation/vary_objects.h"
#include "train/augmentation/vary_window.h"
#include "train/detection/trained_one_stage_head.h"
#include "train/operations/map_operations.h"
#include "train/session/batch_parts.h"

namespace winnow::train {
namespace {

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

// A thread's maps of classes: as marked, and in the pixels of a picture that is smaller.
struct Maps {
  std::vector<std::uint8_t> marked, fitted;
};

// Row by row what COCO counts column by column. -> [height, width] of what objects are marked in
Status draw_objects(const TrainingExample& example, int classes, std::vector<std::uint8_t>& map) {
  const auto& [picture, label, width, height, objects] = example;
  const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
  map.assign(pixels, kNoLabel);
  for (const MarkedObject& object : objects) {
    if (object.label < 0 || object.label >= classes)
      return bad_argument("Expected labels below " + std::to_string(classes) + ", but one is " +
                          std::to_string(object.label) + ".");
    const auto value = static_cast<std::uint8_t>(object.label);
    const Status drawn = decode_runs(object.counts, pixels, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t x = begin / height, y = begin % height;
      for (std::int64_t i = begin; i < end; ++i) {
        map[y * width + x] = value;
        if (++y < height) continue;
        y = 0;
        ++x;
      }
    });
    if (!drawn) return drawn;
  }
  return ok();
}

// Each pixel has the class of the one at its middle.
void fit(const std::vector<std::uint8_t>& map, int from_width, int from_height, int width, int height,
         std::vector<std::uint8_t>& out) {
  const auto source = [](int i, int from, int to) {
    return std::min(from - 1, static_cast<int>((i + 0.5) * from / to));
  };
  out.resize(static_cast<std::size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row =
        map.data() + static_cast<std::size_t>(source(y, from_height, height)) * from_width;
    for (int x = 0; x < width; ++x)
      out[static_cast<std::size_t>(y) * width + x] = row[source(x, from_width, width)];
  }
}

WindowAugmentation window_of(const Augmentation& augmentation) {
  return {augmentation.least_scale, augmentation.largest_scale, augmentation.flip,
          augmentation.colour_jitter};
}

Status check_crop(const Augmentation& augmentation) {
  if (augmentation.crop == Augmentation::Crop::window) return ok();
  return bad_argument("Expected augmentation.crop.kind to be \"window\" for models of maps and boxes.");
}

}  // namespace

Status make_windows(Operations& operations, const DyvmConfig& config, const Augmentation& augmentation,
                    const std::vector<TrainingExample>& examples, std::uint64_t seed, Windows& windows) {
  if (const Status fits = check_crop(augmentation); !fits) return fits;
  const int count = static_cast<int>(examples.size()), side = config.image_size;
  const std::size_t pixels = static_cast<std::size_t>(side) * side;
  windows.pixels.resize(3 * pixels * count);
  windows.labels.resize(pixels * count);
  const WindowAugmentation variation = window_of(augmentation);
  const Colour fill = mean_colour(config);
  std::vector<Maps> maps(operations.threads());
  return vary_all(operations, count, [&](int b, int thread) -> Status {
    const TrainingExample& example = examples[b];
    const auto& [bytes, width, height] = example.picture;
    if (example.width < 1 || example.height < 1)
      return bad_argument("Expected the size of the picture that masks were marked in, but there is none.");
    auto& [marked, fitted] = maps[thread];
    if (const Status drawn = draw_objects(example, config.classes, marked); !drawn) return drawn;
    const bool same = example.width == width && example.height == height;
    if (!same) fit(marked, example.width, example.height, width, height, fitted);
    Random random(seed, b);
    return vary_window(variation, side, side, fill, example.picture, (same ? marked : fitted).data(), random,
                       windows.pixels.data() + 3 * pixels * b, windows.labels.data() + pixels * b);
  });
}

Status make_object_windows(Operations& operations, const DyvmConfig& config, const Augmentation& augmentation,
                           const std::vector<TrainingExample>& examples, std::uint64_t seed,
                           ObjectWindows& windows) {
  if (const Status fits = check_crop(augmentation); !fits) return fits;
  const int count = static_cast<int>(examples.size()), side = config.image_size;
  const std::size_t bytes = std::size_t{3} * side * side;
  windows.pixels.resize(bytes * count);
  windows.objects.resize(count);
  const ObjectAugmentation variation{window_of(augmentation)};
  const Colour fill = mean_colour(config);
  return vary_all(operations, count, [&](int b, int) -> Status {
    const auto& [picture, label, width, height, objects] = examples[b];
    Random random(seed, b);
    return vary_objects(variation, side, mask_side(config), fill, picture, {width, height}, objects, random,
                        windows.pixels.data() + bytes * b, windows.objects[b]);
  });
}

}  // namespace winnow::train
