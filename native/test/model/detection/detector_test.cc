// Detection: the arithmetic of boxes by hand, the choice of proposals and of what is found by hand, and small
// random detectors on the reference and on the cpu.
#include "model/detection/detector.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "bench/random_weights.h"
#include "engine/engine.h"
#include "model/detection/proposals.h"
#include "test/model/detection/box_checks.h"
#include "test/model/small_models.h"

namespace winnow {
namespace {

// Outputs of the proposal network for a map of height x width cells: no anchor is good, none is moved.
std::vector<float> anchor_outputs(int height, int width) {
  std::vector<float> outputs(static_cast<std::size_t>(height) * width * kAnchorOutputs, 0.0f);
  for (std::size_t i = 0; i < outputs.size(); i += kAnchorOutputs)
    for (int shape = 0; shape < kAnchors; ++shape) outputs[i + shape] = kNothing;
  return outputs;
}

// A detector and what it needs.
struct Loaded {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Detector> detector;
};

Loaded load(const DyvmConfig& config, Weights& weights, const std::string& device = "reference") {
  auto backend = make_backend(device, 2);
  REQUIRE(backend);
  auto detector = Detector::create(config, weights, **backend);
  REQUIRE_MESSAGE(detector, (detector ? "" : detector.error().message));
  return {std::move(*backend), std::move(*detector)};
}

Detections detect(const Loaded& loaded, PictureSize size, DetectionOptions options) {
  Detections detections;
  const Status done =
      loaded.detector->detect(random_picture(size).data(), size, DynamicOptions(), options, detections);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  return detections;
}

bool inside(const Detection& found, PictureSize target) {
  const Box& box = found.box;
  return box.x0 >= 0.0f && box.y0 >= 0.0f && box.x0 < box.x1 && box.y0 < box.y1 &&
         box.x1 <= static_cast<float>(target.width) && box.y1 <= static_cast<float>(target.height) &&
         found.mask->area >= 0 && found.mask->area <= static_cast<std::int64_t>(target.width) * target.height;
}

}  // namespace

TEST_CASE("anchors stand around the corner of their cell, of the same area in three shapes") {
  check_box(anchor(0, 0, 4, 32.0f, 1), {-16, -16, 16, 16});
  check_box(anchor(2, 3, 8, 64.0f, 1), {24 - 32, 16 - 32, 24 + 32, 16 + 32});
  const float longer = 32.0f * std::sqrt(2.0f), shorter = 32.0f / std::sqrt(2.0f);
  check_box(anchor(0, 0, 4, 32.0f, 0), {-longer / 2, -shorter / 2, longer / 2, shorter / 2});
  check_box(anchor(0, 0, 4, 32.0f, 2), {-shorter / 2, -longer / 2, shorter / 2, longer / 2});
}

TEST_CASE("corrections move a box by shares of its size and grow it by factors of 62.5 at most") {
  const Box box{10, 20, 30, 60};  // 20 x 40 around (20, 40)
  const float moved[] = {1.0f, -2.0f, 5.0f * std::log(2.0f), 0.0f};
  check_box(correct(box, moved, {10, 5}), {2, 12, 42, 52});  // 40 x 40 around (22, 32)
  const float grown[] = {0.0f, 0.0f, 100.0f, 100.0f};
  check_box(correct(box, grown, {1, 1}), {20 - 625, 40 - 1250, 20 + 625, 40 + 1250});
  const float collapsed[] = {0.0f, 0.0f, -1000.0f, 0.0f};
  CHECK(correct(box, collapsed, {1, 1}).empty());
  check_box(clip({-5, 3, 120, 70}, {100, 50}), {0, 3, 100, 50});
}

TEST_CASE("a box is looked at on the level that its size asks for") {
  const auto level = [](float width, float height) { return level_of({10, 20, 10 + width, 20 + height}); };
  CHECK(level(224, 224) == 2);
  CHECK(level(223, 223) == 1);
  CHECK(level(112, 112) == 1);
  CHECK(level(111, 111) == 0);
  CHECK(level(448, 448) == 3);
  CHECK(level(447, 447) == 2);
  CHECK(level(1024, 1024) == 3);
  CHECK(level(1, 5000) == 0);
  CHECK(level(0, 0) == 0);
  CHECK(level_of({kNothing, 0, 1, 1}) == 0);
}

TEST_CASE("proposals: inside the picture, without those that a better one of their level covers") {
  ProposalSelection selection;
  selection.start({100, 80});
  auto coarse = anchor_outputs(4, 4);  // cells of 32 pixels, anchors of 64 x 64
  const auto cell = [&](std::vector<float>& outputs, int y, int x) {
    return outputs.data() + (y * 4 + x) * kAnchorOutputs;
  };
  cell(coarse, 1, 1)[1] = 2.0f;  // 0, 0, 64, 64
  cell(coarse, 1, 2)[1] = 1.0f;  // 32, 0, 96, 64: overlaps by 1/3
  cell(coarse, 1, 3)[1] = 3.0f;  // 64, 0, 128, 64: clipped to 100
  cell(coarse, 0, 0)[1] = 1.5f;  // moved onto the first: covered by it
  cell(coarse, 0, 0)[kAnchors + 4] = 0.5f;
  cell(coarse, 0, 0)[kAnchors + 5] = 0.5f;
  cell(coarse, 3, 3)[1] = 9.0f;  // 64, 64, 128, 128: clipped to 100 x 80
  cell(coarse, 2, 2)[1] = 8.0f;  // moved out of the picture
  cell(coarse, 2, 2)[kAnchors + 4] = 5.0f;
  cell(coarse, 2, 3)[1] = 7.0f;  // not finite
  cell(coarse, 2, 3)[kAnchors + 4] = std::numeric_limits<float>::infinity();
  selection.add_level(coarse.data(), 4, 4, 32, 64.0f);
  auto fine = anchor_outputs(4, 4);
  cell(fine, 1, 1)[1] = 2.5f;  // the same box as the first, on another level
  selection.add_level(fine.data(), 4, 4, 32, 64.0f);

  const auto proposals = selection.finish();
  REQUIRE(proposals.size() == 5);
  const Box expected[] = {
      {64, 64, 100, 80}, {64, 0, 100, 64}, {0, 0, 64, 64}, {0, 0, 64, 64}, {32, 0, 96, 64}};
  const float logits[] = {9.0f, 3.0f, 2.5f, 2.0f, 1.0f};
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    CAPTURE(i);
    check_box(proposals[i].box, expected[i]);
    CHECK(proposals[i].logit == logits[i]);
  }
}

