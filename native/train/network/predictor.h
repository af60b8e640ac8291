// DyVM's token decision (section 3.2) with its straight-through gradient, for one image's patches: kept ones
// in front, dropped ones behind.
#pragma once

#include <cstdint>
#include <vector>

#include "model/dyvm_config.h"
#include "train/network/parameters.h"
#include "train/operations/operations.h"

namespace winnow::train {

// A thread's memory between the layers of a predictor, for M patches.
class PredictorMemory {
 public:
  void reserve(const DyvmConfig& config);
  std::size_t bytes() const { return memory_.size() * sizeof(float); }

  float *normed, *before, *features, *joined;  // [M, D]
  float *half_before, *half;                   // [M, D/2]
  float *quarter_before, *quarter;             // [M, D/4]
  float* pairs;                                // [M, 2]
  float *d_joined, *d_features, *d_rows;       // [M, D]
  float *d_half, *d_quarter, *d_pairs;
  float* d_policy;  // [M]

 private:
  std::vector<float> memory_;
};

// An image's decisions at one stage.
struct TokenDecisions {
  std::uint8_t* hard;  // [M]: 1 where it would stay if it had not been dropped before
  float* probability;  // [M]: the softmax that the gradient goes through
};

class TrainedPredictor {
 public:
  TrainedPredictor(const DyvmConfig& config, const PredictorOffsets& offsets, Operations& operations)
      : c_(config), offsets_(offsets), ops_(operations) {}

  // rows [M, D] of which the first `kept` have been kept so far; noise [M, 2]: Exp(1) draws.
  void decide(const float* weights, const float* rows, int kept, const float* noise,
              const TokenDecisions& decisions, PredictorMemory& memory) const;
  // From d_policy [M] of the policy behind this stage, in this stage's order: memory.d_rows [kept, D], and
  // d_before [M] of the policy before this stage.
  void gradient(const float* weights, const float* rows, int kept, const TokenDecisions& decisions,
                const float* d_policy, float* d_before, float* d_weights, PredictorMemory& memory) const;

 private:
  // The features of `rows` rows, each joined with the pooled ones of the first `kept`.
  void features(const float* weights, const float* from, int rows, int kept, PredictorMemory& memory) const;
  void score(const float* weights, int rows, PredictorMemory& memory) const;

  const DyvmConfig& c_;
  PredictorOffsets offsets_;
  Operations& ops_;
};

}  // namespace winnow::train
