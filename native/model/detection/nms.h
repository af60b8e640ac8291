// Non-maximum suppression.
#pragma once

#include <span>
#include <vector>

namespace winnow {

// Indices of the boxes that stay, best score first (of equal ones the lower index): a box goes when its
// intersection over union with a better one that stayed is greater than `iou`. boxes [n,4] hold x0, y0, x1,
// y1; scores [n]. Classes and levels are the caller's: one call for each.
std::vector<int> non_maximum_suppression(std::span<const float> boxes, std::span<const float> scores,
                                         float iou);

}  // namespace winnow