TEST_CASE("proposals: the thousand best of a level, and of all levels") {
  ProposalSelection selection;
  selection.start({4000, 4000});
  constexpr int kSide = 40;
  auto outputs = anchor_outputs(kSide, kSide);
  for (int index = 0; index < kSide * kSide; ++index)
    outputs[index * kAnchorOutputs + 1] = static_cast<float>(index);  // anchors that do not touch
  selection.add_level(outputs.data(), kSide, kSide, 100, 32.0f);
  const auto first = selection.finish();
  REQUIRE(first.size() == kMostProposals);
  CHECK(first.front().logit == kSide * kSide - 1);
  CHECK(first.back().logit == kSide * kSide - kMostProposals);

  selection.start({4000, 4000});
  selection.add_level(outputs.data(), kSide, kSide, 100, 32.0f);
  for (float& value : outputs) value += 0.5f;
  selection.add_level(outputs.data(), kSide, kSide, 100, 16.0f);
  const auto both = selection.finish();
  REQUIRE(both.size() == kMostProposals);
  CHECK(both.back().logit == kSide * kSide - kMostProposals / 2);
}

TEST_CASE("what is found: above the lowest score, class by class, the best of all") {
  // Four proposals, two classes and nothing.
  ClassifiedBoxes from{4,
                       {{0, 0, 10, 10}, {0, 0, 10, 9}, {20, 20, 30, 30}, {0, 0, 10, 10}},
                       {0.9f, 0.05f, 0.05f, 0.6f, 0.3f, 0.1f, 0.25f, 0.7f, 0.05f, kNothing, 0.5f, 0.5f}};
  const auto found = best_boxes(from, 2, 0.25f, 0.5f, 100);
  REQUIRE(found.size() ==
          3);  // 0.6 is covered by 0.9, 0.25 is not above the threshold, the last is not finite
  CHECK(found[0].score == 0.9f);
  CHECK(found[0].class_index == 0);
  CHECK(found[1].score == 0.7f);
  CHECK(found[1].class_index == 1);
  CHECK(found[2].score == 0.3f);  // of another class than the one that covers it
  CHECK(best_boxes(from, 2, 0.25f, 0.95f, 100).size() == 4);
  CHECK(best_boxes(from, 2, 0.25f, 0.5f, 1).size() == 1);
  CHECK(best_boxes(from, 2, 1.0f, 0.5f, 100).empty());
  CHECK(best_boxes({}, 2, 0.0f, 0.5f, 100).empty());
}

