#include "model/detection/feature_pyramid.h"

#include <algorithm>

namespace winnow {

void FeaturePyramid::load(LayerReader& layers, int embed_dim, int width) {
  embed_dim_ = embed_dim;
  width_ = width;
  const std::string prefix = "backbone.simfp_";
  layers.read(finest_first_, prefix + "2.0", embed_dim / 2, embed_dim);
  layers.read(finest_norm_, prefix + "2.1", embed_dim / 2);
  layers.read(finest_second_, prefix + "2.3", embed_dim / 4, embed_dim / 2);
  layers.read(finer_, prefix + "3.0", embed_dim / 2, embed_dim);
  const struct {
    const char *narrow, *smooth;
    int inputs;
  } outlets[] = {{"2.4", "2.5", embed_dim / 4},
                 {"3.1", "3.2", embed_dim / 2},
                 {"4.0", "4.1", embed_dim},
                 {"5.1", "5.2", embed_dim}};
  for (std::size_t level = 0; level < std::size(outlets); ++level) {
    const auto& [narrow, smooth, inputs] = outlets[level];
    layers.read(outlets_[level].narrow, prefix + narrow, width, inputs, 1);
    layers.read(outlets_[level].smooth, prefix + smooth, width, width, 3);
  }
}

std::size_t FeaturePyramid::scratch_size(int grid) const {
  // Level 0: 4 grid^2 pixels of embed_dim / 2, then 16 grid^2 of embed_dim / 4, then of `width`.
  return 16ull * grid * grid * std::max(embed_dim_ / 4, width_);
}

void FeaturePyramid::leave(Backend& backend, Tensor x, const Outlet& outlet, Tensor between, Tensor out) {
  convolve_and_norm(backend, x, outlet.narrow, Activation::none, between);
  convolve_and_norm(backend, between, outlet.smooth, Activation::none, out);
}

void FeaturePyramid::run(Backend& backend, Tensor feature, const Pyramid& levels,
                         const Scratch& scratch) const {
  const auto& [first, second] = scratch;
  const int grid = feature.extent(1), dim = embed_dim_;

  const Tensor doubled = shaped(first, {1, 2 * grid, 2 * grid, dim / 2});
  const Tensor quadrupled = shaped(second, {1, 4 * grid, 4 * grid, dim / 4});
  backend.upsample(feature, *finest_first_, Activation::none, doubled);
  norm_map(backend, doubled, finest_norm_, Activation::gelu);
  backend.upsample(doubled, *finest_second_, Activation::none, quadrupled);
  leave(backend, quadrupled, outlets_[0], shaped(first, {1, 4 * grid, 4 * grid, width_}), levels[0]);

  backend.upsample(feature, *finer_, Activation::none, doubled);
  leave(backend, doubled, outlets_[1], shaped(second, {1, 2 * grid, 2 * grid, width_}), levels[1]);

  leave(backend, feature, outlets_[2], shaped(second, {1, grid, grid, width_}), levels[2]);

  const Tensor halved = shaped(first, {1, grid / 2, grid / 2, dim});
  backend.max_pool(feature, halved);
  leave(backend, halved, outlets_[3], shaped(second, {1, grid / 2, grid / 2, width_}), levels[3]);
  backend.subsample(levels[3], levels[4]);
}

}  // namespace winnow
