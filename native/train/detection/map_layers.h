// Layers over feature maps that learn, one behind another: what the head of a detector is built of. What is
// added once runs forwards in that order, and backwards against it, an image on one thread.
#pragma once

#include <string>
#include <vector>

#include "train/network/parameters.h"
#include "train/network/parts.h"
#include "train/operations/map_operations.h"

namespace winnow::train {

class MapLayers {
 public:
  // A map of every image: its first value among those of the image.
  struct Map {
    std::size_t at = 0;
    MapShape shape{0, 0, 0};
  };

  // `epsilon`: of every norm. The layers add their parameters to the table.
  MapLayers(ParameterTable& table, Operations& operations, double epsilon);

  // Room for a map: of the input, or of a layer that is told where its output goes.
  Map add_map(const MapShape& shape);
  // A parameter's offset, for `linear` or for what is no layer.
  std::size_t add(const std::string& name, const Weights::Shape& shape);

  // A convolution without a bias, of `kernel` 1 or 3, and a LayerNorm over its channels: its parameters,
  // which several maps may be convolved with.
  struct NormedConvolution {
    int outputs, kernel;
    std::size_t weight, norm_weight, norm_bias;
  };
  NormedConvolution add_normed_convolution(const std::string& name, int outputs, int inputs, int kernel);
  Map apply(const NormedConvolution& convolution, const Map& x, bool relu);
  Map normed_convolution(const std::string& name, const Map& x, int outputs, int kernel, bool relu) {
    return apply(add_normed_convolution(name, outputs, x.shape.channels, kernel), x, relu);
  }
  // LayerNorm over the channels.
  Map norm(const std::string& name, const Map& x, bool relu);
  // The transposed 2 x 2 convolution of stride 2, with a bias.
  Map upsample(const std::string& name, const Map& x, int outputs);
  // The largest of every 2 x 2 pixels.
  Map max_pool(const Map& x);
  // out = x W^T + bias at every pixel, W [out channels, x channels].
  void linear(std::size_t weight, std::size_t bias, const Map& x, const Map& out, bool relu);

  // input [B, H, W, C] becomes the map `x`; then all layers.
  void forward(const std::vector<float>& weights, const Map& x, const float* input, int images);
  const float* values(int image, const Map& map) const { return kept_.data() + image * size_ + map.at; }
  const float* weights(std::size_t offset) const { return prepared_.data() + offset; }

  // The images' first `said` values have the gradients d_outputs [B, said]. Writes d_input, of the map
  // `x`, and the gradients of the layers' parameters over what is there; those of other parameters become 0.
  void backward(const Map& x, std::size_t said, const float* d_outputs, AlignedFloats& d_input,
                std::vector<float>& gradients);
  // Where parameters that are no layer's have their gradients.
  std::size_t begin() const { return begin_; }
  std::size_t bytes() const;

 private:
  enum class Kind { convolution, linear, upsampling, norm, pool };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Layer {
    Kind kind;
    Map x, out;
    bool relu = false;
    std::size_t weight = kNone, bias = kNone;
    std::size_t which = 0;  // of a pool: its first value among those of the image
  };
  // A weight that is computed with in another order than a checkpoint's.
  struct Prepared {
    Kind kind;
    int inputs, outputs;
    std::size_t weight;
  };
  struct Memory {  // of a thread
    AlignedFloats gradients, products;
  };

  Map add_layer(Layer layer, const MapShape& out);
  void image_forward(int image, float* products);
  void image_backward(int image, float* d_values, float* d_weights, float* products);
  const float* or_null(const float* values, std::size_t offset) const {
    return offset == kNone ? nullptr : values + offset;
  }

  ParameterTable& table_;
  Operations& ops_;
  MapOperations maps_;
  double epsilon_;
  std::size_t begin_, parameters_ = 0;  // of the table, and how many
  std::size_t size_ = 0, which_size_ = 0, products_size_ = 0;
  std::vector<Layer> layers_;
  std::vector<Prepared> prepared_layers_;
  BatchParts parts_;
  AlignedFloats prepared_, kept_;
  std::vector<std::uint8_t> which_;
  std::vector<Memory> memories_;
};

}  // namespace winnow::train
