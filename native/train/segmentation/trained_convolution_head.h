// The light head of segmentation models (model/segmentation/convolution_head.h) as it learns.
#pragma once

#include <vector>

#include "train/network/parameters.h"
#include "train/network/parts.h"
#include "train/operations/map_operations.h"

namespace winnow::train {

struct ConvolutionHeadSizes {
  int grid, dim;       // of the map: patches a side, and channels
  int width, classes;  // of the head
};

class TrainedConvolutionHead {
 public:
  // Adds the head's parameters to the table.
  TrainedConvolutionHead(const ConvolutionHeadSizes& sizes, ParameterTable& table, Operations& operations);

  // map [B, g, g, D].
  void forward(const std::vector<float>& weights, const float* map, int images);
  // [B, 2g, 2g, classes]: of each image as `shape` says.
  const AlignedFloats& scores() const { return scores_; }
  MapShape shape() const { return {2 * grid_, 2 * grid_, classes_}; }

  // From d_scores to d_map [B, g, g, D] and to the gradients of the head's parameters, over what is there.
  // `map`: that of the forward pass.
  void backward(const float* map, const AlignedFloats& d_scores, AlignedFloats& d_map,
                std::vector<float>& gradients);

  std::size_t bytes() const;

 private:
  struct Norm {
    std::size_t weight, bias;
  };
  // Offsets within the head's part of the parameters.
  struct Offsets {
    std::size_t begin = 0, size = 0;
    Norm norm;
    std::size_t project, shift;
    Norm projected;
    std::size_t smooth[2];
    Norm smoothed[2];
    std::size_t classes, bias;
  };
  // A thread's memory between the layers.
  struct Memory {
    AlignedFloats normed, d_normed;                // [g, g, D]
    AlignedFloats input, centred, d_input, d_map;  // [2g, 2g, C]
    AlignedFloats products;                        // of a convolution or of the projection
  };

  void prepare(const float* weights);
  // The input of convolution `i`, or of the last layer, from what is before its norm: memory.input, and
  // memory.centred before the activation.
  void activate(int i, const float* before, Memory& memory) const;
  const float* before(int i, int image) const;
  void image_backward(int image, const float* map, const float* d_scores, float* d_map, float* d,
                      Memory& memory);

  Operations& ops_;
  MapOperations maps_;
  int grid_, dim_, width_, classes_;
  Offsets at_;
  BatchParts parts_;
  AlignedFloats prepared_;
  AlignedFloats kept_[3];  // [B, 2g, 2g, C]: before each norm behind the projection and the convolutions
  AlignedFloats scores_;
  std::vector<Memory> memories_;  // per thread
};

}  // namespace winnow::train
