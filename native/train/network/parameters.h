// The parameters of a model as one vector of numbers: weights, gradients, moments and averages have the same
// offsets in theirs.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/vim_tensors.h"
#include "model/weights.h"

namespace winnow::train {

struct Parameter {
  std::string name;  // in the checkpoint
  Weights::Shape shape;
  std::size_t offset, size;
  bool decays;  // whether AdamW shrinks it: matrices but for A_log, positions and the class token
};

// Offsets within a block's part of the vector.
struct BlockOffsets : BlockTensors<std::size_t> {
  std::size_t begin = 0, size = 0;  // of the block in the whole
};

// Likewise within a score predictor's.
struct PredictorOffsets : PredictorTensors<std::size_t> {
  std::size_t begin = 0, size = 0;
};

struct EmbeddingOffsets {
  std::size_t begin = 0, size = 0;
  std::size_t class_token, position, weight, bias;  // a dense model has no class token
};

// Likewise within a classifier's head.
struct HeadOffsets {
  std::size_t begin = 0, size = 0;
  std::size_t norm, weight, bias;
};

// In front of the names of a backbone's tensors: of a detector's, as detectron2 has them, and of a
// segmenter's; nothing of a classifier's.
std::string backbone_prefix(const DyvmConfig& config);

// Which parameters a model of this config has, and where: those of a classifier, or of a dense model's
// backbone, behind which its head adds its own.
class ParameterTable {
 public:
  explicit ParameterTable(const DyvmConfig& config);
  // Adds a parameter behind the others. `begin`: from where its offset, which is returned, counts.
  std::size_t add(const std::string& name, Weights::Shape shape, std::size_t begin, bool decays = true);

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
  std::vector<Parameter> parameters_;
  std::size_t size_ = 0;
};

}  // namespace winnow::train
