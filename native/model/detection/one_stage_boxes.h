// The host's part of detection in one stage: from what the places of a pyramid say to boxes.
#pragma once

#include <array>
#include <vector>

#include "model/detection/best_boxes.h"

namespace winnow {

// Of half the backbone's stride, the same, and double.
inline constexpr int kOneStageLevels = 3;
inline constexpr int kMostCandidates = 1000;  // per level
// Distances are exp of at most this times the stride: further than any picture's edge.
inline constexpr float kLargestDistanceExponent = 8.0f;

// What the places of all levels say, level by level, row by row.
struct OneStageOutputs {
  // [H, W] of a level, and how many pixels its cells are wide.
  struct Level {
    int height, width;
    float stride;
    float scale;  // learnt: what the raw distances are multiplied by
  };
  // Numbers of a place beside its coefficients: raw distances to the left, upper, right and lower edge, and
  // the logit of the quality, which is the IoU that is expected of its box.
  static constexpr int kPlace = 5;

  std::array<Level, kOneStageLevels> levels;
  int classes = 0, prototypes = 0;
  std::vector<float> class_logits;  // [locations, classes]
  std::vector<float> predictions;   // [locations, kPlace + prototypes]

  int locations() const;
  const float* place(int location) const {
    return predictions.data() + static_cast<std::size_t>(location) * (kPlace + prototypes);
  }
  // The raw coefficients of a place, [prototypes].
  const float* coefficients(int location) const { return place(location) + kPlace; }
};

// The box of cell (y, x) with raw distances [4]: from its centre, stride (x + 1/2, y + 1/2), to each side
// stride exp(scale distance).
Box box_of_place(int y, int x, const OneStageOutputs::Level& level, const float* distances);

// Boxes and classes whose score, sqrt(sigmoid(class) sigmoid(quality)), is above `min_score`, at most
// kMostCandidates of a level, the best; clipped to the picture. Those that are empty or not finite are left
// out.
std::vector<ScoredBox> one_stage_candidates(const OneStageOutputs& outputs, PictureSize picture,
                                            float min_score);

}  // namespace winnow
