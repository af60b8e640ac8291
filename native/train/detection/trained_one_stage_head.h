// The head of detectors in one stage (model/detection/one_stage.h) as it learns.
#pragma once

#include <memory>
#include <vector>

#include "model/dyvm_config.h"
#include "train/detection/detection_losses.h"
#include "train/detection/map_layers.h"

namespace winnow::train {

// Cells of an object's mask on a side, as TrainingObject has it: those of the prototypes.
inline int mask_side(const DyvmConfig& config) { return 4 * config.grid(); }

class TrainedOneStageHead {
 public:
  // For a config with a OneStageHead. Adds the head's parameters to the table.
  TrainedOneStageHead(const DyvmConfig& config, ParameterTable& table, Operations& operations);

  // map [B, g, g, D].
  void forward(const std::vector<float>& weights, const float* map, int images);
  // What an image's locations and prototypes say, [shape().size()].
  const float* values(int image) const { return layers_.values(image, outputs_); }
  // With the scales of the last forward pass.
  const OneStageShape& shape() const { return shape_; }

  // d_outputs [B, shape().size()]: per image in the order of OneStageShape; d_scales: of the three levels. To
  // d_map [B, g, g, D] and to the gradients of the head's parameters, over what is there.
  void backward(const AlignedFloats& d_outputs, const double d_scales[kOneStageLevels], AlignedFloats& d_map,
                std::vector<float>& gradients);

  std::size_t bytes() const { return layers_.bytes(); }

 private:
  // The towers and what the locations of a level say.
  void add_places(const OneStageHead& head, const std::vector<MapLayers::Map>& levels);

  OneStageShape shape_;
  MapLayers layers_;
  MapLayers::Map feature_, outputs_, prototypes_;  // outputs_: begins where all that the head says does
  std::size_t scales_ = 0;
};

}  // namespace winnow::train
