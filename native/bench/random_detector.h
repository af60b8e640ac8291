// Random weights for detection models, for tests and for measuring.
#pragma once

#include "model/dyvm_config.h"
#include "model/weights.h"

namespace winnow {

// Weights of the backbone, the pyramid and the heads, such that what a layer puts out is about as large as
// what it gets: without training, everything is found everywhere.
Weights random_detector(const DyvmConfig& config);

}  // namespace winnow
