// Training of detection step by step: what it reaches in inference, what it goes on from, what it refuses.
#include "train/detection/detection_trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "model/detection/detector.h"
#include "test/device_names.h"
#include "test/train/detection/drawn_scenes.h"

using namespace winnow;
using namespace winnow::train;

namespace {

constexpr int kSide = 32, kCells = 32;

DyvmConfig learning_detector() {
  DyvmConfig c = tiny_config(kSide, 2);
  c.token_keep = {0.8, 0.64};
  c.detection = OneStageHead{.width = 16, .layers = 1, .prototypes = 4};
  return c;
}

std::unique_ptr<DetectionTrainer> make_trainer(const DyvmConfig& c, std::uint64_t seed,
                                               const std::string& device, int threads = 2,
                                               bool freezes_backbone = false) {
  Weights weights;
  add_missing_of_detector(c, weights, seed);
  TrainerSettings settings = settings_of(c);
  settings.optimiser.freezes_backbone = freezes_backbone;
  auto trainer = DetectionTrainer::create(c, weights, settings, device, threads);
  if (!trainer) FAIL(trainer.error().message);
  return std::move(*trainer);
}

double iou(const Box& a, const Box& b) {
  const double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0),
               height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (width <= 0.0 || height <= 0.0) return 0.0;
  const double common = width * height;
  return common / (a.width() * a.height() + b.width() * b.height() - common);
}

// Of the objects in scenes the share that inference finds, among as many of its best detections as there are
// objects, with its class, an IoU of at least 1/2, and a mask of about its area.
double recall(const DyvmConfig& c, Weights weights, const Scenes& scenes) {
  auto backend = make_backend(kFastest, 1);
  REQUIRE(backend);
  auto detector = Detector::create(c, weights, **backend);
  if (!detector) FAIL(detector.error().message);
  DynamicOptions dynamic;
  dynamic.token_keep = c.token_keep;
  DetectionOptions options;
  options.min_score = 0.001f;
  options.target = {kSide, kSide};
  int all = 0, hits = 0;
  for (std::size_t scene = 0; scene < scenes.objects.size(); ++scene) {
    const auto& objects = scenes.objects[scene];
    options.max_detections = std::max<int>(1, static_cast<int>(objects.size()));
    Detections detections;
    const Status done = (*detector)->detect(scenes.pixels.data() + scene * 3 * kSide * kSide, {kSide, kSide},
                                            dynamic, options, detections);
    if (!done) FAIL(done.error().message);
    for (const TrainingObject& object : objects) {
      const double area = object.box.width() * object.box.height();
      ++all;
      hits += std::any_of(detections.found.begin(), detections.found.end(), [&](const Detection& found) {
        REQUIRE(found.mask);
        const double share = static_cast<double>(found.mask->area) / area;
        return found.class_index == object.label && iou(found.box, object.box) >= 0.5 && share > 0.6 &&
               share < 1.5;
      });
    }
  }
  REQUIRE(all > 20);
  return static_cast<double>(hits) / all;
}

}  // namespace

TEST_CASE("a detector learns drawn scenes with fewer patches, and an untaught one knows none of them") {
  const DyvmConfig c = learning_detector();
  const auto trainer = make_trainer(c, 1, kFastest);
  const Scenes unseen = draw_scenes(40, kSide, kCells, 7);
  CHECK(recall(c, trainer->weights(), unseen) < 0.2);
  constexpr int kImages = 8;
  StepResult first, last;
  for (int step = 0; step < 300; ++step) {
    const Scenes drawn = draw_scenes(kImages, kSide, kCells, 100 + step);
    const auto result =
        trainer->step(drawn.pixels.data(), drawn.objects, kImages, step < 220 ? 4e-3 : 1e-3, step);
    REQUIRE(result);
    last = *result;
    if (step == 0) first = last;
  }
  CHECK(last.tokens_kept < 0.85);
  CHECK(last.losses.classification < first.losses.classification);
  CHECK(last.losses.boxes < 0.5 * first.losses.boxes);
  CHECK(last.losses.masks < 0.7 * first.losses.masks);
  const double found = recall(c, trainer->averaged_weights(), unseen);
  MESSAGE("recall " << found << ", kept " << last.tokens_kept);
  CHECK(found > 0.8);
}

