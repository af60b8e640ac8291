// Random weights of every kind of model, for tests and for measuring: each tensor that a model asks for when
// it is loaded is drawn by its name, such that what a layer puts out is about as large as what it gets.
#pragma once

#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/weights.h"

namespace winnow {

// Of a classifier, a segmentation or a detection model, whichever the config is of. Block heads decide as
// they happen to.
Weights random_tensors(const DyvmConfig& config);

// Of a dense model's backbone alone, whose tensors' names begin with `prefix`.
Weights random_backbone(const DyvmConfig& config, const std::string& prefix);

}  // namespace winnow