TEST_CASE("what is found: every class at its own box") {
  const ClassifiedBoxes from{1, {{0, 0, 1, 1}, {2, 2, 4, 4}}, {0.4f, 0.5f, 0.1f}};
  const auto found = best_boxes(from, 2, 0.05f, 0.5f, 100);
  REQUIRE(found.size() == 2);
  check_box(found[0].box, {2, 2, 4, 4});
  check_box(found[1].box, {0, 0, 1, 1});
}

TEST_CASE("detectors find the same on the cpu as on the reference") {
  for (const std::string kind : {"cascade", "plain"}) {
    CAPTURE(kind);
    const DyvmConfig config = small_detector(kind, 96);
    Weights weights = random_tensors(config);
    const PictureSize size{96, 70};
    DetectionTrace traces[2];
    Detections detections[2];
    const char* devices[] = {"reference", "cpu"};
    for (int i = 0; i < 2; ++i) {
      DetectionOptions options{.target = {300, 200}, .trace = &traces[i]};
      detections[i] = detect(load(config, weights, devices[i]), size, options);
      CHECK(detections[i].directions.size() == static_cast<std::size_t>(config.depth));
      CHECK(detections[i].survived.size() == static_cast<std::size_t>(config.patches()));
    }
    REQUIRE(traces[0].proposals.size() > 20);
    REQUIRE(traces[0].proposals.size() == traces[1].proposals.size());
    REQUIRE(detections[0].found.size() > 5);
    REQUIRE(detections[0].found.size() == detections[1].found.size());
    for (std::size_t i = 0; i < detections[0].found.size(); ++i) {
      CAPTURE(i);
      const Detection &expected = detections[0].found[i], &found = detections[1].found[i];
      CHECK(found.class_index == expected.class_index);
      CHECK(found.score == doctest::Approx(expected.score).epsilon(1e-3));
      CHECK(std::abs(found.box.x0 - expected.box.x0) < 0.05f);
      CHECK(std::abs(found.box.y1 - expected.box.y1) < 0.05f);
      CHECK(std::abs(found.mask->area - expected.mask->area) <= 20);
      CHECK(inside(found, {300, 200}));
    }
  }
}

TEST_CASE("pictures one pixel wide, one pixel high, of one pixel, and as large as the model's") {
  const DyvmConfig config = small_detector("cascade");
  Weights weights = random_tensors(config);
  const Loaded loaded = load(config, weights, "cpu");
  const std::pair<PictureSize, PictureSize> sizes[] = {
      {{64, 1}, {5000, 1}}, {{1, 64}, {1, 5000}}, {{1, 1}, {1, 1}}, {{64, 64}, {64, 64}}};
  for (const auto& [size, target] : sizes) {
    CAPTURE(size.width);
    CAPTURE(size.height);
    const Detections detections = detect(loaded, size, {.min_score = 0.0f, .target = target});
    CHECK(!detections.found.empty());
    CHECK(detections.found.size() <= 100);
    for (const Detection& found : detections.found) CHECK(inside(found, target));
  }
}

TEST_CASE("nothing found is a result") {
  const DyvmConfig config = small_detector("cascade");
  const DetectionOptions options{.min_score = 0.0f, .target = {64, 64}};
  Weights weights = random_tensors(config);
  CHECK(detect(load(config, weights), {64, 64}, {.min_score = 1.0f, .target = {64, 64}}).found.empty());

  SUBCASE("as all proposals collapse") {
    std::vector<float> bias(4 * kAnchors, 0.0f);
    for (int i = 2; i < 4 * kAnchors; i += 4) bias[i] = -1e4f;
    weights.add("proposal_generator.rpn_head.anchor_deltas.bias", {4 * kAnchors}, bias);
    CHECK(detect(load(config, weights), {64, 64}, options).found.empty());
  }
  SUBCASE("as all boxes collapse") {
    weights.add("roi_heads.box_predictor.2.bbox_pred.bias", {4}, {0.0f, 0.0f, -1e6f, -1e6f});
    CHECK(detect(load(config, weights), {64, 64}, options).found.empty());
  }
  SUBCASE("as a stage's boxes are not finite") {
    const std::vector<float> huge(
        static_cast<std::size_t>(4) * std::get<MaskRcnnHead>(*config.detection).box_width, 3e38f);
    weights.add("roi_heads.box_predictor.0.bbox_pred.weight",
                {4, std::get<MaskRcnnHead>(*config.detection).box_width}, huge);
    CHECK(detect(load(config, weights), {64, 64}, options).found.empty());
  }
  SUBCASE("as no score is finite") {
    const int outputs = config.classes + 1, inputs = std::get<MaskRcnnHead>(*config.detection).box_width;
    const std::vector<float> huge(static_cast<std::size_t>(outputs) * inputs, 3e38f);
    weights.add("roi_heads.box_predictor.1.cls_score.weight", {outputs, inputs}, huge);
    CHECK(detect(load(config, weights), {64, 64}, options).found.empty());
  }
}

