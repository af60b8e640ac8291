// What the batches of all tasks are made with.
#pragma once

#include <functional>

#include "model/dyvm_config.h"
#include "train/augmentation/recolour.h"
#include "train/operations/operations.h"

namespace winnow::train {

// The colour that becomes zero in the model's input: of what lies beyond a picture.
Colour mean_colour(const DyvmConfig& config);

// Calls vary(i, thread) for `count` pictures, several at a time. Fails as the first of them that does; what a
// call throws, for want of memory, fails with engine.
Status vary_all(Operations& operations, int count, const std::function<Status(int, int)>& vary);

}  // namespace winnow::train
