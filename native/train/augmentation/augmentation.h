// How the pictures of a step are varied: Augmentation of electron/shared/training.ts.
#pragma once

namespace winnow::train {

struct Augmentation {
  enum class Crop { centre, shifted, resized, window };
  Crop crop = Crop::centre;
  int shift = 0;             // pixels, of a shifted crop
  double least_area = 0.08;  // share of the picture, of a resized one
  double least_scale = 1.0,
         largest_scale = 1.0;         // of a window: times the size at evaluation; of dense models
  bool flip = false;                  // every other picture
  double colour_jitter = 0.0;         // largest share that brightness, contrast and saturation change by
  int operations = 0;                 // of RandAugment, per picture
  double magnitude = 9.0;             // of 10
  double erasing = 0.0;               // share of the pictures
  double mixup = 0.0, cut_mix = 0.0;  // parameters of their beta distributions; 0: none
  double smoothing = 0.0;             // share of a label that is spread over all classes
};

// The evaluation's: the shorter side becomes `resize` pixels, of which a square of `crop` is the model's
// input.
struct Preprocessing {
  int resize = 0, crop = 0;
};

}  // namespace winnow::train
