#include "train/segmentation/trained_convolution_head.h"

#include <algorithm>
#include <string>

namespace winnow::train {
namespace {

constexpr double kEpsilon = 1e-5;  // as kMapEpsilon of the head in inference

}  // namespace

TrainedConvolutionHead::TrainedConvolutionHead(const ConvolutionHeadSizes& sizes, ParameterTable& table,
                                               Operations& operations)
    : ops_(operations),
      maps_(operations),
      grid_(sizes.grid),
      dim_(sizes.dim),
      width_(sizes.width),
      classes_(sizes.classes),
      parts_(operations) {
  at_.begin = table.size();
  const auto add = [&](const std::string& name, const Weights::Shape& shape) {
    return table.add("head." + name, shape, at_.begin);
  };
  const auto add_norm = [&](const std::string& name, int channels) -> Norm {
    const std::size_t weight = add(name + ".weight", {channels});
    return {weight, add(name + ".bias", {channels})};
  };
  at_.norm = add_norm("norm", dim_);
  at_.project = add("project.weight", {dim_, width_, 2, 2});
  at_.shift = add("project.bias", {width_});
  at_.projected = add_norm("project.norm", width_);
  for (int i = 0; i < 2; ++i) {
    const std::string name = "smooth." + std::to_string(i);
    at_.smooth[i] = add(name + ".weight", {width_, width_, 3, 3});
    at_.smoothed[i] = add_norm(name + ".norm", width_);
  }
  at_.classes = add("classes.weight", {classes_, width_, 1, 1});
  at_.bias = add("classes.bias", {classes_});
  at_.size = table.size() - at_.begin;

  const MapShape small{grid_, grid_, dim_}, large{2 * grid_, 2 * grid_, width_};
  memories_.resize(ops_.threads());
  for (Memory& m : memories_) {
    m.normed.resize(small.size());
    m.d_normed.resize(small.size());
    for (AlignedFloats* map : {&m.input, &m.centred, &m.d_input, &m.d_map}) map->resize(large.size());
    m.products.resize(
        std::max(MapOperations::convolution_memory(large), MapOperations::upsampling_memory(small, width_)));
  }
  prepared_.resize(at_.size);
}

void TrainedConvolutionHead::prepare(const float* weights) {
  std::copy_n(weights + at_.begin, at_.size, prepared_.begin());
  MapOperations::prepare_upsampling(dim_, width_, weights + at_.begin + at_.project,
                                    prepared_.data() + at_.project);
  for (std::size_t smooth : at_.smooth)
    MapOperations::prepare_convolution(width_, width_, weights + at_.begin + smooth,
                                       prepared_.data() + smooth);
}

const float* TrainedConvolutionHead::before(int i, int image) const {
  return kept_[i].data() + offset(image, 4 * grid_ * grid_ * width_);
}

void TrainedConvolutionHead::activate(int i, const float* before, Memory& m) const {
  const float* w = prepared_.data();
  const Norm& norm = i == 0 ? at_.projected : at_.smoothed[i - 1];
  MapOperations::norm_channels(4 * grid_ * grid_, width_, before, w + norm.weight, w + norm.bias, kEpsilon,
                               m.centred.data());
  if (i == 0)
    ops_.gelu(m.centred.size(), m.centred.data(), m.input.data());
  else
    MapOperations::relu(m.centred.size(), m.centred.data(), m.input.data());
}

void TrainedConvolutionHead::forward(const std::vector<float>& weights, const float* map, int images) {
  prepare(weights.data());
  parts_.lay_out(images, at_.size);
  const MapShape small{grid_, grid_, dim_}, large{2 * grid_, 2 * grid_, width_};
  const int pixels = static_cast<int>(large.pixels());
  for (AlignedFloats& kept : kept_) fit(kept, images * large.size());
  fit(scores_, images * shape().size());
  const float* w = prepared_.data();
  parts_.run([&](ImageRange range, int, int thread) {
    Memory& m = memories_[thread];
    for (int b = range.first; b < range.last; ++b) {
      const auto kept = [&](int i) { return kept_[i].data() + b * large.size(); };
      MapOperations::norm_channels(grid_ * grid_, dim_, map + b * small.size(), w + at_.norm.weight,
                                   w + at_.norm.bias, kEpsilon, m.normed.data());
      maps_.upsample(small, width_, m.normed.data(), w + at_.project, w + at_.shift, kept(0),
                     m.products.data());
      for (int i = 0; i < 2; ++i) {
        activate(i, kept(i), m);
        maps_.convolve(large, width_, m.input.data(), w + at_.smooth[i], nullptr, kept(i + 1),
                       m.products.data());
      }
      activate(2, kept(2), m);
      ops_.linear({pixels, width_, classes_, width_}, m.input.data(), w + at_.classes, w + at_.bias, false,
                  scores_.data() + b * shape().size());
    }
  });
}

void TrainedConvolutionHead::image_backward(int image, const float* map, const float* d_scores, float* d_map,
                                            float* d, Memory& m) {
  const MapShape small{grid_, grid_, dim_}, large{2 * grid_, 2 * grid_, width_};
  const int pixels = static_cast<int>(large.pixels());
  const float* w = prepared_.data();
  const LinearShape last{pixels, width_, classes_, width_};
  activate(2, before(2, image), m);
  ops_.linear_weight_gradient(last, d_scores, m.input.data(), d + at_.classes, d + at_.bias);
  ops_.linear_input_gradient(last, d_scores, w + at_.classes, false, m.d_input.data());
  for (int i = 2; i >= 0; --i) {
    // From m.d_input, of what activate(i) made, to m.d_map, of what is before the norm.
    const Norm& norm = i == 0 ? at_.projected : at_.smoothed[i - 1];
    if (i == 0)
      ops_.gelu_gradient(large.size(), m.centred.data(), m.d_input.data(), m.d_input.data());
    else
      MapOperations::relu_gradient(large.size(), m.centred.data(), m.d_input.data(), m.d_input.data());
    std::fill(m.d_map.begin(), m.d_map.end(), 0.0f);
    MapOperations::norm_channels_gradient(pixels, width_, before(i, image), w + norm.weight, kEpsilon,
                                          m.d_input.data(), m.d_map.data(), d + norm.weight, d + norm.bias);
    if (i == 0) break;
    activate(i - 1, before(i - 1, image), m);
    std::fill(m.d_input.begin(), m.d_input.end(), 0.0f);
    maps_.convolve_gradient(large, width_, m.input.data(), w + at_.smooth[i - 1], m.d_map.data(),
                            m.d_input.data(), d + at_.smooth[i - 1], nullptr, m.products.data());
  }
  MapOperations::norm_channels(grid_ * grid_, dim_, map, w + at_.norm.weight, w + at_.norm.bias, kEpsilon,
                               m.normed.data());
  std::fill(m.d_normed.begin(), m.d_normed.end(), 0.0f);
  maps_.upsample_gradient(small, width_, m.normed.data(), w + at_.project, m.d_map.data(), m.d_normed.data(),
                          d + at_.project, d + at_.shift, m.products.data());
  std::fill_n(d_map, small.size(), 0.0f);
  MapOperations::norm_channels_gradient(grid_ * grid_, dim_, map, w + at_.norm.weight, kEpsilon,
                                        m.d_normed.data(), d_map, d + at_.norm.weight, d + at_.norm.bias);
}

void TrainedConvolutionHead::backward(const float* map, const AlignedFloats& d_scores, AlignedFloats& d_map,
                                      std::vector<float>& gradients) {
  const std::size_t size = offset(grid_ * grid_, dim_);
  const std::size_t images = scores_.size() / shape().size();
  fit(d_map, images * size);
  parts_.clear(at_.size);
  parts_.run([&](ImageRange range, int index, int thread) {
    for (int b = range.first; b < range.last; ++b)
      image_backward(b, map + b * size, d_scores.data() + b * shape().size(), d_map.data() + b * size,
                     parts_.partial(index), memories_[thread]);
  });
  const float* sum = parts_.add_up(at_.size);
  float* out = gradients.data() + at_.begin;
  std::copy_n(sum, at_.size, out);
  std::fill_n(out + at_.project, offset(4 * dim_, width_), 0.0f);
  MapOperations::finish_upsampling(dim_, width_, sum + at_.project, out + at_.project);
  for (std::size_t smooth : at_.smooth) {
    std::fill_n(out + smooth, offset(9 * width_, width_), 0.0f);
    MapOperations::finish_convolution(width_, width_, sum + smooth, out + smooth);
  }
}

std::size_t TrainedConvolutionHead::bytes() const {
  std::size_t floats = prepared_.capacity() + scores_.capacity();
  for (const AlignedFloats& kept : kept_) floats += kept.capacity();
  for (const Memory& m : memories_)
    floats += m.normed.size() + m.d_normed.size() + m.input.size() + m.centred.size() + m.d_input.size() +
              m.d_map.size() + m.products.size();
  return floats * sizeof(float) + parts_.bytes();
}

}  // namespace winnow::train
