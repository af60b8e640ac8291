// Positions of a grid for a grid of another size.
#pragma once

#include <vector>

namespace winnow {

// A map [from, from, dim] as [to, to, dim]: cubic convolution with a = -0.75, as PyTorch interpolates
// (bicubic, corners not aligned).
std::vector<float> interpolate_map(const float* map, int from, int to, int dim);

}  // namespace winnow
