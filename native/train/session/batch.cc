#include "train/session/batch.h"

#include <limits>
#include <string>

#include "train/augmentation/mix.h"
#include "train/session/batch_parts.h"
#include "train/trainer/losses.h"
#include "train/trainer/trainer.h"

namespace winnow::train {
namespace {

constexpr std::uint64_t kWholeBatch =
    std::numeric_limits<std::uint64_t>::max();  // its index; others count up

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

}  // namespace

Status make_batch(Operations& operations, const DyvmConfig& config, const Preprocessing& preprocessing,
                  const Augmentation& augmentation, const std::vector<TrainingPicture>& pictures,
                  const std::vector<int>& labels, std::uint64_t seed, Batch& batch) {
  if (labels.size() != pictures.size())
    return bad_argument("Expected one label per picture, but there are " + std::to_string(labels.size()) +
                        " for " + std::to_string(pictures.size()) + " pictures.");
  for (int label : labels)
    if (label < 0 || label >= config.classes)
      return bad_argument("Expected labels below " + std::to_string(config.classes) + ", but one is " +
                          std::to_string(label) + ".");
  const int count = static_cast<int>(pictures.size()), side = config.image_size, classes = config.classes;
  const std::size_t size = 3ull * side * side;
  batch.input.resize(size * count);
  batch.targets = smooth_labels(labels, classes, augmentation.smoothing);
  std::vector<std::vector<std::uint8_t>> bytes(operations.threads(), std::vector<std::uint8_t>(size));
  const auto fill = mean_colour(config);
  const Status varied = vary_all(operations, count, [&](int b, int thread) -> Status {
    Random random(seed, b);
    float* const input = batch.input.data() + size * b;
    std::uint8_t* const pixels = bytes[thread].data();
    if (const Status done = vary_picture(augmentation, preprocessing, fill, pictures[b], random, pixels);
        !done)
      return done;
    normalise(config, pixels, input);
    if (random.chance(augmentation.erasing)) erase(side, random, input);
    return ok();
  });
  if (!varied) return varied;

  Random random(seed, kWholeBatch);
  const Mix mix = draw_mix(augmentation, side, random);
  if (mix.share == 1.0) return ok();
  operations.run(count / 2, [&](int b, int) {
    const int partner = count - 1 - b;
    mix_pictures(mix, side, batch.input.data() + size * b, batch.input.data() + size * partner);
    mix_targets(mix, classes, batch.targets.data() + static_cast<std::size_t>(b) * classes,
                batch.targets.data() + static_cast<std::size_t>(partner) * classes);
  });
  return ok();
}

}  // namespace winnow::train
