// Where objects may be: the host's part of a region proposal network (Faster R-CNN, arXiv 1506.01497).
#pragma once

#include <span>
#include <vector>

#include "model/detection/boxes.h"

namespace winnow {

inline constexpr int kAnchors = 3;                   // per cell: height is 1/2, 1 and 2 times the width
inline constexpr int kAnchorOutputs = 5 * kAnchors;  // per cell: a logit per anchor, then its correction
inline constexpr int kMostProposals = 1000;          // per level, and again of all levels

struct Proposal {
  Box box;
  float logit;
};

// The anchor with area size^2 around the upper left corner of cell (y, x).
Box anchor(int y, int x, int stride, float size, int shape);

// Proposals of one picture, level by level.
class ProposalSelection {
 public:
  void start(PictureSize picture);
  // outputs [height, width, kAnchorOutputs] of a level whose cells are `stride` wide and whose anchors have
  // an area of size^2. The best of its anchors become boxes inside the picture; of two that overlap by more
  // than an IoU of 0.7 the better one stays. Those that are empty or not finite are left out.
  void add_level(const float* outputs, int height, int width, int stride, float size);
  // The best of all levels, best first.
  std::span<const Proposal> finish();

 private:
  PictureSize picture_;
  std::vector<Proposal> proposals_;
  std::vector<int> order_;  // indices in a level's [height, width, kAnchors]
  std::vector<Box> boxes_;
  std::vector<float> logits_;
};

}  // namespace winnow
