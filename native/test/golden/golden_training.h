// The comparison of a whole training step, its decisions, losses and gradients, with what the original
// training code computed with the same random draws.
#pragma once

#include <string>
#include <vector>

#include "test/golden/golden_support.h"
#include "train/network/initial_weights.h"
#include "train/trainer/losses.h"

namespace winnow::train {

inline constexpr double kLossTolerance = 1e-4, kGradientTolerance = 1e-3;

inline std::vector<float> floats(const Recorded& recorded) {
  return {recorded.values.begin(), recorded.values.end()};
}

// The norm of the difference over the norm of what was recorded.
inline Comparison compare_norms(const std::string& name, const Recorded& expected, const float* actual) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double d = actual[i] - expected.values[i];
    difference += d * d;
    norm += expected.values[i] * expected.values[i];
  }
  const double relative = std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
  return {name, relative, relative <= kGradientTolerance};
}

inline Comparison compare_loss(const std::string& name, const Expected& expected, double actual) {
  const double difference = std::abs(expected.read("loss/" + name).values[0] - actual);
  return {"loss/" + name, difference, difference <= kLossTolerance};
}

inline DyvmConfig config_of(const nlohmann::json& golden, const Expected& expected) {
  const nlohmann::json& sizes = golden.at("config");
  DyvmConfig c;
  c.image_size = c.trained_size = sizes.at("img_size");
  c.patch_size = sizes.at("patch_size");
  c.stride = sizes.at("stride");
  c.embed_dim = sizes.at("embed_dim");
  c.depth = sizes.at("depth");
  c.classes = sizes.at("num_classes");
  c.pruning_layers = sizes.at("pruning_loc").get<std::vector<int>>();
  c.token_keep = golden.at("token_keep_ratio").get<std::vector<double>>();
  const auto shape = [&](const char* name) {
    return expected.read(std::string("student/layers.0.mixer.") + name).shape;
  };
  c.state_dim = static_cast<int>(shape("A_log")[1]);
  c.conv_width = static_cast<int>(shape("conv1d.weight")[2]);
  c.dt_rank = static_cast<int>(shape("dt_proj.weight")[1]);
  c.block_selection = expected.has("student/layers.0.mixer.block_head.bias");
  return c;
}

inline std::vector<float> recorded_parameters(const ParameterTable& table, const Expected& expected,
                                              const std::string& prefix) {
  std::vector<float> values(table.size());
  for (const Parameter& parameter : table.parameters()) {
    const Recorded recorded = expected.read(prefix + parameter.name);
    std::copy(recorded.values.begin(), recorded.values.end(),
              values.begin() + static_cast<std::ptrdiff_t>(parameter.offset));
  }
  return values;
}

inline StepNoise recorded_noise(const DyvmConfig& c, const Expected& expected) {
  StepNoise noise;
  for (std::size_t stage = 0; stage < c.pruning_layers.size(); ++stage)
    noise.tokens.push_back(
        floats(expected.read("noise/stage" + std::to_string(stage) + ".token_exponential")));
  for (int layer = 0; layer < c.depth; ++layer) {
    char name[64];
    std::snprintf(name, sizeof name, "noise/layer%02d.block_exponential_", layer);
    noise.first.push_back(floats(expected.read(std::string(name) + "1")));
    noise.second.push_back(floats(expected.read(std::string(name) + "2")));
  }
  return noise;
}

// Decisions that differ, over all stages and blocks.
inline std::vector<Comparison> compare_decisions(const Network& student, const Expected& expected) {
  const int images = student.images(), patches = student.config().patches();
  std::vector<Comparison> rows;
  for (std::size_t stage = 0; stage < student.stages().size(); ++stage) {
    const std::string name = "out/stage" + std::to_string(stage) + ".decision";
    const Recorded recorded = expected.read(name);
    const Stage& own = student.stages()[stage];
    int wrong = 0;
    for (int b = 0; b < images; ++b)
      for (int i = 0; i < own.before[b]; ++i)
        wrong += (recorded.values[b * patches + i] > 0.5) != (own.decisions[b * patches + i] != 0);
    rows.push_back({name, static_cast<double>(wrong), wrong == 0});
  }
  const Recorded blocks = expected.read("out/block_policy");
  int wrong = 0;
  for (int layer = 0; layer < student.config().depth; ++layer)
    for (int i = 0; i < 2 * images; ++i)
      wrong += (blocks.values[2 * layer * images + i] > 0.5) != (student.gates(layer)[i] > 0.5f);
  rows.push_back({"out/block_policy", static_cast<double>(wrong), wrong == 0});
  const Recorded positions = expected.read("out/current_pos");
  wrong = 0;
  for (std::size_t i = 0; i < positions.values.size(); ++i)
    wrong += positions.values[i] != student.stages().back().positions[i];
  rows.push_back({"out/current_pos", static_cast<double>(wrong), wrong == 0});
  return rows;
}

