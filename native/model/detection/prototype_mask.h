// Masks that are mixed of prototypes (YOLACT, arXiv 1904.02689).
#pragma once

#include "model/detection/boxes.h"
#include "model/rle.h"

namespace winnow {

// Maps that all masks of a picture are mixed of, host memory.
struct Prototypes {
  const float* values;  // [rows, columns, count]
  int rows, columns, count;
  float stride;  // pixels of the resized picture per cell
};

// The mask, in pixels of the target, of what lies in `box` of the resized picture: pixels in the box at which
// sigmoid(sum over j of tanh(coefficients[j]) prototype j), bilinear between the cells' centres, is at least
// 1/2.
Mask mask_of_prototypes(const Prototypes& prototypes, const float* coefficients, const Box& box,
                        PictureSize picture, PictureSize target);

}  // namespace winnow
