// What a detector learns from: an object in a window of the model's image size.
#pragma once

#include <cstdint>
#include <vector>

#include "model/detection/boxes.h"

namespace winnow::train {

struct TrainingObject {
  Box box;  // in pixels of the window, inside it, not empty
  int label = 0;
  // [m, m] of a window of m x m equal cells, m four times the patches of a side: 1 where the object covers
  // the cell's centre, else 0. Empty where nobody has drawn it: then it teaches its box alone.
  std::vector<std::uint8_t> mask;
};

}  // namespace winnow::train
