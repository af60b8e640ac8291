#include "bench/random_segmenter.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "bench/random_model.h"

namespace winnow {
namespace {

class Layers {
 public:
  explicit Layers(Weights& weights) : weights_(weights) {}

  void normal(const std::string& name, Weights::Shape shape, double deviation, double mean = 0.0) {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::normal_distribution<float> values(static_cast<float>(mean), static_cast<float>(deviation));
    std::vector<float> drawn(count);
    for (float& value : drawn) value = values(random_);
    weights_.add(name, std::move(shape), std::move(drawn));
  }
  void batch_norm(const std::string& name, int channels) {
    normal(name + ".weight", {channels}, 0.1, 1.0);
    normal(name + ".bias", {channels}, 0.1);
    normal(name + ".running_mean", {channels}, 0.1);
    normal(name + ".running_var", {channels}, 0.1, 1.0);
  }
  void upsampling(const std::string& name, int channels) {
    normal(name + ".weight", {channels, channels, 2, 2}, 1.0 / std::sqrt(channels));
    normal(name + ".bias", {channels}, 0.1);
  }
  void convolution(const std::string& name, int outputs, int inputs, int kernel) {
    const std::string prefix = "decode_head." + name;
    normal(prefix + ".conv.weight", {outputs, inputs, kernel, kernel},
           std::sqrt(2.0 / (inputs * kernel * kernel)));
    batch_norm(prefix + ".bn", outputs);
  }

 private:
  Weights& weights_;
  std::mt19937 random_{20180726};
};

}  // namespace

Weights random_segmenter(const DyvmConfig& c) {
  Weights weights;
  add_dense_backbone(weights, c, "backbone.");
  Layers layers(weights);
  const SegmentationHead& head = *c.segmentation;
  const int dim = c.embed_dim, width = head.width;
  layers.normal("backbone.norm_f.weight", {dim}, 0.1, 1.0);
  layers.upsampling("backbone.fpn1.0", dim);
  layers.batch_norm("backbone.fpn1.1", dim);
  layers.upsampling("backbone.fpn1.3", dim);
  layers.upsampling("backbone.fpn2.0", dim);
  const int pools = static_cast<int>(head.pool_scales.size());
  for (int b = 0; b < pools; ++b)
    layers.convolution("psp_modules." + std::to_string(b) + ".1", width, dim, 1);
  layers.convolution("bottleneck", width, dim + pools * width, 3);
  for (int level = 0; level < 3; ++level) {
    layers.convolution("lateral_convs." + std::to_string(level), width, dim, 1);
    layers.convolution("fpn_convs." + std::to_string(level), width, width, 3);
  }
  layers.convolution("fpn_bottleneck", width, 4 * width, 3);
  layers.normal("decode_head.conv_seg.weight", {c.classes, width, 1, 1}, 1.0 / std::sqrt(width));
  layers.normal("decode_head.conv_seg.bias", {c.classes}, 0.1);
  return weights;
}

}  // namespace winnow
