// Training of segmentation step by step: what it reaches in inference, what it goes on from, what it refuses.
#include "train/segmentation/segmentation_trainer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "model/segmentation/segmenter.h"
#include "test/device_names.h"
#include "test/train/training_data.h"
#include "train/network/initial_weights.h"

using namespace winnow;
using namespace winnow::train;

namespace {

constexpr int kSide = 32;

DyvmConfig small_segmenter() {
  DyvmConfig c = tiny_config(kSide, 2);
  c.token_keep = {0.8, 0.64};
  c.segmentation.emplace();
  c.segmentation->kind = SegmentationHead::Kind::convolutions;
  c.segmentation->width = 12;
  c.segmentation->slide_stride = kSide;
  return c;
}

// Pictures of one rectangle each, of class 1: striped, under noise, on a plain ground of any colour.
struct Pictures {
  std::vector<std::uint8_t> pixels, labels;
};
Pictures draw_pictures(int count, std::uint64_t seed) {
  Random random(seed);
  Pictures pictures;
  for (int picture = 0; picture < count; ++picture) {
    const int width = 12 + random.whole(12), height = 12 + random.whole(12),
              left = random.whole(kSide - width), top = random.whole(kSide - height);
    const double ground = random.uniform(40.0, 180.0);
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const bool inside = x >= left && x < left + width && y >= top && y < top + height;
        const double value = inside ? (x % 2 == 0 ? 240.0 : 10.0) : ground;
        for (int channel = 0; channel < 3; ++channel)
          pictures.pixels.push_back(
              static_cast<std::uint8_t>(std::clamp(value + 20.0 * random.normal(), 0.0, 255.0)));
        // Every tenth pixel has been drawn by nobody.
        pictures.labels.push_back(random.chance(0.1) ? kNoLabel : static_cast<std::uint8_t>(inside));
      }
  }
  return pictures;
}

std::unique_ptr<SegmentationTrainer> make_trainer(const DyvmConfig& c, std::uint64_t seed,
                                                  const std::string& device, int threads = 2) {
  Weights weights;
  add_missing_of_segmenter(c, weights, seed);
  auto trainer = SegmentationTrainer::create(c, weights, settings_of(c), device, threads);
  if (!trainer) FAIL(trainer.error().message);
  return std::move(*trainer);
}

// Mean over both classes of intersection over union of what inference draws, of labelled pixels.
double mean_iou(const DyvmConfig& c, Weights weights, const Pictures& pictures) {
  auto backend = make_backend(kFastest, 1);
  REQUIRE(backend);
  auto segmenter = Segmenter::create(c, weights, **backend);
  if (!segmenter) FAIL(segmenter.error().message);
  DynamicOptions dynamic;
  dynamic.token_keep = c.token_keep;
  int same[2] = {0, 0}, either[2] = {0, 0};
  constexpr int kPixels = kSide * kSide;
  for (std::size_t first = 0; first < pictures.labels.size(); first += kPixels) {
    SegmentationTrace trace;
    Segmentation segmentation;
    const Status done = (*segmenter)
                            ->segment(pictures.pixels.data() + 3 * first, {kSide, kSide}, dynamic,
                                      {kSide, {kSide, kSide}, &trace}, segmentation);
    if (!done) FAIL(done.error().message);
    for (int i = 0; i < kPixels; ++i) {
      const int label = pictures.labels[first + i];
      if (label == kNoLabel) continue;
      for (int k = 0; k < 2; ++k) {
        same[k] += label == k && trace.classes[i] == k;
        either[k] += label == k || trace.classes[i] == k;
      }
    }
  }
  return 0.5 * (static_cast<double>(same[0]) / either[0] + static_cast<double>(same[1]) / either[1]);
}

}  // namespace

TEST_CASE("a segmentation model learns two classes that inference draws with fewer patches") {
  const DyvmConfig c = small_segmenter();
  const auto trainer = make_trainer(c, 1, kFastest);
  constexpr int kImages = 12;
  StepResult last;
  for (int step = 0; step < 300; ++step) {
    const Pictures drawn = draw_pictures(kImages, 100 + step);
    const auto result =
        trainer->step(drawn.pixels.data(), drawn.labels.data(), kImages, step < 200 ? 3e-3 : 1e-3, step);
    REQUIRE(result);
    last = *result;
  }
  CHECK(last.tokens_kept == doctest::Approx(0.64).epsilon(0.2));
  CHECK(last.accuracy > 0.95);
  CHECK(mean_iou(c, trainer->averaged_weights(), draw_pictures(40, 7)) > 0.9);
}

TEST_CASE("a training of segmentation that goes on is the one never stopped, on any number of threads") {
  const DyvmConfig c = small_segmenter();
  constexpr int kImages = 5;
  const Pictures drawn = draw_pictures(kImages, 3);
  for (const std::string& device : device_names()) {
    const auto step = [&](SegmentationTrainer& trainer, int number) {
      const auto result = trainer.step(drawn.pixels.data(), drawn.labels.data(), kImages, 1e-3, 70 + number);
      REQUIRE(result);
    };
    const auto straight = make_trainer(c, 6, device, 1);
    for (int number = 0; number < 4; ++number) step(*straight, number);
    const auto stopped = make_trainer(c, 6, device, 2);
    for (int number = 0; number < 2; ++number) step(*stopped, number);
    const auto resumed = make_trainer(c, 999, device, 3);
    REQUIRE(resumed->restore(stopped->state()));
    for (int number = 2; number < 4; ++number) step(*resumed, number);
    CHECK(straight->state().steps == 4);
    CHECK(alike(resumed->state(), straight->state()));
  }
}

TEST_CASE("labels, losses and models that no training of segmentation can use are refused in words") {
  const DyvmConfig c = small_segmenter();
  const auto trainer = make_trainer(c, 8, kFastest);
  Pictures drawn = draw_pictures(2, 9);
  const OptimiserState before = trainer->state();
  drawn.labels[5] = 2;
  const auto refused = trainer->step(drawn.pixels.data(), drawn.labels.data(), 2, 1e-3, 1);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("below 2") != std::string::npos);
  CHECK(!trainer->step(drawn.pixels.data(), drawn.labels.data(), 0, 1e-3, 1));
  CHECK(alike(trainer->state(), before));
  // Pictures that nobody has labelled ask nothing of the classes.
  std::fill(drawn.labels.begin(), drawn.labels.end(), kNoLabel);
  const auto none = trainer->step(drawn.pixels.data(), drawn.labels.data(), 2, 1e-3, 1);
  REQUIRE(none);
  CHECK(none->losses.classification == 0.0);

  OptimiserState other = before;
  other.average.pop_back();
  CHECK(!trainer->restore(other));
  Weights weights;
  add_missing_of_segmenter(c, weights, 10);
  DyvmConfig uper_net = c;
  uper_net.segmentation->kind = SegmentationHead::Kind::uper_net;
  CHECK(!SegmentationTrainer::create(uper_net, weights, settings_of(c), "reference", 1));
  CHECK(!SegmentationTrainer::create(c, weights, TrainerSettings{}, "reference", 1));
  CHECK(!SegmentationTrainer::create(c, weights, settings_of(c), "abacus", 1));
}
