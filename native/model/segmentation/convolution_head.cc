#include "model/segmentation/convolution_head.h"

#include <array>
#include <vector>

namespace winnow {

void ConvolutionHead::load(TensorReader& read) {
  const int dim = config_.embed_dim;
  const auto keep = [&](auto& place, auto made) {
    if (made)
      place = std::move(*made);
    else
      read.status = made.error();
  };
  struct Vector {
    float** place;
    const float* values;
    int length;
  };
  std::vector<Vector> vectors;
  const auto read_norm = [&](const std::string& name, int channels, Norm& place) {
    vectors.push_back({&place.weight, read("head." + name + ".weight", {channels}), channels});
    vectors.push_back({&place.bias, read("head." + name + ".bias", {channels}), channels});
  };
  read_norm("norm", dim, first_);
  const float *projection = read("head.project.weight", {dim, width_, 2, 2}),
              *shift = read("head.project.bias", {width_});
  if (read.status) keep(projection_, backend_.make_upsampling(projection, shift, dim, width_));
  read_norm("project.norm", width_, projected_);
  for (int i = 0; i < 2; ++i) {
    const std::string name = "smooth." + std::to_string(i);
    const float* weight = read("head." + name + ".weight", {width_, width_, 3, 3});
    if (read.status) keep(smooth_[i], backend_.make_convolution(weight, nullptr, width_, width_, 3));
    read_norm(name + ".norm", width_, smoothed_[i]);
  }
  const float *weight = read("head.classes.weight", {config_.classes, width_, 1, 1}),
              *bias = read("head.classes.bias", {config_.classes});
  if (read.status) keep(classes_, backend_.make_convolution(weight, bias, config_.classes, width_, 1));
  if (!read.status) return;
  read.status = constants_.lay_out([&] {
    for (const Vector& vector : vectors) *vector.place = constants_.take<float>({vector.length}).data();
  });
  for (const Vector& vector : vectors)
    if (read.status) backend_.write(*vector.place, vector.values, vector.length * sizeof(float));
}

void ConvolutionHead::plan(Workspace& workspace) {
  const int grid = config_.grid();
  normed_ = workspace.take<float>({1, grid, grid, config_.embed_dim});
  map_ = workspace.take<float>({1, 2 * grid, 2 * grid, width_});
  other_ = workspace.take<float>({1, 2 * grid, 2 * grid, width_});
}

void ConvolutionHead::run(const std::vector<Tensor>& features, Tensor scores) {
  norm(features[0], first_, Activation::none, normed_);
  backend_.upsample(normed_, *projection_, Activation::none, map_);
  norm(map_, projected_, Activation::gelu, map_);
  for (int i = 0; i < 2; ++i) {
    backend_.convolve(map_, *smooth_[i], Activation::none, other_);
    norm(other_, smoothed_[i], Activation::relu, map_);
  }
  backend_.convolve(map_, *classes_, Activation::none, scores);
}

}  // namespace winnow
