// What a step learns from, as the app gives it.
#pragma once

#include <string>
#include <vector>

#include "train/augmentation/augment.h"

namespace winnow::train {

// What somebody marked in a picture. Pixels are those of the upright picture that it was marked in.
struct MarkedObject {
  int label = 0;
  float box[4] = {};   // left, top, right, bottom in pixels; of detection
  std::string counts;  // its mask as COCO's compressed run lengths; always of segmentation
};

// A picture and what it shows: a label, or marked objects.
struct TrainingExample {
  TrainingPicture picture;
  int label = 0;                      // of classification
  int width = 0, height = 0;          // of the picture that objects are marked in, which may be larger
  std::vector<MarkedObject> objects;  // of segmentation and detection
};

}  // namespace winnow::train
