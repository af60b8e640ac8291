// The backbone of a segmentation or detection model that learns: patches whose features make maps, the
// numbers of model/dense_backbone.h where the decisions are the same.
#pragma once

#include <memory>
#include <vector>

#include "train/network/backbone.h"

namespace winnow::train {

class DenseNetwork {
 public:
  // Maps as DenseBackbone has them: of a model with taps what each tapped block added to the stream, of
  // others the stream behind the last block. Fails with bad_argument for models that are none, of a family
  // that nothing trains, or whose tokens are rotated.
  static Result<std::unique_ptr<DenseNetwork>> create(const DyvmConfig& config, Operations& operations);

  // Of the backbone; a head adds its parameters behind them.
  ParameterTable& table() { return table_; }
  const ParameterTable& table() const { return table_; }
  const DyvmConfig& config() const { return c_; }
  Backbone& backbone() { return backbone_; }

  // As of the backbone.
  void forward(const std::vector<float>& weights, const float* images, int count, const StepNoise* noise);
  // Per map [B, g, g, D]: patches in raster order. One that has been dropped has the values of then.
  const std::vector<AlignedFloats>& maps() const { return maps_; }
  // Gradients of the backbone's parameters from those of the maps, over what is there.
  void backward(const std::vector<float>& weights, const std::vector<AlignedFloats>& d_maps,
                const DecisionGradients& decisions, std::vector<float>& gradients);

  std::size_t bytes() const;

 private:
  DenseNetwork(const DyvmConfig& config, Operations& operations);
  // Segment whose patches are still changed by what a map shows.
  int segment_of_map(int map) const;
  // Block whose `added` holds the patches of a segment as a map has them, or -1 for the stream itself: behind
  // the last block, or in front of the stage that drops them.
  int block_of(int map, int segment) const;
  // Calls visit(segment, i, position) for every patch of an image: the last segment that it is in and that
  // counts for the map, its index among the patches of that segment, and its original position.
  template <typename Visit>
  void for_patches(int map, int image, const Visit& visit) const;

  DyvmConfig c_;
  Operations& ops_;
  ParameterTable table_;
  Backbone backbone_;
  std::vector<AlignedFloats> maps_;
  std::vector<float> d_dropped_;
};

}  // namespace winnow::train
