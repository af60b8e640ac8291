// Boxes of detection models, in pixels of the resized picture unless said otherwise, and the arithmetic that
// Mask R-CNN (arXiv 1703.06870) does with them, in fp32 and in detectron2's order of operations.
#pragma once

#include <span>

#include "model/picture.h"

namespace winnow {

struct Box {
  float x0 = 0.0f, y0 = 0.0f, x1 = 0.0f, y1 = 0.0f;

  float width() const { return x1 - x0; }
  float height() const { return y1 - y0; }
  bool empty() const { return !(width() > 0.0f && height() > 0.0f); }
};
static_assert(sizeof(Box) == 4 * sizeof(float));

// The boxes as rows [n,4] of x0, y0, x1, y1.
inline std::span<const float> rows(std::span<const Box> boxes) {
  return {reinterpret_cast<const float*>(boxes.data()), 4 * boxes.size()};
}

bool is_finite(const Box& box);

// The part of the box inside the picture.
Box clip(const Box& box, PictureSize picture);

// A box of a picture of one size in pixels of another, inside it.
Box scaled(const Box& box, PictureSize from, PictureSize to);

// By how much a network's corrections dx, dy, dw, dh are multiplied.
struct CorrectionWeights {
  float centre, size;
};

// The box moved by dx, dy of its width and height and grown by exp(dw), exp(dh), which are at most 1000/16.
Box correct(const Box& box, const float* correction, CorrectionWeights weights);

// Index of the pyramid level, of strides 4, 8, 16 and 32, that a box is looked at on: the one of stride 16
// for a box of 224 x 224 (Feature Pyramid Networks, arXiv 1612.03144, equation 1).
int level_of(const Box& box);

}  // namespace winnow
