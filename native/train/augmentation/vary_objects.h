// A window of a picture and of the objects in it, as a step of detection sees them: all resized, cropped and
// mirrored alike, the picture recoloured, all by the picture's own random numbers.
#pragma once

#include <span>
#include <vector>

#include "model/picture.h"
#include "train/augmentation/vary_window.h"
#include "train/training_object.h"

namespace winnow::train {

// At scale 1 the picture has the size that inference resizes it to.
struct ObjectAugmentation : WindowAugmentation {
  double least_visible = 0.25;  // objects of whose box's area less is in the window are dropped
};

// `side`: of the window in pixels; `mask_side`: cells of an object's mask on a side (TrainingObject::mask);
// `marked`: size of the picture that the objects are marked in, which may be another than that of `picture`.
// At scale 1 the picture's longer side becomes `side`, at others that times the scale, by the filter of
// inference; a window shows a part of what is larger, and has the picture at its upper left otherwise, on
// ground of colour `fill`. Boxes are cut off at the window's and the picture's edges. out: RGB bytes [side,
// side, 3]; out_objects: those that stay, in their order. Fails with bad_argument for a picture without
// pixels, a box that is not finite, and a mask of another size.
Status vary_objects(const ObjectAugmentation& augmentation, int side, int mask_side, const Colour& fill,
                    const TrainingPicture& picture, PictureSize marked, std::span<const MarkedObject> objects,
                    Random& random, std::uint8_t* out, std::vector<TrainingObject>& out_objects);

}  // namespace winnow::train
