// The head in one stage as it learns: against the numbers of PyTorch's autograd, and of inference.
#include "train/detection/trained_one_stage_head.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "model/detection/detector.h"
#include "test/device_names.h"
#include "test/golden/golden_support.h"
#include "test/train/training_data.h"
#include "train/detection/detection_trainer.h"

using namespace winnow;
using namespace winnow::train;

namespace {

template <typename Actual>
double relative_difference(const Actual* actual, const std::vector<double>& expected) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

// Sizes of test/golden/one-stage-learning/compute.py.
constexpr int kImages = 3;
DyvmConfig recorded_config() {
  DyvmConfig c;
  c.image_size = c.trained_size = 32;
  c.patch_size = c.stride = 8;
  c.embed_dim = 8;
  c.state_dim = c.conv_width = c.dt_rank = c.depth = 1;
  c.classes = 3;
  c.detection = OneStageHead{.width = 8, .layers = 2, .prototypes = 4};
  return c;
}

std::vector<std::vector<TrainingObject>> recorded_objects(const Expected& expected) {
  std::vector<std::vector<TrainingObject>> objects(kImages);
  for (int b = 0; b < kImages; ++b) {
    const std::string image = std::to_string(b);
    if (!expected.has("boxes/" + image)) continue;
    const Recorded boxes = expected.read("boxes/" + image), labels = expected.read("labels/" + image);
    for (std::size_t i = 0; i < labels.values.size(); ++i) {
      const auto edge = [&](int j) { return static_cast<float>(boxes.values[4 * i + j]); };
      TrainingObject& object = objects[b].emplace_back();
      object.box = {edge(0), edge(1), edge(2), edge(3)};
      object.label = static_cast<int>(labels.values[i]);
      const std::string mask = "mask/" + image + "/" + std::to_string(i);
      if (!expected.has(mask)) continue;
      const Recorded cells = expected.read(mask);
      object.mask.assign(cells.values.begin(), cells.values.end());
    }
  }
  return objects;
}

}  // namespace