// The normed rows of kept patches.
inline Comparison compare_tokens(const Network& student, const Expected& expected) {
  const Recorded recorded = expected.read("out/other_tokens");
  const int patches = student.config().patches(), dim = student.config().embed_dim;
  const double largest = largest_of(recorded);
  double difference = 0.0;
  for (int b = 0; b < student.images(); ++b) {
    const auto& sequence = student.sequences().images[b];
    for (int i = 0; i < sequence.kept(); ++i)
      for (int d = 0; d < dim; ++d)
        difference = std::max(
            difference, std::abs(student.tokens()[sequence.row_of_patch(i) * dim + d] -
                                 recorded.values[(static_cast<std::size_t>(b) * patches + i) * dim + d]));
  }
  return {"out/other_tokens", difference / largest, difference <= kLossTolerance * largest};
}

// `whole`: with sequences that are not cut behind their kept patches. Fails when a model cannot be made.
inline Result<std::vector<Comparison>> compare_training(const nlohmann::json& golden,
                                                        const Expected& expected, Operations& operations,
                                                        bool whole) {
  const DyvmConfig config = config_of(golden, expected);
  auto student = Network::create(config, operations, true),
       teacher = Network::create(without_pruning(config), operations, false);
  if (!student) return student.error();
  if (!teacher) return teacher.error();
  (*student)->set_whole_sequences(whole);

  const std::vector<float> weights = recorded_parameters((*student)->table(), expected, "student/"),
                           frozen = recorded_parameters((*teacher)->table(), expected, "teacher/"),
                           input = floats(expected.read("input"));
  const Recorded labels = expected.read("target");
  const int images = static_cast<int>(labels.values.size());
  const std::vector<float> targets = smooth_labels({labels.values.begin(), labels.values.end()},
                                                   config.classes, golden.at("label_smoothing"));
  const StepNoise noise = recorded_noise(config, expected);
  (*teacher)->forward(frozen, input.data(), images, nullptr);
  (*student)->forward(weights, input.data(), images, &noise);

  LossSettings settings;
  const nlohmann::json& shares = golden.at("weights");
  settings.classification = shares.at("classification");
  settings.token_ratio = shares.at("token_ratio");
  settings.block_ratio = shares.at("block_ratio");
  settings.distill_class = settings.distill_token = shares.at("distill");
  settings.token_keep = config.token_keep;
  settings.block_keep = golden.at("block_keep_ratio");
  OutputGradients output_gradients;
  const Losses losses = compute_losses(settings, **student, targets.data(), teacher->get(), output_gradients);
  std::vector<float> gradients;
  (*student)->backward(weights, output_gradients, gradients);

  std::vector<Comparison> rows = compare_decisions(**student, expected);
  rows.push_back(
      compare_values("out/logits", expected.read("out/logits"), (*student)->logits(), kLossTolerance));
  rows.push_back(compare_tokens(**student, expected));
  rows.push_back(compare_loss("total", expected, losses.total));
  rows.push_back(compare_loss("classification", expected, losses.classification));
  rows.push_back(compare_loss("token_ratio", expected, losses.token_ratio));
  rows.push_back(compare_loss("block_ratio", expected, losses.block_ratio));
  rows.push_back(compare_loss("distill_class", expected, losses.distill_class));
  rows.push_back(compare_loss("distill_token", expected, losses.distill_token));
  for (const Parameter& parameter : (*student)->table().parameters())
    rows.push_back(compare_norms("grad/" + parameter.name, expected.read("grad/" + parameter.name),
                                 gradients.data() + parameter.offset));
  return rows;
}

}  // namespace winnow::train
