// The parameters of a classification model as one vector of numbers: weights, gradients, moments and averages
// have the same offsets in theirs.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/weights.h"

namespace winnow::train {

struct Parameter {
  std::string name;  // in the checkpoint
  Weights::Shape shape;
  std::size_t offset, size;
  bool decays;  // whether AdamW shrinks it: matrices but for A_log, positions and the class token
};

// Offsets within a block's part of the vector.
struct BlockOffsets {
  struct Direction {
    std::size_t taps, bias, projection, step_weight, step_bias, state_matrix, skip;
  };
  std::size_t begin = 0, size = 0;  // of the block in the whole
  std::size_t norm, in_proj, out_proj, head_weight, head_bias;
  std::array<Direction, 2> directions;  // forward, backward
};

struct PredictorOffsets {
  std::size_t begin = 0, size = 0;
  std::size_t norm_weight, norm_bias;
  struct Layer {
    std::size_t weight, bias;
  };
  Layer in, out0, out2, out4;
};

struct EmbeddingOffsets {
  std::size_t begin = 0, size = 0;
  std::size_t class_token, position, weight, bias;
};

struct HeadOffsets {
  std::size_t begin = 0, size = 0;
  std::size_t norm, weight, bias;
};

// Which parameters a model of this config has, and where.
class ParameterTable {
 public:
  explicit ParameterTable(const DyvmConfig& config);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::size_t size() const { return size_; }

  // The values of a checkpoint. Fails with bad_model, naming the tensor.
  Result<std::vector<float>> read(Weights& weights) const;
  // The tensors of a checkpoint.
  Weights write(const std::vector<float>& values) const;

  EmbeddingOffsets embedding;
  std::vector<BlockOffsets> blocks;
  std::vector<PredictorOffsets> predictors;
  HeadOffsets head;

 private:
  std::size_t add(const std::string& name, Weights::Shape shape, std::size_t begin, bool decays = true);

  std::vector<Parameter> parameters_;
  std::size_t size_ = 0;
};

}  // namespace winnow::train
