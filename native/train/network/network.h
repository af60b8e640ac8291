// A Vim, VideoMamba or DyVM classifier that learns: the whole forward pass as in training, and the gradients
// of all of its parameters.
#pragma once

#include <memory>
#include <vector>

#include "train/network/backbone.h"

namespace winnow::train {

// What the loss asks of the network's outputs.
struct OutputGradients : DecisionGradients {
  std::vector<float> logits;  // [B, classes]
  std::vector<float> tokens;  // [rows, D]: of the normed rows; or empty
};

class Network {
 public:
  // `learns`: keeps what the gradients need; without it the model must not prune. Fails with bad_argument for
  // other kinds of models.
  static Result<std::unique_ptr<Network>> create(const DyvmConfig& config, Operations& operations,
                                                 bool learns);

  const ParameterTable& table() const { return table_; }
  const DyvmConfig& config() const { return c_; }
  void set_whole_sequences(bool whole) { backbone_.set_whole_sequences(whole); }

  // As of the backbone.
  void forward(const std::vector<float>& weights, const float* images, int count, const StepNoise* noise);
  // Gradients [table().size()] of the last forward pass, in place of what is there.
  void backward(const std::vector<float>& weights, const OutputGradients& outputs,
                std::vector<float>& gradients);

  const Backbone& backbone() const { return backbone_; }
  int images() const { return backbone_.images(); }
  const std::vector<float>& logits() const { return logits_; }  // [B, classes]
  const std::vector<float>& tokens() const { return tokens_; }  // [rows, D], normed
  const std::vector<Stage>& stages() const { return backbone_.stages(); }
  const Sequences& sequences() const { return backbone_.sequences(); }
  const std::vector<float>& gates(int layer) const { return backbone_.gates(layer); }
  std::size_t kept_bytes() const { return backbone_.kept_bytes(); }
  std::size_t bytes() const;

 private:
  Network(const DyvmConfig& config, Operations& operations, bool learns)
      : c_(config), ops_(operations), table_(config), backbone_(config, table_, operations, learns) {}
  void classify(const float* weights);
  void classify_backward(const float* weights, const OutputGradients& outputs, float* gradients);

  DyvmConfig c_;
  Operations& ops_;
  ParameterTable table_;
  Backbone backbone_;
  std::vector<float> tokens_, logits_;
};

}  // namespace winnow::train
