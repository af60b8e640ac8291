// What a step learns from, as the app gives it.
#pragma once

#include <vector>

#include "train/augmentation/augment.h"
#include "train/training_object.h"

namespace winnow::train {

// A picture and what it shows: a label, or marked objects.
struct TrainingExample {
  TrainingPicture picture;
  int label = 0;                      // of classification
  int width = 0, height = 0;          // of the picture that objects are marked in, which may be larger
  std::vector<MarkedObject> objects;  // of segmentation and detection
};

}  // namespace winnow::train
