// A segmentation training as the app has it: pictures with masks in, files out.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/rle.h"
#include "test/train/session/session_files.h"
#include "train/detection/detection_trainer.h"
#include "train/network/initial_weights.h"
#include "train/session/windows.h"

using namespace winnow;
using namespace winnow::train;
using nlohmann::json;

namespace {

constexpr int kWidth = 48, kHeight = 40;

json settings() {
  return dense_settings(
      {{"task", "segmentation"}, {"head", {{"kind", "convolutions"}, {"width", 8}, {"slideStride", 32}}}});
}

// A picture whose left half is bright and marked as class 1, its right half dark and class 0.
struct Halves {
  Halves() : pixels(3 * kWidth * kHeight, 20) {
    for (int y = 0; y < kHeight; ++y)
      std::fill_n(pixels.begin() + 3 * kWidth * y, 3 * (kWidth / 2), static_cast<std::uint8_t>(230));
    MaskEncoder left, right;
    left.add_ones(0, kWidth / 2 * kHeight);
    right.add_ones(kWidth / 2 * kHeight, kWidth * kHeight);
    example = {
        {pixels.data(), kWidth, kHeight},
        0,
        kWidth,
        kHeight,
        {{{}, 1, left.finish(kWidth * kHeight).counts}, {{}, 0, right.finish(kWidth * kHeight).counts}}};
  }
  std::vector<std::uint8_t> pixels;
  TrainingExample example;
};

double learn(Session& session, int from, int to) {
  const Halves halves;
  double accuracy = 0.0;
  for (int step = from; step < to; ++step) {
    const auto result = session.step({halves.example, halves.example}, 1e-2, step);
    if (!result) FAIL(result.error().message);
    accuracy = result->accuracy;
  }
  return accuracy;
}

}  // namespace

TEST_CASE("a segmentation session learns from masks, and goes on from its file with the same bytes") {
  const Folder folder;
  auto whole = Session::open(setup_of(settings(), "cpu"));
  if (!whole) FAIL(whole.error().message);
  CHECK(learn(**whole, 0, 40) > 0.9);
  REQUIRE((*whole)->save_weights(folder.file("whole"), true));

  json wider = settings();
  json manifest = json::parse(wider["manifest"].get<std::string>());
  manifest["head"]["width"] = 16;
  wider["manifest"] = manifest;
  check_goes_on(folder, settings(), wider, learn);
}

TEST_CASE("windows have the labels of the pixels that they show, in pictures that were made smaller, too") {
  const auto operations = make_operations("cpu", 2);
  REQUIRE(operations);
  const auto config = read_training_settings(settings().dump())->config;
  Augmentation augmentation;
  augmentation.crop = Augmentation::Crop::window;
  augmentation.flip = true;
  Halves halves;
  std::vector<std::uint8_t> smaller(3 * 24 * 20, 20);
  for (int y = 0; y < 20; ++y)
    std::fill_n(smaller.begin() + 3 * 24 * y, 3 * 12, static_cast<std::uint8_t>(230));
  TrainingExample shrunk = halves.example;
  shrunk.picture = {smaller.data(), 24, 20};
  Windows windows;
  for (const TrainingExample& example : {halves.example, shrunk}) {
    REQUIRE(make_windows(**operations, config, augmentation, {example, example}, 7, windows));
    int bright = 0;
    for (std::size_t i = 0; i < windows.labels.size(); ++i) {
      bright += windows.labels[i];
      CHECK(windows.labels[i] == (windows.pixels[3 * i] > 125 ? 1 : 0));
    }
    CHECK(bright > 32 * 32 / 2);
    CHECK(bright < 32 * 32 * 3 / 2);
  }
}

TEST_CASE("masks of another size, classes that are none and no marks at all") {
  auto session = Session::open(setup_of(settings(), "cpu"));
  REQUIRE(session);
  const auto refusal = [&](const auto& change) {
    Halves halves;
    change(halves.example);
    return refusal_of(**session, halves.example);
  };
  CHECK(refusal([](TrainingExample& example) { example.width = 40; }).find("another size") !=
        std::string::npos);
  CHECK(refusal([](TrainingExample& example) { example.width = 0; }).find("size") != std::string::npos);
  CHECK(refusal([](TrainingExample& example) { example.objects[0].label = 2; }).find("below 2") !=
        std::string::npos);
  CHECK(refusal([](TrainingExample& example) { example.objects[1].counts = "?"; }).find("run lengths") !=
        std::string::npos);
  Halves unmarked;
  unmarked.example.objects.clear();
  const auto result = (*session)->step({unmarked.example}, 1e-2, 0);
  REQUIRE(result);
  CHECK(result->losses.classification == 0.0);
}

