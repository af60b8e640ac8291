// The whole network in training: against the original's numbers, against pruned inference, and against finite
// differences where nothing is decided.
#include "train/network/network.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "engine/engine.h"
#include "model/dyvm.h"
#include "test/golden/golden_training.h"
#include "test/train/training_data.h"
#include "train/network/initial_weights.h"

using namespace winnow;
using namespace winnow::train;

namespace {

DyvmConfig small_config(bool class_token_first) {
  DyvmConfig c = odd_config();
  c.family = find_family(class_token_first ? "videomamba" : "vim");
  c.halve_directions = c.family->halve_directions;
  return c;
}

// Random gradients of all outputs of a forward pass.
OutputGradients random_gradients(const Network& network, std::uint64_t seed) {
  Random random(seed);
  OutputGradients gradients;
  gradients.logits.resize(network.logits().size());
  gradients.tokens.assign(network.tokens().size(), 0.0f);
  for (float& value : gradients.logits) value = static_cast<float>(random.normal());
  const int dim = network.config().embed_dim;
  for (const auto& sequence : network.sequences().images)
    for (int i = 0; i < sequence.kept(); ++i)
      for (int d = 0; d < dim; ++d)
        gradients.tokens[static_cast<std::size_t>(sequence.row_of_patch(i)) * dim + d] =
            static_cast<float>(random.normal());
  gradients.policies.assign(network.stages().size(), std::vector<float>(network.images(), 0.3f));
  gradients.gates = 0.2f;
  return gradients;
}

double relative_difference(const float* a, const float* b, std::size_t count) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

}  // namespace

TEST_CASE("a training step is the original's") {
  const std::string directory = std::string(WINNOW_GOLDEN_DIR) + "/training-step";
  std::ifstream file(directory + "/config.json");
  const auto golden = nlohmann::json::parse(file, nullptr, false);
  const auto expected = Expected::open(directory + "/expected.safetensors");
  REQUIRE(golden.is_object());
  REQUIRE(expected);
  for (const auto& operations : all_operations())
    for (bool whole : {false, true}) {
      const auto rows = compare_training(golden, *expected, *operations, whole);
      REQUIRE(rows);
      CHECK(rows->size() == 164);
      for (const Comparison& row : *rows) {
        CAPTURE(row.name);
        CAPTURE(row.difference);
        CHECK(row.passed);
      }
    }
}

TEST_CASE("the training forward pass is pruned inference with the same decisions") {
  for (bool class_token_first : {false, true}) {
    const DyvmConfig c = small_config(class_token_first);
    constexpr int kImages = 5;
    auto weights = random_weights(c, {}, 0, 1.0);
    REQUIRE(weights);
    const std::vector<float> input = random_input(c, kImages, 10);
    for (const auto& operations : all_operations()) {
      auto network = Network::create(c, *operations, true);
      REQUIRE(network);
      const auto parameters = (*network)->table().read(*weights);
      REQUIRE(parameters);
      StepNoise noise = draw_noise(c, kImages, 11);
      for (auto* draws :
           {&noise.first, &noise.second})  // directions as in inference: where the logit is positive
        for (std::vector<float>& values : *draws) values.assign(values.size(), 1.0f);
      (*network)->forward(*parameters, input.data(), kImages, &noise);

      auto backend = make_backend("reference", 1);
      REQUIRE(backend);
      auto model = DyvmModel::create(c, *weights, **backend);
      REQUIRE(model);
      const int patches = c.patches(), pixels = 3 * c.image_size * c.image_size;
      for (int b = 0; b < kImages; ++b) {
        DynamicOptions options;
        std::vector<std::vector<std::int32_t>> kept;
        for (const Stage& stage : (*network)->stages()) {
          const auto begin = stage.order.begin() + b * patches;
          REQUIRE(stage.after[b] > 0);
          kept.emplace_back(begin, begin + stage.after[b]);
          options.token_keep.push_back((stage.after[b] + 0.5) / patches);
        }
        options.replay = &kept;
        Outputs outputs;
        const Status done = (*model)->predict_normalised(input.data() + static_cast<std::size_t>(b) * pixels,
                                                         1, options, outputs);
        if (!done) FAIL(done.error().message);
        CHECK(relative_difference((*network)->logits().data() + b * c.classes, outputs.logits.data(),
                                  c.classes) < 2e-6);
        for (int layer = 0; layer < c.depth; ++layer)
          for (int direction = 0; direction < 2; ++direction)
            CHECK((outputs.directions[layer] >> direction & 1) ==
                  static_cast<int>((*network)->gates(layer)[2 * b + direction]));
      }
    }
  }
}

