#include "train/session/batch.h"

#include <cmath>
#include <exception>
#include <limits>
#include <string>

#include "train/augmentation/mix.h"
#include "train/trainer/losses.h"
#include "train/trainer/trainer.h"

namespace winnow::train {
namespace {

constexpr std::uint64_t kWholeBatch =
    std::numeric_limits<std::uint64_t>::max();  // its index; others count up

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

Colour mean_colour(const DyvmConfig& config) {
  Colour colour;
  for (int c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(std::clamp(std::round(255.0f * config.mean[c]), 0.0f, 255.0f));
  return colour;
}

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
  std::vector<Status> outcomes(count, ok());
  const auto fill = mean_colour(config);
  operations.run(count, [&](int b, int thread) {
    Random random(seed, b);
    float* const input = batch.input.data() + size * b;
    std::uint8_t* const varied = bytes[thread].data();
    try {
      outcomes[b] = vary_picture(augmentation, preprocessing, fill, pictures[b], random, varied);
    } catch (const std::exception& problem) {
      outcomes[b] =
          Error{ErrorCode::engine, std::string("Expected to vary a picture, but: ") + problem.what() + "."};
    }
    if (!outcomes[b]) return;
    normalise(config, varied, input);
    if (random.chance(augmentation.erasing)) erase(side, random, input);
  });
  for (const Status& outcome : outcomes)
    if (!outcome) return outcome;

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
