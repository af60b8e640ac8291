// What scores the classes of a window from the features of its patches.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/dyvm_config.h"
#include "model/tensor_reader.h"
#include "ops/backend.h"
#include "ops/workspace.h"

namespace winnow {

class MapHead {
 public:
  virtual ~MapHead() = default;

  // Its tensors, and those of the backbone that are its own. A failure stays in the reader.
  virtual void load(TensorReader& read) = 0;
  // Sides of the maps that `run` takes scores on.
  virtual int side() const = 0;
  // Takes what lies between the layers.
  virtual void plan(Workspace& workspace) = 0;
  // features: the backbone's taps, or its final stream where the model has none, each [1, g, g, D]; scores
  // [1, side, side, classes].
  virtual void run(const std::vector<Tensor>& features, Tensor scores) = 0;
  // Maps [1, H, W, D] of the last run that recorded runs hold as well, finest first.
  virtual std::span<const Tensor> pyramid() const { return {}; }
};

// The head that the config names.
std::unique_ptr<MapHead> make_map_head(const DyvmConfig& config, Backend& backend);

}  // namespace winnow