TEST_CASE("cut sequences, threads and instruction sets leave the gradients as they are") {
  for (bool class_token_first : {false, true}) {
    const DyvmConfig c = small_config(class_token_first);
    constexpr int kImages = 19;  // no multiple of the parts of a batch
    auto weights = random_weights(c, {}, 0, 1.0);
    REQUIRE(weights);
    const std::vector<float> input = random_input(c, kImages, 20);
    const StepNoise noise = draw_noise(c, kImages, 21);
    std::vector<std::vector<float>> results;
    std::vector<Parameter> names;
    const auto all = all_operations();
    for (const auto& operations : all)
      for (bool whole : {false, true}) {
        auto network = Network::create(c, *operations, true);
        REQUIRE(network);
        (*network)->set_whole_sequences(whole);
        names = (*network)->table().parameters();
        const auto parameters = (*network)->table().read(*weights);
        REQUIRE(parameters);
        (*network)->forward(*parameters, input.data(), kImages, &noise);
        // The same gradients of the same outputs, wherever their rows are.
        OutputGradients outputs = random_gradients(**network, 22);
        (*network)->backward(*parameters, outputs, results.emplace_back());
        std::vector<float> again;
        (*network)->forward(*parameters, input.data(), kImages, &noise);
        (*network)->backward(*parameters, outputs, again);
        CHECK(again == results.back());
      }
    for (std::size_t i = 1; i < results.size(); ++i)
      for (const Parameter& parameter : names) {
        CAPTURE(parameter.name);
        CHECK(relative_difference(results[i].data() + parameter.offset, results[0].data() + parameter.offset,
                                  parameter.size) < 1e-4);
      }
    if (all.size() == 3) {  // one thread and three
      CHECK(results[2] == results[4]);
      CHECK(results[3] == results[5]);
    }
  }
}

TEST_CASE("gradients of plain models are those of finite differences along random ways") {
  for (bool class_token_first : {false, true}) {
    const DyvmConfig c = without_pruning(small_config(class_token_first));
    constexpr int kImages = 3;
    auto weights = random_weights(c, {}, 0, 1.0);
    REQUIRE(weights);
    const std::vector<float> input = random_input(c, kImages, 30);
    const auto operations = reference_operations();
    auto network = Network::create(c, *operations, true);
    REQUIRE(network);
    const auto parameters = (*network)->table().read(*weights);
    REQUIRE(parameters);
    (*network)->forward(*parameters, input.data(), kImages, nullptr);
    const OutputGradients outputs = random_gradients(**network, 31);
    std::vector<float> gradients;
    (*network)->backward(*parameters, outputs, gradients);
    const auto loss = [&](const std::vector<float>& at) {
      (*network)->forward(at, input.data(), kImages, nullptr);
      double sum = 0.0;
      for (std::size_t i = 0; i < outputs.logits.size(); ++i)
        sum += static_cast<double>(outputs.logits[i]) * (*network)->logits()[i];
      for (std::size_t i = 0; i < outputs.tokens.size(); ++i)
        sum += static_cast<double>(outputs.tokens[i]) * (*network)->tokens()[i];
      return sum;
    };
    Random random(32);
    for (const Parameter& parameter : (*network)->table().parameters()) {
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
      CHECK(std::abs(loss(above) - loss(below) - expected) < 0.01 * 2e-3 * std::sqrt(norm) + 2e-4);
    }
  }
}

TEST_CASE("a model that decides to drop every patch still learns") {
  const DyvmConfig c = small_config(false);
  auto weights = random_weights(c, {}, 0, 1.0);
  REQUIRE(weights);
  for (const auto& operations : all_operations()) {
    auto network = Network::create(c, *operations, true);
    REQUIRE(network);
    const auto parameters = (*network)->table().read(*weights);
    REQUIRE(parameters);
    const std::vector<float> input = random_input(c, 2, 40);
    StepNoise noise = draw_noise(c, 2, 41);
    for (int i = 0; i < 2 * 2 * c.patches(); ++i) noise.tokens[1][i] = i % 2 == 0 ? 1e30f : 1e-30f;
    (*network)->forward(*parameters, input.data(), 2, &noise);
    CHECK((*network)->stages()[1].after == std::vector<int>{0, 0});
    std::vector<float> gradients;
    (*network)->backward(*parameters, random_gradients(**network, 42), gradients);
    for (float value : gradients) REQUIRE(std::isfinite(value));
  }
}

TEST_CASE("models that cannot be trained are refused in words") {
  const auto operations = reference_operations();
  const auto registers = Network::create(published_size("S-reg"), *operations, true);
  REQUIRE(!registers);
  CHECK(registers.error().message.find("registers") != std::string::npos);
  CHECK(!Network::create(published_size("T"), *operations, false));
}
