// DyVM's training loss (section 3.4 and its code): classification, how many tokens and directions are kept,
// and how near the frozen, unpruned teacher is.
#pragma once

#include <vector>

#include "train/network/network.h"

namespace winnow::train {

struct LossSettings {
  double classification = 1.0, token_ratio = 10.0, block_ratio = 10.0;
  double distill_class = 0.5, distill_token = 0.5;  // count with a teacher
  std::vector<double> token_keep;                   // aim of each stage, of the patches before any pruning
  double block_keep = 0.8;                          // aim, over all blocks, images and directions
  double boxes = 1.0, quality = 1.0, masks = 1.0;   // of a detector
};

// Each part as it enters the total, that is, times its weight.
struct Losses {
  double total = 0.0, classification = 0.0, token_ratio = 0.0, block_ratio = 0.0, distill_class = 0.0,
         distill_token = 0.0;
  double boxes = 0.0, quality = 0.0, masks = 0.0;  // of a detector
};

// The parts that ask how much is kept, of a backbone that has been run; added to `losses`, and to no gradient
// but those of the decisions.
void add_decision_losses(const LossSettings& settings, const Backbone& backbone, Losses& losses,
                         DecisionGradients& gradients);

// targets [B, classes]: soft labels that sum to one. teacher: the same images' forward pass, or null. Both
// networks have been run.
Losses compute_losses(const LossSettings& settings, const Network& student, const float* targets,
                      const Network* teacher, OutputGradients& gradients);

// One hot labels, `smoothing` of them spread over all classes. [B, classes]
std::vector<float> smooth_labels(const std::vector<int>& labels, int classes, double smoothing);

}  // namespace winnow::train
