#include "model/segmentation/uper_net.h"

#include <algorithm>
#include <cmath>

namespace winnow {
namespace {

constexpr double kBatchNormEpsilon = 1e-5;
constexpr int kTaps = 9;  // of a 3 x 3 convolution

// By what a batch normalisation in evaluation multiplies each channel, and what it then adds.
struct BatchNorm {
  BatchNorm(TensorReader& read, const std::string& name, int channels) : scale(channels), shift(channels) {
    const float* weight = read(name + ".weight", {channels});
    const float* bias = read(name + ".bias", {channels});
    const float* mean = read(name + ".running_mean", {channels});
    const float* variance = read(name + ".running_var", {channels});
    for (int c = 0; c < channels && read.status; ++c) {
      scale[c] = weight[c] / std::sqrt(variance[c] + kBatchNormEpsilon);
      shift[c] = bias[c] - mean[c] * scale[c];
    }
  }
  std::vector<double> scale, shift;
};

}  // namespace

UperNet::UperNet(const DyvmConfig& config, Backend& backend)
    : config_(config), backend_(backend), dim_(config.embed_dim), width_(config.segmentation->width) {}

template <typename Layer>
void UperNet::keep(TensorReader& read, std::unique_ptr<Layer>& place, Result<std::unique_ptr<Layer>> made) {
  if (made)
    place = std::move(*made);
  else
    read.status = made.error();
}

UperNet::Folded UperNet::fold(TensorReader& read, const std::string& name, int inputs, int kernel) {
  const float* weight = read("decode_head." + name + ".conv.weight", {width_, inputs, kernel, kernel});
  const BatchNorm norm(read, "decode_head." + name + ".bn", width_);
  if (!read.status) return {};
  const std::size_t each = static_cast<std::size_t>(inputs) * kernel * kernel;
  Folded folded{std::vector<float>(width_ * each), std::vector<float>(width_)};
  for (int o = 0; o < width_; ++o) {
    for (std::size_t i = 0; i < each; ++i)
      folded.weight[o * each + i] = static_cast<float>(weight[o * each + i] * norm.scale[o]);
    folded.bias[o] = static_cast<float>(norm.shift[o]);
  }
  return folded;
}

void UperNet::read_convolution(TensorReader& read, std::unique_ptr<Convolution>& place,
                               const std::string& name, int inputs, int kernel) {
  const Folded folded = fold(read, name, inputs, kernel);
  if (read.status)
    keep(read, place,
         backend_.make_convolution(folded.weight.data(), folded.bias.data(), width_, inputs, kernel));
}

void UperNet::read_joint(TensorReader& read, Joint& place, const std::string& name,
                         const std::vector<int>& inputs) {
  int all = 0;
  for (int count : inputs) all += count;
  const Folded folded = fold(read, name, all, 3);
  int begin = 0;
  for (std::size_t map = 0; map < inputs.size() && read.status; begin += inputs[map++]) {
    const int count = inputs[map];
    std::vector<float> weight(static_cast<std::size_t>(width_) * count * kTaps);
    for (int o = 0; o < width_; ++o)
      for (int c = 0; c < count; ++c)
        for (int tap = 0; tap < kTaps; ++tap) {
          const float value = folded.weight[(static_cast<std::size_t>(o) * all + begin + c) * kTaps + tap];
          const std::size_t at = map == 0 ? (static_cast<std::size_t>(o) * count + c) * kTaps + tap
                                          : (static_cast<std::size_t>(tap) * width_ + o) * count + c;
          weight[at] = value;
        }
    if (map == 0)
      keep(read, place.first, backend_.make_convolution(weight.data(), folded.bias.data(), width_, count, 3));
    else
      keep(read, place.taps.emplace_back(),
           backend_.make_convolution(weight.data(), nullptr, kTaps * width_, count, 1));
  }
}

void UperNet::read_pyramid(TensorReader& read) {
  const auto upsampling = [&](std::unique_ptr<Upsampling>& place, const std::string& name,
                              const BatchNorm* norm) {
    const float* weight = read("backbone." + name + ".weight", {dim_, dim_, 2, 2});
    const float* bias = read("backbone." + name + ".bias", {dim_});
    if (!read.status) return;
    std::vector<float> folded(weight, weight + 4ull * dim_ * dim_), shift(bias, bias + dim_);
    for (int o = 0; norm != nullptr && o < dim_; ++o) {
      for (int c = 0; c < dim_; ++c)
        for (int i = 0; i < 4; ++i) {
          float& value = folded[(static_cast<std::size_t>(c) * dim_ + o) * 4 + i];
          value = static_cast<float>(value * norm->scale[o]);
        }
      shift[o] = static_cast<float>(shift[o] * norm->scale[o] + norm->shift[o]);
    }
    keep(read, place, backend_.make_upsampling(folded.data(), shift.data(), dim_, dim_));
  };
  const BatchNorm norm(read, "backbone.fpn1.1", dim_);
  upsampling(finest_first_, "fpn1.0", &norm);
  upsampling(finest_second_, "fpn1.3", nullptr);
  upsampling(finer_, "fpn2.0", nullptr);
}

void UperNet::load(TensorReader& read) {
  const SegmentationHead& head = *config_.segmentation;
  read("backbone.norm_f.weight", {dim_});  // in every checkpoint, and of no effect
  read_pyramid(read);
  std::vector<int> inputs = {dim_};
  pooled_.resize(head.pool_scales.size());
  for (std::size_t b = 0; b < pooled_.size(); ++b) {
    read_convolution(read, pooled_[b], "psp_modules." + std::to_string(b) + ".1", dim_, 1);
    inputs.push_back(width_);
  }
  read_joint(read, pooling_bottleneck_, "bottleneck", inputs);
  for (int level = 0; level < 3; ++level) {
    read_convolution(read, laterals_[level], "lateral_convs." + std::to_string(level), dim_, 1);
    read_convolution(read, smooth_[level], "fpn_convs." + std::to_string(level), width_, 3);
  }
  read_joint(read, bottleneck_, "fpn_bottleneck", {width_, width_, width_, width_});
  const float* weight = read("decode_head.conv_seg.weight", {config_.classes, width_, 1, 1});
  const float* bias = read("decode_head.conv_seg.bias", {config_.classes});
  if (read.status)
    keep(read, classifier_, backend_.make_convolution(weight, bias, config_.classes, width_, 1));
}

void UperNet::plan(Workspace& workspace) {
  const int grid = config_.grid();
  const int sides[] = {4 * grid, 2 * grid, grid, grid / 2};
  const auto take = [&](int side, int channels) { return workspace.take<float>({1, side, side, channels}); };
  for (int level = 0; level < 4; ++level) {
    if (level != 2) pyramid_[level] = take(sides[level], dim_);
    merged_[level] = take(sides[level], width_);
    if (level < 3) smoothed_[level] = take(sides[level], width_);
  }
  between_ = take(2 * grid, dim_);
  joined_ = take(4 * grid, width_);
  pools_.clear();
  branches_.clear();
  int largest = 2 * grid;  // of the maps whose taps are taken
  for (const int scale : config_.segmentation->pool_scales) {
    pools_.push_back(take(scale, dim_));
    branches_.push_back(take(scale, width_));
    largest = std::max(largest, scale);
  }
  taps_ = take(largest, kTaps * width_);
}

void UperNet::run_joint(const Joint& joint, std::span<const Tensor> maps, Tensor out) {
  backend_.convolve(maps[0], *joint.first, Activation::none, out);
  for (std::size_t i = 0; i < joint.taps.size(); ++i) {
    const Tensor taps = shaped(taps_, maps[i + 1].extent(1), kTaps * width_);
    backend_.convolve(maps[i + 1], *joint.taps[i], Activation::none, taps);
    const bool last = i + 1 == joint.taps.size();
    backend_.add_resized_taps(taps, last ? Activation::relu : Activation::none, out);
  }
}

void UperNet::run(const std::vector<Tensor>& features, Tensor scores) {
  backend_.upsample(features[0], *finest_first_, Activation::gelu, between_);
  backend_.upsample(between_, *finest_second_, Activation::none, pyramid_[0]);
  backend_.upsample(features[1], *finer_, Activation::none, pyramid_[1]);
  pyramid_[2] = features[2];
  backend_.max_pool(features[3], pyramid_[3]);

  std::vector<Tensor> maps = {pyramid_[3]};
  for (std::size_t b = 0; b < pooled_.size(); ++b) {
    backend_.average_pool(pyramid_[3], pools_[b]);
    backend_.convolve(pools_[b], *pooled_[b], Activation::relu, branches_[b]);
    maps.push_back(branches_[b]);
  }
  run_joint(pooling_bottleneck_, maps, merged_[3]);

  for (int level = 2; level >= 0; --level) {
    backend_.convolve(pyramid_[level], *laterals_[level], Activation::relu, merged_[level]);
    backend_.resize_map(merged_[level + 1], merged_[level], /*add=*/true);
  }
  for (int level = 0; level < 3; ++level)
    backend_.convolve(merged_[level], *smooth_[level], Activation::relu, smoothed_[level]);
  smoothed_[3] = merged_[3];
  run_joint(bottleneck_, smoothed_, joined_);
  backend_.convolve(joined_, *classifier_, Activation::none, scores);
}

}  // namespace winnow
