// Detection in one stage: what places say, candidates and masks by hand; small random detectors on the
// reference and on the cpu.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/random_weights.h"
#include "engine/engine.h"
#include "model/detection/detector.h"
#include "model/detection/one_stage_boxes.h"
#include "model/detection/prototype_mask.h"
#include "test/model/detection/box_checks.h"
#include "test/model/small_models.h"

namespace winnow {
namespace {

// Outputs of two classes on levels of 4 x 4, 2 x 2 and 1 x 1 cells of 8, 16 and 32 pixels, where no place
// sees anything: every box reaches one stride to each side, and its quality is 1/2.
OneStageOutputs nothing_seen() {
  OneStageOutputs outputs;
  outputs.levels = {{{4, 4, 8.0f, 1.0f}, {2, 2, 16.0f, 1.0f}, {1, 1, 32.0f, 1.0f}}};
  outputs.classes = 2;
  outputs.class_logits.assign(2ull * outputs.locations(), -30.0f);
  outputs.predictions.assign(static_cast<std::size_t>(outputs.locations()) * OneStageOutputs::kPlace, 0.0f);
  return outputs;
}

float& logit(OneStageOutputs& outputs, int location, int class_index) {
  return outputs.class_logits[2 * location + class_index];
}

float* place(OneStageOutputs& outputs, int location) {
  return outputs.predictions.data() + location * OneStageOutputs::kPlace;
}

struct Loaded {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Detector> detector;
};

Loaded load(const DyvmConfig& config, const std::string& device = "reference") {
  auto backend = make_backend(device, 2);
  REQUIRE(backend);
  Weights weights = random_tensors(config);
  auto detector = Detector::create(config, weights, **backend);
  REQUIRE_MESSAGE(detector, (detector ? "" : detector.error().message));
  return {std::move(*backend), std::move(*detector)};
}

Detections detect(const Loaded& loaded, PictureSize size, const DetectionOptions& options,
                  const DynamicOptions& dynamic = {}) {
  Detections detections;
  const Status done =
      loaded.detector->detect(random_picture(size).data(), size, dynamic, options, detections);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  return detections;
}

nlohmann::json manifest_of(const nlohmann::json& head) {
  return {{"format", 1},
          {"task", "detection"},
          {"architecture", "vim"},
          {"imageSize", 64},
          {"patchSize", 8},
          {"stride", 8},
          {"embedDim", 16},
          {"depth", 2},
          {"stateDim", 4},
          {"convWidth", 4},
          {"dtRank", 1},
          {"classes", 3},
          {"halveDirections", true},
          {"rotary", false},
          {"blockSelection", false},
          {"pruningLayers", nlohmann::json::array()},
          {"tokenKeep", nlohmann::json::array()},
          {"preprocessing", {{"mean", {0.5, 0.5, 0.5}}, {"std", {0.25, 0.25, 0.25}}}},
          {"head", head}};
}

}  // namespace

TEST_CASE("one stage: the manifest's head is read, and what is wrong with it is named") {
  const auto whole = read_manifest(
      manifest_of({{"kind", "one-stage"}, {"width", 12}, {"layers", 2}, {"prototypes", 8}}).dump());
  REQUIRE(whole);
  const auto& head = std::get<OneStageHead>(*whole->detection);
  CHECK(head.width == 12);
  CHECK(head.layers == 2);
  CHECK(head.prototypes == 8);
  const auto boxes = read_manifest(manifest_of({{"kind", "one-stage"}, {"width", 9}, {"layers", 1}}).dump());
  REQUIRE(boxes);
  CHECK(std::get<OneStageHead>(*boxes->detection).prototypes == 0);

  const auto failure = [](const nlohmann::json& manifest) {
    const auto config = read_manifest(manifest.dump());
    REQUIRE(!config);
    CHECK(config.error().code == ErrorCode::bad_model);
    return config.error().message;
  };
  CHECK(failure(manifest_of({{"kind", "two-stage"}, {"width", 12}, {"layers", 2}})) ==
        "Manifest: expected head.kind to be \"one-stage\" or not there, but it is \"two-stage\".");
  CHECK(failure(manifest_of({{"kind", "one-stage"}, {"layers", 2}})).find("head.width") != std::string::npos);
  CHECK(failure(manifest_of({{"kind", "one-stage"}, {"width", 12}, {"layers", 17}})).find("at most 16") !=
        std::string::npos);
  CHECK(failure(manifest_of({{"kind", "one-stage"}, {"width", 12}, {"layers", 2}, {"prototypes", 0}}))
            .find("head.prototypes") != std::string::npos);
  CHECK(failure(manifest_of({{"kind", "one-stage"}, {"width", 12}, {"layers", 2}, {"prototypes", 257}}))
            .find("at most 256") != std::string::npos);
  CHECK(failure(manifest_of({{"kind", "one-stage"}, {"width", 9}, {"layers", 2}, {"prototypes", 4}}))
            .find("even in a model that draws masks") != std::string::npos);
  nlohmann::json overlapping = manifest_of({{"kind", "one-stage"}, {"width", 12}, {"layers", 2}});
  overlapping["stride"] = 4;
  CHECK(failure(overlapping).find("side by side") != std::string::npos);
}

TEST_CASE("one stage: a place's box reaches from its centre by the stride times exp of what it says") {
  const OneStageOutputs::Level level{4, 4, 8.0f, 0.5f};
  const float log2 = std::log(2.0f);
  const float distances[] = {0.0f, 2 * log2, 4 * log2, -2 * log2};  // 8, 16, 32 and 4 pixels
  check_box(box_of_place(1, 2, level, distances), {20 - 8, 12 - 16, 20 + 32, 12 + 4});
  const float huge[] = {1e30f, 0, 0, 0};
  CHECK(box_of_place(0, 0, level, huge).x0 == doctest::Approx(4.0f - 8.0f * std::exp(8.0f)));
}

TEST_CASE("one stage: candidates have the geometric mean of class and quality, and lie inside the picture") {
  OneStageOutputs outputs = nothing_seen();
  logit(outputs, 5, 1) = 2.0f;  // cell (1, 1) of the finest level
  place(outputs, 5)[4] = -1.0f;
  logit(outputs, 19, 0) = 1.0f;  // cell (1, 1) of the next
  logit(outputs, 20, 0) = 0.0f;  // the coarsest
  logit(outputs, 20, 1) = 0.5f;
  logit(outputs, 15, 0) = 3.0f;  // outside of the picture
  logit(outputs, 6, 0) = 3.0f;   // not finite
  place(outputs, 6)[2] = kNothing;
  logit(outputs, 7, 0) = kNothing;
  const auto found = one_stage_candidates(outputs, {30, 20}, 0.05f);
  const auto mean = [](double a, double b) { return std::sqrt(1 / (1 + std::exp(-a)) / (1 + std::exp(-b))); };
  REQUIRE(found.size() == 4);
  CHECK(found[0].class_index == 1);
  CHECK(found[0].location == 5);
  CHECK(found[0].score == doctest::Approx(mean(2.0, -1.0)));
  check_box(found[0].box, {4, 4, 20, 20});
  CHECK(found[1].location == 19);
  CHECK(found[1].score == doctest::Approx(mean(1.0, 0.0)));
  check_box(found[1].box, {8, 8, 30, 20});
  CHECK(found[2].class_index == 1);  // the better class of a place first
  CHECK(found[3].class_index == 0);
  check_box(found[3].box, {0, 0, 30, 20});

  // Only what is better than the threshold: the score itself is not.
  CHECK(one_stage_candidates(outputs, {30, 20}, found[1].score).size() == 0);
  CHECK(one_stage_candidates(outputs, {30, 20}, std::nextafter(found[1].score, 0.0f)).size() == 1);
  CHECK(one_stage_candidates(outputs, {30, 20}, 0.0f).size() > 20);
  CHECK(one_stage_candidates(outputs, {30, 20}, 1.0f).empty());
}

TEST_CASE("one stage: the thousand best of a level") {
  OneStageOutputs outputs;
  outputs.levels = {{{40, 40, 8.0f, 1.0f}, {20, 20, 16.0f, 1.0f}, {10, 10, 32.0f, 1.0f}}};
  outputs.classes = 1;
  const int locations = outputs.locations();
  for (int i = 0; i < locations; ++i) outputs.class_logits.push_back(0.001f * static_cast<float>(i));
  outputs.predictions.assign(static_cast<std::size_t>(locations) * OneStageOutputs::kPlace, 0.0f);
  const auto found = one_stage_candidates(outputs, {320, 320}, 0.1f);
  REQUIRE(found.size() == 1000 + 400 + 100);
  CHECK(found[0].location == 1599);
  CHECK(found[999].location == 600);
}

TEST_CASE("one stage: a better box covers those of its class on every level, and none of another class") {
  const std::vector<ScoredBox> boxes = {
      {0, 0.6f, {0, 0, 10, 10}, 1}, {1, 0.7f, {0, 0, 10, 10}, 2}, {0, 0.9f, {0, 0, 10, 9}, 3},
      {0, 0.5f, {0, 0, 10, 4}, 4},  {1, 0.7f, {0, 1, 10, 10}, 5},
  };
  const auto found = best_of_classes(boxes, 2, 0.5f, 100);
  REQUIRE(found.size() == 3);
  CHECK(found[0].location == 3);
  CHECK(found[1].location == 2);  // of equal ones the first
  CHECK(found[2].location == 4);  // overlaps by 4/9
  CHECK(best_of_classes(boxes, 2, 0.4f, 100).size() == 2);
  CHECK(best_of_classes(boxes, 2, 0.5f, 1).size() == 1);
  CHECK(best_of_classes({}, 2, 0.5f, 1).empty());
}

TEST_CASE("one stage: a mask is where the mixed prototypes are positive, inside its box") {
  // 4 x 4 cells of 4 pixels: the first prototype is the left half, the second the lower one.
  std::vector<float> values;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x) {
      values.push_back(x < 2 ? 10.0f : 0.0f);
      values.push_back(y < 2 ? 0.0f : 10.0f);
    }
  const Prototypes prototypes{values.data(), 4, 4, 2, 4.0f};
  const auto area = [&](std::vector<float> coefficients, const Box& box, PictureSize target = {16, 16}) {
    return mask_of_prototypes(prototypes, coefficients.data(), box, {16, 16}, target).area;
  };
  // sigmoid(0) is 1/2, which is inside; the edges of the picture belong to it.
  CHECK(area({1, 1}, {0, 0, 16, 16}) == 256);
  CHECK(area({1, 1}, {0, 0, 16, 16}, {32, 48}) == 32 * 48);
  CHECK(area({1, 1}, {3, 5, 9, 6}) == 6);
  CHECK(area({1, 1}, {3, 5, 9, 6}, {32, 32}) == 24);
  CHECK(area({1, 1}, {3.6f, 5.6f, 9.4f, 6.4f}) == 0);  // no pixel's centre
  // Without the left half: bilinear to 1/2 at the centre of its first cell outside, at x = 10.
  CHECK(area({-1, 0}, {0, 0, 16, 16}) == 6 * 16);
  CHECK(area({0, -1}, {0, 0, 16, 16}) == 16 * 6);
  CHECK(area({-9, -9}, {0, 8, 8, 16}) == 0);
  // tanh: coefficients beyond 1 weigh the same.
  CHECK(area({-50, 60}, {0, 12, 8, 16}) == 8 * 4);
}

