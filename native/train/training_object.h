// Objects to learn from: as they are marked in a picture, and as a detector sees them in a window of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/detection/boxes.h"

namespace winnow::train {

// What somebody marked in a picture. Pixels are those of the upright picture that it was marked in.
struct MarkedObject {
  Box box;  // of detection
  int label = 0;
  std::string counts;  // its mask as COCO's compressed run lengths; always of segmentation
};

struct TrainingObject {
  Box box;  // in pixels of the window, inside it, not empty
  int label = 0;
  // [m, m] of a window of m x m equal cells, m = mask_side(config): 1 where the object covers
  // the cell's centre, else 0. Empty where nobody has drawn it: then it teaches its box alone.
  std::vector<std::uint8_t> mask;
};

}  // namespace winnow::train
