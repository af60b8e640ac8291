// A picture as a step sees it: a part of it, mirrored, recoloured, distorted, all by its own random numbers.
#pragma once

#include <cstdint>

#include "image/resize_crop.h"
#include "train/augmentation/augmentation.h"
#include "train/augmentation/recolour.h"
#include "train/random.h"

namespace winnow::train {

// RGB bytes [height, width, 3] that somebody else holds.
struct TrainingPicture {
  const std::uint8_t* pixels;
  int width, height;
};

// Crop, flip, colour jitter and RandAugment, in this order. `fill`: colour beyond the edges of a distorted
// picture. out: RGB bytes [crop, crop, 3]. Fails with bad_argument for a picture without pixels.
Status vary_picture(const Augmentation& augmentation, const Preprocessing& preprocessing, const Colour& fill,
                    const TrainingPicture& picture, Random& random, std::uint8_t* out);

// The rectangle of a random resized crop (torchvision's): of a picture of width x height pixels, `least_area`
// to all of its area, sides at most 4 to 3. Where ten draws do not fit: the largest such rectangle, in the
// middle.
PictureBox draw_box(int width, int height, double least_area, Random& random);

}  // namespace winnow::train