TEST_CASE("one stage: detectors find the same on the cpu as on the reference, with patches of every size") {
  for (const int patch : {16, 8, 4}) {
    CAPTURE(patch);
    DyvmConfig config = small_detector("one-stage", 96);
    config.patch_size = config.stride = patch;
    const PictureSize size{96, 70}, target{300, 200};
    DetectionTrace traces[2];
    Detections detections[2];
    const char* devices[] = {"reference", "cpu"};
    for (int i = 0; i < 2; ++i) {
      const DetectionOptions options{.target = target, .trace = &traces[i]};
      detections[i] = detect(load(config, devices[i]), size, options);
      CHECK(detections[i].directions.size() == static_cast<std::size_t>(config.depth));
      CHECK(detections[i].survived.size() == static_cast<std::size_t>(config.patches()));
      REQUIRE(traces[i].levels.size() == 3);
      const int grid = 96 / patch;
      CHECK(traces[i].levels[0].size() == static_cast<std::size_t>(2 * grid) * 2 * grid * 12);
      CHECK(traces[i].levels[2].size() == static_cast<std::size_t>(grid / 2) * (grid / 2) * 12);
      CHECK(traces[i].prototypes.size() == static_cast<std::size_t>(4 * grid) * 4 * grid * 6);
    }
    const auto close = [](const std::vector<float>& a, const std::vector<float>& b) {
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i)
        if (std::abs(a[i] - b[i]) > 2e-3f) return false;
      return true;
    };
    CHECK(close(traces[0].class_logits, traces[1].class_logits));
    CHECK(close(traces[0].predictions, traces[1].predictions));
    CHECK(close(traces[0].prototypes, traces[1].prototypes));
    REQUIRE(detections[0].found.size() > 5);
    const Detection &expected = detections[0].found[0], &found = detections[1].found[0];
    CHECK(found.class_index == expected.class_index);
    CHECK(found.score == doctest::Approx(expected.score).epsilon(1e-3));
    for (const Detection& one : detections[1].found) {
      REQUIRE(one.mask);
      CHECK(one.box.x0 >= 0.0f);
      CHECK(one.box.x1 <= 300.0f);
      CHECK(one.mask->area <= static_cast<std::int64_t>((one.box.width() + 1) * (one.box.height() + 1)));
    }
  }
}

