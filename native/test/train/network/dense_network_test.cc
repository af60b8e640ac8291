// A dense backbone in training: against inference with the same decisions, against its slower form, and
// against finite differences where nothing is decided.
#include "train/network/dense_network.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "bench/random_weights.h"
#include "engine/engine.h"
#include "model/dense_backbone.h"
#include "test/golden/golden_training.h"
#include "test/train/training_data.h"
#include "train/network/initial_weights.h"

using namespace winnow;
using namespace winnow::train;

namespace {

enum class Maps { taps, final_stream };

DyvmConfig small_config(Maps maps, std::vector<int> pruning_layers = {1, 2, 4}) {
  DyvmConfig c = odd_config();
  c.pruning_layers = std::move(pruning_layers);
  c.token_keep.clear();
  for (std::size_t i = 0; i < c.pruning_layers.size(); ++i) c.token_keep.push_back(std::pow(0.7, i + 1.0));
  if (maps == Maps::taps)
    c.segmentation = SegmentationHead{{0, 2, 3, 4}, 8, {1, 2}, 20};
  else
    c.detection = DetectionHead{};
  return c;
}

std::vector<AlignedFloats> random_maps(const DenseNetwork& network, std::uint64_t seed) {
  Random random(seed);
  std::vector<AlignedFloats> maps = network.maps();
  for (AlignedFloats& map : maps)
    for (float& value : map) value = static_cast<float>(random.normal());
  return maps;
}

std::unique_ptr<DenseNetwork> make_network(const DyvmConfig& c, Operations& operations) {
  auto network = DenseNetwork::create(c, operations);
  if (!network) FAIL(network.error().message);
  return std::move(*network);
}

double relative_difference(const float* a, const float* b, std::size_t count) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

// Compares the maps of every image with those of inference that keeps the same patches.
void check_inference(const DyvmConfig& c, DenseNetwork& network, Weights& weights,
                     const std::vector<float>& input) {
  auto backend = make_backend("reference", 1);
  REQUIRE(backend);
  TensorReader read(weights);
  auto inference = DenseBackbone::load(c, read, backbone_prefix(c), **backend);
  if (!inference) FAIL(inference.error().message);
  const int patches = c.patches(), pixels = 3 * c.image_size * c.image_size;
  const Backbone& trained = network.backbone();
  for (int b = 0; b < trained.images(); ++b) {
    DynamicOptions options;
    std::vector<std::vector<std::int32_t>> kept;
    for (const Stage& stage : trained.stages()) {
      const auto begin = stage.order.begin() + b * patches;
      REQUIRE(stage.after[b] > 0);
      kept.emplace_back(begin, begin + stage.after[b]);
      options.token_keep.push_back((stage.after[b] + 0.5) / patches);
    }
    options.replay = &kept;
    Outputs outputs;
    const Status done =
        (*inference)->forward(input.data() + static_cast<std::size_t>(b) * pixels, 1, options, outputs);
    if (!done) FAIL(done.error().message);
    for (int layer = 0; layer < c.depth; ++layer)
      for (int direction = 0; direction < 2; ++direction)
        CHECK((outputs.directions[layer] >> direction & 1) ==
              static_cast<int>(trained.gates(layer)[2 * b + direction]));
    const std::size_t size = static_cast<std::size_t>(patches) * c.embed_dim;
    for (std::size_t map = 0; map < network.maps().size(); ++map) {
      const Tensor expected = c.segmentation ? (*inference)->taps()[map] : (*inference)->final_stream();
      CAPTURE(map);
      CHECK(relative_difference(network.maps()[map].data() + b * size, expected.data(), size) < 3e-6);
    }
  }
}

// Sizes of test/golden/dense-step/compute.py.
DyvmConfig golden_config(Maps maps) {
  DyvmConfig c = small_config(maps, {1, 3});
  c.image_size = c.trained_size = 32;
  c.patch_size = c.stride = 8;
  c.embed_dim = 12;
  c.depth = 4;
  c.state_dim = 3;
  c.dt_rank = 2;
  if (c.segmentation) c.segmentation->taps = {0, 1, 2, 3};
  return c;
}
constexpr float kPolicyShare = 0.03f, kGateShare = 0.02f;

StepNoise golden_noise(const DyvmConfig& c, const Expected& expected) {
  const auto read = [&](const char* name, std::size_t i) {
    return floats(expected.read("noise/" + std::string(name) + "." + std::to_string(i)));
  };
  StepNoise noise;
  for (std::size_t stage = 0; stage < c.pruning_layers.size(); ++stage)
    noise.tokens.push_back(read("tokens", stage));
  for (int layer = 0; layer < c.depth; ++layer) {
    noise.first.push_back(read("first", layer));
    noise.second.push_back(read("second", layer));
  }
  return noise;
}

}  // namespace