TEST_CASE("over a frozen backbone the head learns alone, from windows seen before as from new ones") {
  const DyvmConfig c = learning_detector();
  constexpr int kImages = 4;
  for (const std::string& device : device_names()) {
    CAPTURE(device);
    const Scenes one = draw_scenes(kImages, kSide, kCells, 3), other = draw_scenes(kImages, kSide, kCells, 4);
    const auto seen = make_trainer(c, 1, device, 2, true);
    const std::vector<float> before = seen->state().weights;
    const auto step = [&](DetectionTrainer& trainer, const Scenes& scenes, int number) {
      const auto result = trainer.step(scenes.pixels.data(), scenes.objects, kImages, 1e-3, number);
      if (!result) FAIL(result.error().message);
      return *result;
    };
    const StepResult first = step(*seen, one, 0);
    CHECK(first.losses.token_ratio == 0.0);
    CHECK(first.losses.block_ratio == 0.0);
    CHECK(first.tokens_kept > 0.0);
    CHECK(first.directions_kept > 0.0);
    const OptimiserState middle = seen->state();
    step(*seen, other, 1);
    const StepResult again = step(*seen, one, 2);  // its maps are kept
    CHECK(again.tokens_kept == first.tokens_kept);
    CHECK(again.losses.total < first.losses.total);

    // One that goes on has none of the maps, on one thread, and gives the same bytes.
    const auto resumed = make_trainer(c, 9, device, 1, true);
    REQUIRE(resumed->restore(middle));
    step(*resumed, other, 1);
    step(*resumed, one, 2);
    CHECK(resumed->state().weights == seen->state().weights);
    CHECK(resumed->state().average == seen->state().average);

    int kept = 0, learned = 0;
    for (const Parameter& parameter : seen->table().parameters()) {
      const auto begin = before.begin() + static_cast<std::ptrdiff_t>(parameter.offset);
      const bool same =
          std::equal(begin, begin + static_cast<std::ptrdiff_t>(parameter.size),
                     seen->state().weights.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
      const bool is_of_backbone = parameter.name.starts_with(backbone_prefix(c));
      CAPTURE(parameter.name);
      CHECK(same == is_of_backbone);
      (is_of_backbone ? kept : learned)++;
    }
    CHECK(kept > 20);
    CHECK(learned > 10);
  }
}

TEST_CASE("a training of detection that goes on is the one never stopped, on any number of threads") {
  const DyvmConfig c = learning_detector();
  constexpr int kImages = 5;
  const Scenes drawn = draw_scenes(kImages, kSide, kCells, 3);
  for (const std::string& device : device_names()) {
    const auto step = [&](DetectionTrainer& trainer, int number) {
      const auto result = trainer.step(drawn.pixels.data(), drawn.objects, kImages, 1e-3, 70 + number);
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

TEST_CASE(
    "the parts of a detector's loss are those that its sum has; images without objects are background") {
  const DyvmConfig c = learning_detector();
  const auto trainer = make_trainer(c, 8, kFastest);
  const Scenes drawn = draw_scenes(2, kSide, kCells, 9);
  const auto result = trainer->step(drawn.pixels.data(), drawn.objects, 2, 1e-3, 1);
  REQUIRE(result);
  const Losses& l = result->losses;
  CHECK(l.total ==
        doctest::Approx(l.classification + l.boxes + l.quality + l.masks + l.token_ratio + l.block_ratio));
  for (double part : {l.classification, l.boxes, l.quality, l.masks}) CHECK(part > 0.0);
  const auto none = trainer->step(drawn.pixels.data(), {{}, {}}, 2, 1e-3, 1);
  REQUIRE(none);
  CHECK(none->losses.classification > 0.0);
  CHECK(none->losses.boxes == 0.0);
  CHECK(none->losses.quality == 0.0);
  CHECK(none->losses.masks == 0.0);
  CHECK(none->accuracy == 1.0);
}

TEST_CASE("new weights of a detector have the prior of rare classes, and replace a head of other classes") {
  DyvmConfig c = learning_detector();
  Weights weights;
  add_missing_of_detector(c, weights, 1);
  const auto value = [&](const std::string& name, int count, int i) {
    const auto values = weights.tensor(name, {count});
    REQUIRE(values);
    return (*values)[i];
  };
  CHECK(value("head.classes.bias", 2, 1) == doctest::Approx(-std::log(99.0)));
  CHECK(value("head.scales", 3, 2) == 1.0f);
  CHECK(value("pyramid.0.narrow.norm.weight", 16, 3) == 1.0f);
  CHECK(value("head.quality.bias", 1, 0) == 0.0f);
  weights.add("head.scales", {3}, {2.0f, 3.0f, 4.0f});
  c.classes = 5;
  std::get<OneStageHead>(*c.detection).width = 20;
  add_missing_of_detector(c, weights, 2);
  CHECK(value("head.scales", 3, 1) == 3.0f);  // has been learnt
  CHECK(DetectionTrainer::create(c, weights, settings_of(c), "reference", 1));
  CHECK(value("head.classes.bias", 5, 4) == doctest::Approx(-std::log(99.0)));
}

TEST_CASE("objects and models that no training of detection can use are refused in words") {
  const DyvmConfig c = learning_detector();
  const auto trainer = make_trainer(c, 8, kFastest);
  const Scenes drawn = draw_scenes(1, kSide, kCells, 9);
  const OptimiserState before = trainer->state();
  const auto refused = [&](const TrainingObject& object, const std::string& word) {
    const auto result = trainer->step(drawn.pixels.data(), {{object}}, 1, 1e-3, 1);
    REQUIRE(!result);
    CHECK(result.error().code == ErrorCode::bad_argument);
    CHECK(result.error().message.find(word) != std::string::npos);
  };
  refused({{1, 1, 9, 9}, 2, {}}, "below 2");
  refused({{1, 1, 9, 9}, -1, {}}, "below 2");
  refused({{9, 1, 9, 9}, 0, {}}, "area");
  refused({{1, 1, 33, 9}, 0, {}}, "inside");
  refused({{1, std::numeric_limits<float>::quiet_NaN(), 9, 9}, 0, {}}, "area");
  refused({{1, 1, 9, 9}, 0, {1, 0}}, "1024 cells");
  CHECK(!trainer->step(drawn.pixels.data(), {}, 1, 1e-3, 1));
  CHECK(!trainer->step(drawn.pixels.data(), {}, 0, 1e-3, 1));
  CHECK(alike(trainer->state(), before));

  OptimiserState other = before;
  other.average.pop_back();
  CHECK(!trainer->restore(other));
  Weights weights;
  add_missing_of_detector(c, weights, 10);
  DyvmConfig two_stages = c;
  two_stages.detection = MaskRcnnHead{.width = 8, .box_width = 12, .stages = 1, .box_per_class = true};
  CHECK(!DetectionTrainer::create(two_stages, weights, settings_of(c), "reference", 1));
  CHECK(!DetectionTrainer::create(c, weights, TrainerSettings{}, "reference", 1));
  CHECK(!DetectionTrainer::create(c, weights, settings_of(c), "abacus", 1));
}
