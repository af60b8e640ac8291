// What a detector in one stage is taught by: the losses of its locations and their gradients.
//
// T is float but where tests take finite differences; sums are in fp64.
#pragma once

#include <span>

#include "train/detection/assignment.h"

namespace winnow::train {

// A value and its derivative by what was given.
struct Loss {
  double value, gradient;
};

// The focal loss of a logit x with p = sigmoid(x) (RetinaNet, arXiv 1708.02002, equation 5, with its alpha
// 0.25 and gamma 2): -alpha (1 - p)^gamma log p where the class is there, -(1 - alpha) p^gamma log(1 - p)
// elsewhere.
Loss focal_loss(double logit, bool is_there);

// -target log p - (1 - target) log(1 - p), p = sigmoid(logit).
Loss binary_cross_entropy(double logit, double target);

// Of two boxes around one place, by the distances to their left, upper, right and lower edges.
struct BoxLoss {
  double value;  // 1 - GIoU
  double iou;
  double gradients[4];  // of `value` by the first box's distances
};
// 1 - GIoU = 1 - (I / U - (C - U) / C) (arXiv 1902.09630) with I the area of both boxes' intersection, U of
// their union, and C of the smallest box around them: here sums of the lesser and of the greater distances.
BoxLoss giou_loss(const double distances[4], const double target[4]);

// What a one-stage head says of an image, and where: the numbers of OneStageOutputs, one after another.
struct OneStageShape {
  OneStageLevelShapes levels;
  int classes = 0, prototypes = 0;
  int mask_side = 0;  // cells of the prototypes' map on a side
  float cell = 0.0f;  // pixels that such a cell is wide
  std::size_t locations() const;
  int place() const { return OneStageOutputs::kPlace + prototypes; }
  std::size_t cells() const { return static_cast<std::size_t>(mask_side) * mask_side; }
  // Where class logits end, and predictions, and prototypes [mask_side, mask_side, prototypes].
  std::size_t predictions_at() const { return locations() * classes; }
  std::size_t prototypes_at() const { return predictions_at() + locations() * place(); }
  std::size_t size() const { return prototypes_at() + cells() * prototypes; }
};

// What the parts count in the sum: their weights divided by what they are normalised by.
struct DetectionWeights {
  double classification, boxes, quality, masks;
};

// Sums over an image, each times its weight.
struct DetectionParts {
  double classification = 0.0, boxes = 0.0, quality = 0.0, masks = 0.0;
  int right = 0;                          // assigned locations whose best class is their object's
  double d_scales[kOneStageLevels] = {};  // gradients of the levels' scales
};

// The losses of one image's values [shape.size()] and, added to what is there, their gradients d_values:
// - focal_loss of every class at every location;
// - giou_loss of the box of every assigned location, whose distances are stride exp(scale raw) as
//   box_of_place has them;
// - binary_cross_entropy of its quality with that box's IoU, through which no gradient flows (arXiv
// 1912.05244);
// - of every location in `masked`: the mean over the prototypes' cells with their centres in the object's box
//   of binary_cross_entropy(sum over j of tanh(coefficient j) prototype j, the mask), that is, their sum
//   divided by the box's area in cells, which is at least 1 (YOLACT, arXiv 1904.02689, section 3).
template <typename T>
DetectionParts detection_losses(const OneStageShape& shape, const T* values,
                                std::span<const TrainingObject> objects, std::span<const int> assigned,
                                std::span<const int> masked, const DetectionWeights& weights, T* d_values);

}  // namespace winnow::train