TEST_CASE("outputs, losses and gradients of the head in one stage are those of PyTorch's autograd") {
  const auto expected =
      Expected::open(std::string(WINNOW_GOLDEN_DIR) + "/one-stage-learning/expected.safetensors");
  REQUIRE(expected);
  const DyvmConfig config = recorded_config();
  const auto objects = recorded_objects(*expected);
  const Recorded recorded_map = expected->read("map"), assigned = expected->read("assigned"),
                 class_logits = expected->read("class_logits"), predictions = expected->read("predictions"),
                 prototypes = expected->read("prototypes"), losses = expected->read("losses");
  const std::vector<float> map(recorded_map.values.begin(), recorded_map.values.end());
  const auto all = all_operations();
  std::vector<std::vector<float>> results;
  for (const auto& operations : all) {
    ParameterTable table(config);
    const std::size_t before = table.size();
    TrainedOneStageHead head(config, table, *operations);
    std::vector<float> weights(table.size());
    for (const Parameter& parameter : table.parameters()) {
      if (parameter.offset < before) continue;
      CAPTURE(parameter.name);
      const Recorded recorded = expected->read("weight/" + parameter.name);
      REQUIRE(recorded.values.size() == parameter.size);
      std::copy(recorded.values.begin(), recorded.values.end(),
                weights.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
    }
    head.forward(weights, map.data(), kImages);
    const OneStageShape& shape = head.shape();
    const std::size_t locations = shape.locations();
    std::vector<double> said[3];
    int locations_learned = 0, masks = 0;
    std::vector<std::vector<int>> learned(kImages), masked(kImages);
    for (int b = 0; b < kImages; ++b) {
      const float* values = head.values(b);
      said[0].insert(said[0].end(), values, values + shape.predictions_at());
      said[1].insert(said[1].end(), values + shape.predictions_at(), values + shape.prototypes_at());
      said[2].insert(said[2].end(), values + shape.prototypes_at(), values + shape.size());
      learned[b] = assign_locations(shape.levels, objects[b]);
      masked[b] = mask_locations(learned[b], objects[b], kMostMasks);
      for (std::size_t i = 0; i < locations; ++i) {
        CHECK(learned[b][i] == static_cast<int>(assigned.values[b * locations + i]));
        locations_learned += learned[b][i] != kBackground;
      }
      masks += static_cast<int>(masked[b].size());
    }
    CHECK(relative_difference(said[0].data(), class_logits.values) < 1e-5);
    CHECK(relative_difference(said[1].data(), predictions.values) < 1e-5);
    CHECK(relative_difference(said[2].data(), prototypes.values) < 1e-5);

    DetectionWeights share{1.0 / locations_learned, 1.0 / locations_learned, 1.0 / locations_learned,
                           1.0 / masks};
    AlignedFloats d_outputs(kImages * shape.size(), 0.0f), d_map;
    DetectionParts sum;
    for (int b = 0; b < kImages; ++b) {
      const DetectionParts parts = detection_losses(shape, head.values(b), objects[b], learned[b], masked[b],
                                                    share, d_outputs.data() + b * shape.size());
      sum.classification += parts.classification;
      sum.boxes += parts.boxes;
      sum.quality += parts.quality;
      sum.masks += parts.masks;
      for (int level = 0; level < kOneStageLevels; ++level) sum.d_scales[level] += parts.d_scales[level];
    }
    CHECK(sum.classification == doctest::Approx(losses.values[0]).epsilon(1e-5));
    CHECK(sum.boxes == doctest::Approx(losses.values[1]).epsilon(1e-5));
    CHECK(sum.quality == doctest::Approx(losses.values[2]).epsilon(1e-5));
    CHECK(sum.masks == doctest::Approx(losses.values[3]).epsilon(1e-5));

    std::vector<float>& gradients = results.emplace_back(table.size(), 7.0f);
    head.backward(d_outputs, sum.d_scales, d_map, gradients);
    CHECK(relative_difference(d_map.data(), expected->read("gradient/map").values) < 2e-5);
    for (const Parameter& parameter : table.parameters()) {
      CAPTURE(parameter.name);
      if (parameter.offset < before)
        CHECK(gradients[parameter.offset] == 7.0f);  // another's
      else
        CHECK(relative_difference(gradients.data() + parameter.offset,
                                  expected->read("gradient/" + parameter.name).values) < 5e-5);
    }
  }
  if (all.size() == 3) CHECK(results[1] == results[2]);  // one thread and three
}

TEST_CASE("the head in one stage says in training what it says in inference, with masks and without") {
  for (const int prototypes : {6, 0}) {
    DyvmConfig config = tiny_config(32, 3);
    config.detection = OneStageHead{.width = 12, .layers = 2, .prototypes = prototypes};
    config.pruning_layers.clear();
    config.token_keep.clear();
    config.block_selection = false;
    Weights weights;
    add_missing_of_detector(config, weights, 5);
    weights.add("head.scales", {3}, {0.5f, 1.0f, 1.5f});
    weights.add("head.classes.bias", {3}, {0.5f, 0.0f, -0.5f});
    for (const std::string& device : device_names()) {
      auto backend = make_backend(device, 1);
      REQUIRE(backend);
      auto detector = Detector::create(config, weights, **backend);
      if (!detector) FAIL(detector.error().message);
      std::vector<std::uint8_t> pixels(3 * 32 * 32);
      Random random(6);
      for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random.whole(256));
      DetectionTrace trace;
      Detections detections;
      DetectionOptions options;
      options.min_score = 0.01f;
      options.target = {32, 32};
      options.trace = &trace;
      REQUIRE((*detector)->detect(pixels.data(), {32, 32}, {}, options, detections));

      auto operations = make_operations(device, 2);
      REQUIRE(operations);
      ParameterTable table(config);
      TrainedOneStageHead head(config, table, **operations);
      const auto values = table.read(weights);
      REQUIRE(values);
      head.forward(*values, trace.feature.data(), 1);
      const OneStageShape& shape = head.shape();
      const std::vector<double> logits(trace.class_logits.begin(), trace.class_logits.end()),
          predictions(trace.predictions.begin(), trace.predictions.end()),
          maps(trace.prototypes.begin(), trace.prototypes.end());
      REQUIRE(logits.size() == shape.predictions_at());
      REQUIRE(predictions.size() == shape.locations() * shape.place());
      CHECK(relative_difference(head.values(0), logits) < 1e-5);
      CHECK(relative_difference(head.values(0) + shape.predictions_at(), predictions) < 1e-5);
      REQUIRE(!detections.found.empty());
      REQUIRE(maps.size() == shape.cells() * prototypes);
      CHECK(relative_difference(head.values(0) + shape.prototypes_at(), maps) < 1e-5);
      CHECK(shape.levels[2].scale == 1.5f);
    }
  }
}
