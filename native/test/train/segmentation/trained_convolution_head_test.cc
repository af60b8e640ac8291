// The light segmentation head as it learns: against the numbers of PyTorch's autograd.
#include "train/segmentation/trained_convolution_head.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "model/dyvm_config.h"
#include "test/golden/golden_support.h"

using namespace winnow;
using namespace winnow::train;

namespace {

double relative_difference(const float* actual, const std::vector<double>& expected) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

// Sizes of test/golden/convolution-head/compute.py.
constexpr ConvolutionHeadSizes kSizes{3, 12, 8, 4};
constexpr int kImages = 2, kHeight = 11, kWidth = 13;

// A backbone's parameters, before which a head's do not begin.
ParameterTable backbone_table() {
  DyvmConfig config;
  config.image_size = config.trained_size = 12;
  config.patch_size = config.stride = 4;
  config.embed_dim = kSizes.dim;
  config.state_dim = config.conv_width = config.dt_rank = config.depth = 1;
  config.detection.emplace();
  return ParameterTable(config);
}

}  // namespace

TEST_CASE("scores, loss and gradients of the light segmentation head are those of PyTorch's autograd") {
  const auto expected =
      Expected::open(std::string(WINNOW_GOLDEN_DIR) + "/convolution-head/expected.safetensors");
  REQUIRE(expected);
  std::vector<std::unique_ptr<Operations>> all;
  all.push_back(reference_operations());
#ifdef WINNOW_CPU
  all.push_back(cpu_operations(1));
  all.push_back(cpu_operations(3));
#endif
  std::vector<std::vector<float>> results;
  for (const auto& operations : all) {
    ParameterTable table = backbone_table();
    const std::size_t before = table.size();
    TrainedConvolutionHead head(kSizes, table, *operations);
    std::vector<float> weights(table.size());
    for (const Parameter& parameter : table.parameters()) {
      if (parameter.offset < before) continue;
      const Recorded recorded = expected->read("weight/" + parameter.name);
      REQUIRE(recorded.values.size() == parameter.size);
      std::copy(recorded.values.begin(), recorded.values.end(),
                weights.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
    }
    const Recorded recorded_map = expected->read("map"), recorded_labels = expected->read("labels");
    const std::vector<float> map(recorded_map.values.begin(), recorded_map.values.end());
    const std::vector<std::uint8_t> labels(recorded_labels.values.begin(), recorded_labels.values.end());
    head.forward(weights, map.data(), kImages);
    const Recorded scores = expected->read("scores");
    REQUIRE(head.scores().size() == scores.values.size());
    CHECK(relative_difference(head.scores().data(), scores.values) < 1e-5);

    double labelled = 0.0, loss = 0.0;
    for (std::uint8_t label : labels) labelled += label != kNoLabel;
    AlignedFloats d_scores(head.scores().size(), 0.0f), d_map;
    for (int b = 0; b < kImages; ++b) {
      const std::size_t first = b * head.shape().size();
      loss += MapOperations::pixel_cross_entropy(head.shape(), head.scores().data() + first, kHeight, kWidth,
                                                 labels.data() + b * kHeight * kWidth, 1.0 / labelled,
                                                 d_scores.data() + first)
                  .sum /
              labelled;
    }
    CHECK(loss == doctest::Approx(expected->read("loss").values[0]).epsilon(1e-6));
    std::vector<float>& gradients = results.emplace_back(table.size(), 7.0f);
    head.backward(map.data(), d_scores, d_map, gradients);
    CHECK(relative_difference(d_map.data(), expected->read("gradient/map").values) < 1e-5);
    for (const Parameter& parameter : table.parameters()) {
      CAPTURE(parameter.name);
      if (parameter.offset < before)
        CHECK(gradients[parameter.offset] == 7.0f);  // another's
      else
        CHECK(relative_difference(gradients.data() + parameter.offset,
                                  expected->read("gradient/" + parameter.name).values) < 2e-5);
    }
  }
  if (all.size() == 3) CHECK(results[1] == results[2]);  // one thread and three
}
