// Random weights for segmentation models, for tests and for measuring.
#pragma once

#include "model/dyvm_config.h"
#include "model/weights.h"

namespace winnow {

// Weights of the backbone, the pyramid and the head, such that what a layer puts out is about as large as
// what it gets.
Weights random_segmenter(const DyvmConfig& config);

}  // namespace winnow
