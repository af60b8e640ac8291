// Steps whose batch is computed in pieces.
#include "train/trainer/batch_pieces.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "test/device_names.h"
#include "test/train/training_data.h"
#include "train/network/initial_weights.h"
#include "train/segmentation/segmentation_trainer.h"

using namespace winnow;
using namespace winnow::train;

namespace {

constexpr int kImages = 7;

std::vector<float> random_input(const DyvmConfig& c, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> input(3ull * kImages * c.image_size * c.image_size);
  for (float& value : input) value = static_cast<float>(random.normal());
  return input;
}

std::vector<float> targets_of(const DyvmConfig& c) {
  std::vector<int> labels;
  for (int image = 0; image < kImages; ++image) labels.push_back(image % c.classes);
  return smooth_labels(labels, c.classes, 0.1);
}

std::unique_ptr<Trainer> make_trainer(const DyvmConfig& c, const std::string& device, int most,
                                      int threads = 2) {
  Weights weights = initial_weights(c, 3);
  TrainerSettings settings = settings_of(c);
  settings.most_images = most;
  auto trainer = Trainer::create(c, weights, settings, device, threads);
  if (!trainer) FAIL(trainer.error().message);
  return std::move(*trainer);
}

}  // namespace

TEST_CASE("a batch is cut into pieces of nearly one size, in order") {
  for (const int images : {1, 2, 7, 64})
    for (const int most : {1, 3, 7, 100}) {
      CAPTURE(images);
      CAPTURE(most);
      int next = 0, least = images, largest = 0;
      const auto pieces = cut_batch(images, most);
      for (const Piece& piece : pieces) {
        CHECK(piece.first == next);
        next += piece.count;
        least = std::min(least, piece.count);
        largest = std::max(largest, piece.count);
      }
      CHECK(next == images);
      CHECK(largest <= most);
      CHECK(largest - least <= 1);
      CHECK(static_cast<int>(pieces.size()) == (images + most - 1) / most);
    }
}

TEST_CASE("a batch is as large as memory for activations, by the model") {
  const DyvmConfig tiny = published_size("T"), base = published_size("B");
  CHECK(most_images(tiny) > 3 * most_images(base));
  CHECK(most_images(base) >= 1);
  // Of a model that is small enough to be measured, the estimate is near what a step takes.
  DyvmConfig c = tiny_config(64, 4);
  c.embed_dim = 96;
  c.depth = 8;
  c.state_dim = 16;
  c.dt_rank = 6;
  c = without_pruning(c);
  const auto trainer = make_trainer(c, kFastest, kImages);
  REQUIRE(trainer->step_normalised(random_input(c, 1).data(), targets_of(c).data(), kImages, 1e-4, 1));
  const double share = static_cast<double>(trainer->bytes()) / kImages * most_images(c) / kStepBytes;
  MESSAGE("a step takes " << share << " of what is meant for it");
  CHECK(share > 0.4);
  CHECK(share < 1.6);
}

TEST_CASE("a step in pieces is the step on the whole batch where its losses are means over images") {
  DyvmConfig c = without_pruning(tiny_config(16, 3));
  for (const std::string& device : device_names()) {
    CAPTURE(device);
    const auto whole = make_trainer(c, device, kImages), pieces = make_trainer(c, device, 3);
    for (int step = 0; step < 3; ++step) {
      const std::vector<float> input = random_input(c, step), targets = targets_of(c);
      const auto one = whole->step_normalised(input.data(), targets.data(), kImages, 1e-3, step),
                 other = pieces->step_normalised(input.data(), targets.data(), kImages, 1e-3, step);
      REQUIRE(one);
      REQUIRE(other);
      CHECK(other->losses.total == doctest::Approx(one->losses.total).epsilon(1e-4));
      CHECK(other->gradient_norm == doctest::Approx(one->gradient_norm).epsilon(1e-3));
      CHECK(other->accuracy == doctest::Approx(one->accuracy));
      CHECK(other->tokens_kept == doctest::Approx(1.0));
    }
  }
}

TEST_CASE("a dynamic model learns in pieces, and goes on with the same bytes on any number of threads") {
  const DyvmConfig c = tiny_config(16, 3);
  const std::vector<float> input = random_input(c, 1), targets = targets_of(c);
  const auto step = [&](Trainer& trainer, int number) {
    const auto result = trainer.step_normalised(input.data(), targets.data(), kImages, 2e-3, number);
    if (!result) FAIL(result.error().message);
    return *result;
  };
  const auto trainer = make_trainer(c, kFastest, 2);
  const StepResult first = step(*trainer, 0);
  CHECK(first.losses.token_ratio > 0.0);
  const OptimiserState middle = trainer->state();
  StepResult last;
  for (int number = 1; number < 40; ++number) last = step(*trainer, number);
  CHECK(last.losses.classification < 0.8 * first.losses.classification);
  const auto resumed = make_trainer(c, kFastest, 2, 1);
  REQUIRE(resumed->restore(middle));
  for (int number = 1; number < 40; ++number) step(*resumed, number);
  CHECK(resumed->state().weights == trainer->state().weights);
}

TEST_CASE("a step of a dense model in pieces is the whole one where all pixels are labelled") {
  DyvmConfig c = without_pruning(tiny_config(32, 2));
  c.segmentation.emplace();
  c.segmentation->kind = SegmentationHead::Kind::convolutions;
  c.segmentation->width = 12;
  c.segmentation->slide_stride = 32;
  const auto make = [&](int most) {
    Weights weights;
    add_missing_of_segmenter(c, weights, 1);
    TrainerSettings settings = settings_of(c);
    settings.most_images = most;
    auto trainer = SegmentationTrainer::create(c, weights, settings, kFastest, 2);
    if (!trainer) FAIL(trainer.error().message);
    return std::move(*trainer);
  };
  const auto whole = make(kImages), pieces = make(3);
  Random random(5);
  std::vector<std::uint8_t> pixels(3ull * kImages * 32 * 32), labels(kImages * 32 * 32);
  for (auto& value : pixels) value = static_cast<std::uint8_t>(random.whole(256));
  for (auto& value : labels) value = static_cast<std::uint8_t>(random.whole(2));
  for (int step = 0; step < 3; ++step) {
    const auto one = whole->step(pixels.data(), labels.data(), kImages, 1e-3, step),
               other = pieces->step(pixels.data(), labels.data(), kImages, 1e-3, step);
    REQUIRE(one);
    REQUIRE(other);
    CHECK(other->losses.total == doctest::Approx(one->losses.total).epsilon(1e-4));
    CHECK(other->gradient_norm == doctest::Approx(one->gradient_norm).epsilon(1e-3));
    CHECK(other->accuracy == doctest::Approx(one->accuracy));
  }
}
