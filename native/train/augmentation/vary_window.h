// A window of a picture and of its map of classes, as a step of segmentation sees them: both resized, cropped
// and mirrored alike, the picture recoloured, all by the picture's own random numbers.
#pragma once

#include <cstdint>

#include "train/augmentation/augment.h"

namespace winnow::train {

struct WindowAugmentation {
  double least_scale = 0.5, largest_scale = 2.0;  // of the resized picture
  bool flip = true;                               // every other picture
  double colour_jitter = 0.0;                     // as in Augmentation
};

// `resize`: the shorter side in pixels at scale 1, as at evaluation; `side`: of the window. labels [height,
// width] of the picture's pixels: the nearest becomes a window's pixel. What a picture lacks to a window is
// of colour `fill` and has the label 255. out: RGB bytes [side, side, 3]; out_labels [side, side]. Fails with
// bad_argument for a picture without pixels.
Status vary_window(const WindowAugmentation& augmentation, int resize, int side, const Colour& fill,
                   const TrainingPicture& picture, const std::uint8_t* labels, Random& random,
                   std::uint8_t* out, std::uint8_t* out_labels);

}  // namespace winnow::train