TEST_CASE("maps and gradients of a dense network are those of PyTorch's autograd") {
  const auto expected = Expected::open(std::string(WINNOW_GOLDEN_DIR) + "/dense-step/expected.safetensors");
  REQUIRE(expected);
  for (Maps kind : {Maps::taps, Maps::final_stream}) {
    const std::string name = kind == Maps::taps ? "taps/" : "final/";
    const DyvmConfig c = golden_config(kind);
    const Recorded input = expected->read("input"), maps = expected->read(name + "maps"),
                   fixed = expected->read(name + "fixed");
    const int images = static_cast<int>(input.shape[0]);
    const std::vector<float> pixels = floats(input);
    for (const auto& operations : all_operations())
      for (bool whole : {false, true}) {
        const auto network = make_network(c, *operations);
        network->backbone().set_whole_sequences(whole);
        const std::string prefix = backbone_prefix(c);
        std::vector<float> weights(network->table().size());
        for (const Parameter& parameter : network->table().parameters()) {
          const Recorded recorded = expected->read("weight/" + parameter.name.substr(prefix.size()));
          REQUIRE(recorded.values.size() == parameter.size);
          std::copy(recorded.values.begin(), recorded.values.end(),
                    weights.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
        }
        const StepNoise noise = golden_noise(c, *expected);
        network->forward(weights, pixels.data(), images, &noise);
        const std::size_t size = network->maps()[0].size();
        REQUIRE(maps.values.size() == size * network->maps().size());
        const std::vector<float> expected_maps = floats(maps), shares = floats(fixed);
        std::vector<AlignedFloats> d_maps;
        for (std::size_t map = 0; map < network->maps().size(); ++map) {
          CAPTURE(map);
          CHECK(relative_difference(network->maps()[map].data(), expected_maps.data() + map * size, size) <
                1e-5);
          const float* share = shares.data() + map * size;
          d_maps.emplace_back(share, share + size);
        }
        DecisionGradients decisions;
        decisions.policies.assign(c.pruning_layers.size(), std::vector<float>(images, kPolicyShare));
        decisions.gates = kGateShare;
        std::vector<float> gradients(network->table().size());
        network->backward(weights, d_maps, decisions, gradients);
        for (const Parameter& parameter : network->table().parameters()) {
          const std::string own = parameter.name.substr(prefix.size());
          CAPTURE(name);
          CAPTURE(own);
          CAPTURE(whole);
          CHECK(relative_difference(gradients.data() + parameter.offset,
                                    floats(expected->read(name + "gradient/" + own)).data(),
                                    parameter.size) < 1e-4);
        }
      }
  }
}

TEST_CASE("the maps of a dense network are those of pruned inference with the same decisions") {
  constexpr int kImages = 5;
  for (Maps maps : {Maps::taps, Maps::final_stream})
    for (const std::vector<int>& stages : {std::vector<int>{1, 2, 4}, {0, 3}, {}}) {
      const DyvmConfig c = small_config(maps, stages);
      Weights weights = random_backbone(c, backbone_prefix(c));
      const std::vector<float> input = random_input(c, kImages, 10);
      for (const auto& operations : all_operations()) {
        const auto network = make_network(c, *operations);
        const auto parameters = network->table().read(weights);
        REQUIRE(parameters);
        StepNoise noise = draw_noise(c, kImages, 11);
        for (auto* draws : {&noise.first, &noise.second})  // directions as in inference
          for (std::vector<float>& values : *draws) values.assign(values.size(), 1.0f);
        network->forward(*parameters, input.data(), kImages, &noise);
        check_inference(c, *network, weights, input);
      }
    }
}

TEST_CASE("cut sequences, threads and instruction sets leave the gradients of a dense network as they are") {
  constexpr int kImages = 19;  // no multiple of the parts of a batch
  for (Maps maps : {Maps::taps, Maps::final_stream})
    for (const std::vector<int>& stages : {std::vector<int>{1, 2, 4}, {0, 3}}) {
      const DyvmConfig c = small_config(maps, stages);
      Weights weights = random_backbone(c, backbone_prefix(c));
      const std::vector<float> input = random_input(c, kImages, 20);
      const StepNoise noise = draw_noise(c, kImages, 21);
      std::vector<std::vector<float>> results;
      std::vector<Parameter> names;
      const auto all = all_operations();
      for (const auto& operations : all)
        for (bool whole : {false, true}) {
          const auto network = make_network(c, *operations);
          network->backbone().set_whole_sequences(whole);
          names = network->table().parameters();
          const auto parameters = network->table().read(weights);
          REQUIRE(parameters);
          DecisionGradients decisions;
          decisions.policies.assign(stages.size(), std::vector<float>(kImages, 0.3f));
          decisions.gates = 0.2f;
          network->forward(*parameters, input.data(), kImages, &noise);
          const auto d_maps = random_maps(*network, 22);
          std::vector<float>& gradients = results.emplace_back(network->table().size());
          network->backward(*parameters, d_maps, decisions, gradients);
          std::vector<float> again(gradients.size());
          network->forward(*parameters, input.data(), kImages, &noise);
          network->backward(*parameters, d_maps, decisions, again);
          CHECK(again == results.back());
        }
      for (std::size_t i = 1; i < results.size(); ++i)
        for (const Parameter& parameter : names) {
          CAPTURE(parameter.name);
          CHECK(relative_difference(results[i].data() + parameter.offset,
                                    results[0].data() + parameter.offset, parameter.size) < 1e-4);
        }
      if (all.size() == 3) {  // one thread and three
        CHECK(results[2] == results[4]);
        CHECK(results[3] == results[5]);
      }
    }
}

TEST_CASE("gradients of plain dense networks are those of finite differences along random ways") {
  for (Maps maps : {Maps::taps, Maps::final_stream}) {
    const DyvmConfig c = without_pruning(small_config(maps));
    constexpr int kImages = 3;
    Weights weights = random_backbone(c, backbone_prefix(c));
    const std::vector<float> input = random_input(c, kImages, 30);
    const auto operations = reference_operations();
    const auto network = make_network(c, *operations);
    const auto parameters = network->table().read(weights);
    REQUIRE(parameters);
    network->forward(*parameters, input.data(), kImages, nullptr);
    const auto d_maps = random_maps(*network, 31);
    std::vector<float> gradients(network->table().size());
    network->backward(*parameters, d_maps, {}, gradients);
    const auto loss = [&](const std::vector<float>& at) {
      network->forward(at, input.data(), kImages, nullptr);
      double sum = 0.0;
      for (std::size_t map = 0; map < d_maps.size(); ++map)
        sum += std::inner_product(d_maps[map].begin(), d_maps[map].end(), network->maps()[map].begin(), 0.0);
      return sum;
    };
    Random random(32);
    for (const Parameter& parameter : network->table().parameters()) {
      std::vector<float> above = *parameters, below = *parameters;
      double expected = 0.0, norm = 0.0;
      for (std::size_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
        const double way = 1e-3 * random.normal();
        above[i] += static_cast<float>(way);
        below[i] -= static_cast<float>(way);
        expected += gradients[i] * (static_cast<double>(above[i]) - below[i]);
        norm += gradients[i] * gradients[i];
      }
      CAPTURE(parameter.name);
      // A way that happens to cross the slope says less: the error is one of the slope's length.
      CHECK(std::abs(loss(above) - loss(below) - expected) < 0.01 * 2e-3 * std::sqrt(norm) + 1e-3);
    }
  }
}

TEST_CASE("a dense model that decides to drop every patch still learns") {
  for (Maps maps : {Maps::taps, Maps::final_stream}) {
    const DyvmConfig c = small_config(maps);
    Weights weights = random_backbone(c, backbone_prefix(c));
    for (const auto& operations : all_operations()) {
      const auto network = make_network(c, *operations);
      const auto parameters = network->table().read(weights);
      REQUIRE(parameters);
      const std::vector<float> input = random_input(c, 2, 40);
      StepNoise noise = draw_noise(c, 2, 41);
      for (int i = 0; i < 2 * 2 * c.patches(); ++i) noise.tokens[1][i] = i % 2 == 0 ? 1e30f : 1e-30f;
      network->forward(*parameters, input.data(), 2, &noise);
      CHECK(network->backbone().stages()[1].after == std::vector<int>{0, 0});
      std::vector<float> gradients(network->table().size());
      network->backward(*parameters, random_maps(*network, 42), {}, gradients);
      for (float value : gradients) REQUIRE(std::isfinite(value));
    }
  }
}

TEST_CASE("dense models that cannot be trained are refused in words") {
  const auto operations = reference_operations();
  CHECK(!DenseNetwork::create(published_size("T"), *operations));
  DyvmConfig rotary = small_config(Maps::final_stream);
  rotary.rotary = true;
  const auto refused = DenseNetwork::create(rotary, *operations);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("rotated") != std::string::npos);
  DyvmConfig larger = small_config(Maps::taps);
  larger.image_size = 48;
  CHECK(!DenseNetwork::create(larger, *operations));
}