TEST_CASE("one stage: a model of boxes alone finds the same boxes without masks") {
  const DetectionOptions options{.min_score = 0.1f, .target = {128, 128}};
  const Detections boxes = detect(load(small_detector("boxes")), {64, 64}, options);
  REQUIRE(!boxes.found.empty());
  for (const Detection& found : boxes.found) CHECK(!found.mask);
}

TEST_CASE("one stage: pictures one pixel wide, one pixel high, of one pixel; nothing found is a result") {
  const Loaded loaded = load(small_detector("one-stage"), "cpu");
  const std::pair<PictureSize, PictureSize> sizes[] = {
      {{64, 1}, {5000, 1}}, {{1, 64}, {1, 5000}}, {{1, 1}, {1, 1}}, {{64, 64}, {64, 64}}};
  for (const auto& [size, target] : sizes) {
    CAPTURE(size.width);
    CAPTURE(size.height);
    const Detections detections = detect(loaded, size, {.min_score = 0.0f, .target = target});
    CHECK(!detections.found.empty());
    CHECK(detections.found.size() <= 100);
    for (const Detection& found : detections.found) {
      CHECK(!found.box.empty());
      CHECK(found.box.x1 <= static_cast<float>(target.width));
      CHECK(found.box.y1 <= static_cast<float>(target.height));
    }
  }
  const std::vector<std::uint8_t> grey(64 * 64 * 3, 115);
  Detections detections;
  REQUIRE(loaded.detector->detect(grey.data(), {64, 64}, {}, {.min_score = 1.0f, .target = {64, 64}},
                                  detections));
  CHECK(detections.found.empty());
}