TEST_CASE("run lengths are decoded to the runs that were encoded") {
  MaskEncoder encoder;
  const std::vector<std::pair<std::int64_t, std::int64_t>> runs{
      {3, 70}, {71, 72}, {2000, 40'000}, {90'000, 99'999}};
  for (const auto& [begin, end] : runs) encoder.add_ones(begin, end);
  const std::string counts = encoder.finish(100'000).counts;
  std::vector<std::pair<std::int64_t, std::int64_t>> decoded;
  const auto keep = [&](std::int64_t begin, std::int64_t end) { decoded.emplace_back(begin, end); };
  REQUIRE(decode_runs(counts, 100'000, keep));
  CHECK(decoded == runs);
  decoded.clear();
  CHECK(!decode_runs(counts, 99'999, keep));
  CHECK(!decode_runs(counts, 100'001, keep));
  CHECK(!decode_runs(counts.substr(0, counts.size() - 1), 100'000, keep));
  CHECK(!decode_runs(std::string(20, 'o'), 100'000, keep));
  CHECK(decoded.empty());
  REQUIRE(decode_runs("", 0, keep));
}

TEST_CASE("a segmenter takes its backbone from a classifier, of another grid, too") {
  const auto config = read_training_settings(settings().dump())->config;
  DyvmConfig classifier = config;
  classifier.segmentation.reset();
  classifier.image_size = classifier.trained_size = 24;  // 3 patches a side, not 4
  classifier.classes = 5;
  Weights theirs = initial_weights(classifier, 5);
  auto inherited = inherit(config, classifier, theirs);
  if (!inherited) FAIL(inherited.error().message);
  const auto same = [&](const std::string& name, const Weights::Shape& shape) {
    const auto own = inherited->tensor("backbone." + name, shape), other = theirs.tensor(name, shape);
    REQUIRE(own);
    REQUIRE(other);
    CHECK(std::equal(*own, *own + shape[0], *other));
  };
  same("patch_embed.proj.bias", {16});
  same("layers.1.mixer.D", {32});
  // What interpolation gives where all patches have one position, without the class token's.
  DyvmConfig constant = classifier;
  const Weights::Shape shape{1, 10, 16};
  std::vector<float> positions(160, 0.5f);
  std::fill_n(positions.begin() + 4 * 16, 16, 9.0f);  // the class token's row, in the middle of 9
  Weights flat = initial_weights(constant, 5);
  flat.add("pos_embed", shape, positions);
  inherited = inherit(config, constant, flat);
  REQUIRE(inherited);
  const auto own = inherited->tensor("backbone.pos_embed", {1, 16, 16});
  REQUIRE(own);
  for (int i = 0; i < 256; ++i) CHECK((*own)[i] == doctest::Approx(0.5));

  // Of other patches, what the old weights give of the same patch resized: of an even one the same.
  DyvmConfig coarse = classifier;
  coarse.patch_size = coarse.stride = 12;
  coarse.image_size = coarse.trained_size = 36;
  Weights larger = initial_weights(coarse, 5);
  inherited = inherit(config, coarse, larger);
  REQUIRE(inherited);
  const int side = config.patch_size;
  const auto old_patch = larger.tensor("patch_embed.proj.weight", {16, 3, 12, 12});
  const auto new_patch = inherited->tensor("backbone.patch_embed.proj.weight", {16, 3, side, side});
  REQUIRE(old_patch);
  REQUIRE(new_patch);
  // A patch that rises from left to right, as `to` pixels of it show: twice resized is as once.
  const auto response = [](const float* weights, int to, auto value) {
    double sum = 0.0;
    for (int i = 0; i < to * to; ++i) sum += weights[i] * value(i % to);
    return sum;
  };
  for (int map = 0; map < 48; ++map) {
    const float *theirs_of = *old_patch + map * 144, *ours = *new_patch + map * side * side;
    const auto even = [](int) { return 1.0; };
    CHECK(response(ours, side, even) == doctest::Approx(response(theirs_of, 12, even)).epsilon(1e-4));
    // Linear between the middles of pixels, even beyond the first and the last.
    const auto rising = [](int x) { return static_cast<double>(x); };
    const auto resized = [&](int x) { return std::clamp((x + 0.5) * side / 12.0 - 0.5, 0.0, side - 1.0); };
    CHECK(response(ours, side, rising) == doctest::Approx(response(theirs_of, 12, resized)).epsilon(1e-3));
  }

  // From a detector that was taught, without anything of its head.
  DyvmConfig detector = config;
  detector.segmentation.reset();
  detector.detection = OneStageHead{.width = 8, .layers = 1, .prototypes = 0};
  Weights found;
  add_missing_of_detector(detector, found, 6);
  inherited = inherit(config, detector, found);
  REQUIRE(inherited);
  for (const std::string& name : inherited->names()) {
    CAPTURE(name);
    CHECK(name.starts_with("backbone."));
    const auto shape = inherited->shape(name);
    const auto taken = inherited->tensor(name, shape);
    const auto theirs_of =
        found.tensor(backbone_prefix(detector) + name.substr(std::string("backbone.").size()), shape);
    REQUIRE(theirs_of);
    CHECK(std::equal(*taken, *taken + shape[0], *theirs_of));
  }
  CHECK(inherited->names().size() > 30);

  classifier.depth = 3;
  Weights deeper = initial_weights(classifier, 5);
  CHECK(!inherit(config, classifier, deeper));
}
