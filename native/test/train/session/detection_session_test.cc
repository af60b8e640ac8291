// A detection training as the app has it: pictures with boxes and masks in, files out.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "model/rle.h"
#include "test/train/session/session_files.h"
#include "train/detection/detection_trainer.h"
#include "train/network/initial_weights.h"

using namespace winnow;
using namespace winnow::train;
using nlohmann::json;

namespace {

constexpr int kWidth = 48, kHeight = 40;

json settings(int prototypes = 4) {
  json head = {{"kind", "one-stage"}, {"width", 16}, {"layers", 1}};
  if (prototypes > 0) head["prototypes"] = prototypes;
  return dense_settings({{"task", "detection"}, {"head", head}});
}

// A dark picture with a bright object of class 1, as a box and as a mask.
struct Bright {
  Bright() : pixels(3 * kWidth * kHeight, 20) {
    MaskEncoder mask;
    for (int x = 8; x < 28; ++x) mask.add_ones(x * kHeight + 10, x * kHeight + 30);
    for (int y = 10; y < 30; ++y)
      std::fill_n(pixels.begin() + 3 * (kWidth * y + 8), 3 * 20, static_cast<std::uint8_t>(230));
    example = {{pixels.data(), kWidth, kHeight},
               0,
               kWidth,
               kHeight,
               {{{8.0f, 10.0f, 28.0f, 30.0f}, 1, mask.finish(kWidth * kHeight).counts}}};
  }
  std::vector<std::uint8_t> pixels;
  TrainingExample example;
};

StepResult learn(Session& session, int from, int to) {
  const Bright bright;
  TrainingExample background = bright.example;
  background.objects.clear();
  StepResult last;
  for (int step = from; step < to; ++step) {
    const auto result = session.step({bright.example, background, bright.example}, 1e-2, step);
    if (!result) FAIL(result.error().message);
    last = *result;
  }
  return last;
}

}  // namespace

TEST_CASE("a detection session learns from boxes and masks, and goes on from its file with the same bytes") {
  const Folder folder;
  auto whole = Session::open(setup_of(settings(), "cpu"));
  if (!whole) FAIL(whole.error().message);
  const StepResult first_step = learn(**whole, 0, 1), last = learn(**whole, 1, 40);
  CHECK(last.accuracy > 0.9);
  CHECK(last.losses.boxes < 0.7 * first_step.losses.boxes);
  CHECK(last.losses.masks < 0.7 * first_step.losses.masks);
  CHECK(last.losses.masks > 0.0);
  REQUIRE((*whole)->save_weights(folder.file("whole"), true));

  check_goes_on(folder, settings(), settings(8), learn);
}

TEST_CASE("a detection session without prototypes learns from boxes alone") {
  auto session = Session::open(setup_of(settings(0), "cpu"));
  if (!session) FAIL(session.error().message);
  const StepResult last = learn(**session, 0, 30);
  CHECK(last.accuracy > 0.9);
  CHECK(last.losses.masks == 0.0);
}

TEST_CASE("boxes and masks that cannot be learned from") {
  auto session = Session::open(setup_of(settings(), "cpu"));
  REQUIRE(session);
  const auto refusal = [&](const auto& change) {
    Bright bright;
    change(bright.example);
    return refusal_of(**session, bright.example);
  };
  CHECK(refusal([](TrainingExample& example) { example.width = 40; }).find("another size") !=
        std::string::npos);
  CHECK(refusal([](TrainingExample& example) { example.width = 0; }).find("size") != std::string::npos);
  CHECK(refusal([](TrainingExample& example) { example.objects[0].label = 2; }).find("below 2") !=
        std::string::npos);
  CHECK(refusal([](TrainingExample& example) {
          example.objects[0].box.x1 = std::numeric_limits<float>::quiet_NaN();
        }).find("finite") != std::string::npos);
}

TEST_CASE("a detector takes its backbone from a classifier, and its head as well from a detector") {
  const auto config = read_training_settings(settings().dump())->config;
  const auto same = [&](Weights& inherited, const std::string& name, Weights& theirs,
                        const std::string& source) {
    const Weights::Shape shape = theirs.shape(source);
    std::int64_t size = 1;
    for (const std::int64_t extent : shape) size *= extent;
    const auto own = inherited.tensor(name, shape), other = theirs.tensor(source, shape);
    if (!own) FAIL(own.error().message);
    REQUIRE(other);
    CHECK(std::equal(*own, *own + size, *other));
  };
  DyvmConfig classifier = config;
  classifier.detection.reset();
  classifier.classes = 5;
  Weights theirs = initial_weights(classifier, 5);
  auto of_classifier = inherit(config, classifier, theirs);
  if (!of_classifier) FAIL(of_classifier.error().message);
  same(*of_classifier, "backbone.net.layers.1.mixer.D", theirs, "layers.1.mixer.D");
  CHECK(of_classifier->shape("head.scales").empty());

  Weights detector;
  add_missing_of_detector(config, detector, 5);
  auto whole = inherit(config, config, detector);
  if (!whole) FAIL(whole.error().message);
  for (const std::string& name : detector.names()) same(*whole, name, detector, name);
}
