// From classified boxes to what was found.
#pragma once

#include <vector>

#include "model/detection/box_head.h"

namespace winnow {

struct ScoredBox {
  int class_index = 0;
  float score = 0.0f;
  Box box;
};

// Boxes and classes of a score above `min_score`; of two of a class that overlap by more than `nms_iou` the
// better one; the `most` best of all classes, best first. A proposal any of whose numbers is not finite is
// left out.
std::vector<ScoredBox> best_boxes(const ClassifiedBoxes& from, int classes, float min_score, float nms_iou,
                                  int most);

}  // namespace winnow
