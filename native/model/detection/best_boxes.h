// From classified boxes to what was found.
#pragma once

#include <span>
#include <vector>

#include "model/detection/box_head.h"

namespace winnow {

struct ScoredBox {
  int class_index = 0;
  float score = 0.0f;
  Box box;
  int location = 0;  // of a one-stage head: the index of the place that predicted it
};

// Of two boxes of a class that overlap by more than `nms_iou` the better one (of equal ones the first); the
// `most` best of all classes, best first.
std::vector<ScoredBox> best_of_classes(std::span<const ScoredBox> boxes, int classes, float nms_iou,
                                       int most);

// The same of boxes and classes of a score above `min_score`. A proposal any of whose numbers is not finite
// is left out.
std::vector<ScoredBox> best_boxes(const ClassifiedBoxes& from, int classes, float min_score, float nms_iou,
                                  int most);

}  // namespace winnow
