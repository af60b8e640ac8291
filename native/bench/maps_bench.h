// The convolutions of the heads, ours beside plain oneDNN.
#pragma once

#include <vector>

#include "engine/engine.h"

namespace winnow {

// Prints a Markdown table for each of the thread counts and precisions: milliseconds of the convolutions of
// UPerHead (192 channels, 512 x 512 pixels) and of the detection heads (256 channels, 1024 x 1024 pixels,
// 1000 boxes), of oneDNN on the whole map in the layouts that it likes best, and of the heads' other
// operations, which oneDNN's total lacks.
Status bench_maps(const std::vector<int>& threads, const std::vector<Precision>& precisions, double seconds);

}  // namespace winnow