TEST_CASE("fewer detections when fewer are wanted, and the better ones") {
  const DyvmConfig config = small_detector("plain");
  Weights weights = random_tensors(config);
  const Loaded loaded = load(config, weights, "cpu");
  DetectionOptions options{.min_score = 0.0f, .target = {640, 480}};
  const Detections all = detect(loaded, {64, 48}, options);
  REQUIRE(all.found.size() > 3);
  options.max_detections = 3;
  const Detections best = detect(loaded, {64, 48}, options);
  REQUIRE(best.found.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(best.found[i].score == all.found[i].score);
    CHECK(best.found[i].mask->counts == all.found[i].mask->counts);
  }
}

TEST_CASE("a detection can be cancelled, and says what is wrong with its arguments") {
  const DyvmConfig config = small_detector("plain");
  Weights weights = random_tensors(config);
  const Loaded loaded = load(config, weights, "cpu");
  const auto pixels = random_picture({64, 64});
  const auto failure = [&](PictureSize size, const DetectionOptions& options, bool cancel = false) {
    const std::atomic<bool> cancelled = cancel;
    DynamicOptions dynamic;
    dynamic.cancel = &cancelled;
    Detections detections;
    const Status done = loaded.detector->detect(pixels.data(), size, dynamic, options, detections);
    REQUIRE(!done);
    return done.error();
  };
  CHECK(failure({64, 64}, {.target = {64, 64}}, true).code == ErrorCode::cancelled);
  CHECK(failure({65, 64}, {.target = {64, 64}}).message ==
        "Expected a picture whose sides are 1 to 64 pixels long, but it is 65 x 64.");
  CHECK(failure({0, 64}, {.target = {64, 64}}).code == ErrorCode::bad_argument);
  CHECK(failure({64, 64}, {.target = {0, 64}}).code == ErrorCode::bad_argument);
  CHECK(failure({64, 64}, {.min_score = 1.5f, .target = {64, 64}}).code == ErrorCode::bad_argument);
  CHECK(failure({64, 64}, {.nms_iou = kNothing, .target = {64, 64}}).code == ErrorCode::bad_argument);
  CHECK(failure({64, 64}, {.max_detections = 0, .target = {64, 64}}).code == ErrorCode::bad_argument);
}

TEST_CASE("a detector names the tensor that is missing, of another shape, or too much") {
  auto backend = make_backend("reference", 1);
  REQUIRE(backend);
  const auto failure = [&](DyvmConfig config, const DyvmConfig& weights_of, const char* extra) {
    Weights weights = random_tensors(weights_of);
    if (extra != nullptr) weights.add(extra, {1}, {0.0f});
    const auto detector = Detector::create(config, weights, **backend);
    REQUIRE(!detector);
    CHECK(detector.error().code == ErrorCode::bad_model);
    return detector.error().message;
  };
  const DyvmConfig cascade = small_detector("cascade"), plain = small_detector("plain");
  DyvmConfig wider = cascade;
  std::get<MaskRcnnHead>(*wider.detection).width = 12;
  DyvmConfig mixed = cascade;
  std::get<MaskRcnnHead>(*mixed.detection).box_per_class = true;
  CHECK(failure(mixed, cascade, nullptr) ==
        "Manifest: expected boxPerClass in a model of one stage only, but there are 3.");
  CHECK(failure(cascade, plain, nullptr).find("roi_heads.box_head.0.conv1.weight") != std::string::npos);
  CHECK(failure(cascade, wider, nullptr).find("backbone.simfp_2.4.weight") != std::string::npos);
  CHECK(failure(cascade, cascade, "roi_heads.box_head.3.fc1.bias").find("box_head.3.fc1.bias") !=
        std::string::npos);
}

}  // namespace winnow