TEST_CASE("one stage: patches are pruned by the dial, and blocks choose their directions") {
  DyvmConfig config = small_detector("one-stage", 96);
  config.rotary = false;
  config.block_selection = true;
  config.pruning_layers = {1};
  config.token_keep = {0.5};
  const Loaded loaded = load(config, "cpu");
  DynamicOptions dynamic;
  const auto survivors = [&](double keep) {
    dynamic.token_keep = {keep};
    const Detections detections = detect(loaded, {96, 96}, {.target = {96, 96}}, dynamic);
    int sum = 0;
    for (const std::uint8_t stages : detections.survived) sum += stages;
    return sum;
  };
  CHECK(survivors(1.0) == 36);
  CHECK(survivors(0.5) == 18);
  CHECK(survivors(0.25) == 9);
  dynamic.block_threshold = 1.0f;
  const Detections none = detect(loaded, {96, 96}, {.target = {96, 96}}, dynamic);
  for (const std::uint8_t directions : none.directions) CHECK(directions == 0);
}

TEST_CASE("one stage: a detection can be cancelled; a missing tensor is named") {
  const DyvmConfig config = small_detector("one-stage");
  const Loaded loaded = load(config);
  const std::atomic<bool> cancelled = true;
  DynamicOptions dynamic;
  dynamic.cancel = &cancelled;
  Detections detections;
  const Status done = loaded.detector->detect(random_picture({64, 64}).data(), {64, 64}, dynamic,
                                              {.target = {64, 64}}, detections);
  REQUIRE(!done);
  CHECK(done.error().code == ErrorCode::cancelled);

  Weights boxes = random_tensors(small_detector("boxes"));
  const auto detector = Detector::create(config, boxes, *loaded.backend);
  REQUIRE(!detector);
  CHECK(detector.error().code == ErrorCode::bad_model);
  CHECK(detector.error().message.find("head.coefficients.weight") != std::string::npos);
}

}  // namespace winnow
