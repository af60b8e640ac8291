// A head from few examples: of the heads that may do best with so few, the one that cross-validation finds
// best.
#pragma once

#include <span>

#include "train/trainer/head.h"

namespace winnow::train {

// What the weights of a head are. All are linear in the features, so a model's last layer can be any of them.
enum class HeadKind {
  logistic,    // multinomial logistic regression (head.h), times s
  class_mean,  // the class whose mean is nearest: -s |x - mean_c|^2 but for what all classes share
  cosine,  // s cos(x - m, w_c) |x - m|: m is the mean of the class means, w_c that of the class's x - m, each
           // of length one (SimpleShot, arXiv 1911.04623, with cosines); the factor |x - m| moves no class
           // past another
};
inline constexpr HeadKind kHeadKinds[] = {HeadKind::logistic, HeadKind::class_mean, HeadKind::cosine};

// How one kind did on the examples that were left out.
struct HeadTrial {
  HeadKind kind;
  double accuracy;
  double loss;  // mean cross entropy
};

struct ChosenHead {
  HeadKind kind = HeadKind::logistic;
  TrainedHead head;  // of all examples
  int folds = 0;
  std::vector<HeadTrial> trials;  // in the order of kHeadKinds
};

// features [count, dim], labels [count]. Each class's examples are cut into at most five folds, in their
// order, so that pictures that lie side by side stay together; each fold is predicted by the heads of the
// others, and examples of a class that the others lack do not count. The kind with the best accuracy stays;
// of equal ones that with the least loss. `s` is the number that suits those predictions best, as in Platt
// scaling. Fails like train_head, and with bad_argument where fewer than two classes have two examples.
Result<ChosenHead> choose_head(Operations& operations, const float* features, std::span<const int> labels,
                               int dim, int classes, double smoothing, const HeadSettings& settings);

}  // namespace winnow::train
