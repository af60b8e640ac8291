// Which place of the pyramid learns which object, as FCOS assigns them (arXiv 1904.01355, section 3.2, with
// the centre sampling of its later version, arXiv 2006.09214).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "model/detection/one_stage_boxes.h"
#include "train/training_object.h"

namespace winnow::train {

using OneStageLevelShapes = std::array<OneStageOutputs::Level, kOneStageLevels>;

inline constexpr int kBackground = -1;

// Half the side of the square around a box's centre whose locations learn it, in strides of their level.
inline constexpr float kCentreRadius = 1.5f;
// A level's boxes: the furthest edge from a place is above 4 and at most 8 strides away (FCOS: 64 to 128
// pixels at stride 16). The finest level has all smaller ones too, the coarsest all larger ones.
inline constexpr float kNearestEdge = 4.0f, kFurthestEdge = 8.0f;

// From a cell's centre to the left, upper, right and lower edge of a box, in pixels.
std::array<float, 4> distances_of(const OneStageOutputs::Level& level, int y, int x, const Box& box);

// Per location, level by level and row by row: the index of the object that it learns, or kBackground. A
// place learns an object when its centre lies strictly inside the box and inside the square around the box's
// centre, and the box is of its level's sizes; of several the one of the smallest area, of equals the first.
std::vector<int> assign_locations(const OneStageLevelShapes& levels, std::span<const TrainingObject> objects);

// Of the assigned locations those that learn masks: of objects that have one, all of them or `most`, evenly
// spread over their order.
std::vector<int> mask_locations(std::span<const int> assigned, std::span<const TrainingObject> objects,
                                int most);

}  // namespace winnow::train
