// A new head on the features of a frozen model: multinomial logistic regression, solved to its optimum.
#pragma once

#include <atomic>
#include <vector>

#include "train/operations/operations.h"

namespace winnow::train {

struct HeadSettings {
  double decay = 1e-4;  // the loss has decay / 2 times the weights' squares; biases are free
  int most_iterations = 200;
  double tolerance = 1e-5;  // of the largest value of the gradient
  const std::atomic<bool>* cancel = nullptr;
};

struct TrainedHead {
  std::vector<float> weight;  // [classes, dim]
  std::vector<float> bias;    // [classes]
  double loss = 0.0;          // at the end
  int iterations = 0;
  bool converged = false;
};

// features [count, dim], targets [count, classes]: soft labels. Minimises the mean cross entropy plus the
// decay by L-BFGS (Liu and Nocedal, 1989) from zero; the same for every number of threads. Fails with
// bad_argument without examples or for features that are not finite, and with cancelled.
Result<TrainedHead> train_head(Operations& operations, const float* features, const float* targets, int count,
                               int dim, int classes, const HeadSettings& settings);

}  // namespace winnow::train
