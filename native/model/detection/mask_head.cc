#include "model/detection/mask_head.h"

#include <algorithm>
#include <cmath>

#include "model/detection/feature_pyramid.h"

namespace winnow {
namespace {

constexpr int kBatch = 16;  // boxes: bounds the memory of a run
constexpr int kSide = kMaskSide / 2;
constexpr int kCells = kMaskSide * kMaskSide;

}  // namespace

void MaskHead::load(LayerReader& layers, int width, int classes) {
  width_ = width;
  classes_ = classes;
  const std::string prefix = "roi_heads.mask_head.";
  for (int layer = 0; layer < 4; ++layer)
    layers.read(convolutions_[layer], prefix + "mask_fcn" + std::to_string(layer + 1), width, width, 3);
  layers.read(upsampling_, prefix + "deconv", width, width);
  layers.read(predict_, prefix + "predictor", classes, width, 1);
}

std::size_t MaskHead::scratch_size() const {
  return static_cast<std::size_t>(kBatch) * kCells * std::max(width_, classes_);
}

Status MaskHead::run(Backend& backend, std::span<const Tensor> levels, std::span<const ScoredBox> boxes,
                     const Scratch& scratch, std::vector<float>& probabilities) {
  const int all = static_cast<int>(boxes.size());
  probabilities.resize(static_cast<std::size_t>(all) * kCells);
  float* probability = probabilities.data();
  for (int begin = 0; begin < all; begin += kBatch) {
    const int count = std::min(kBatch, all - begin);
    aligned_.clear();
    levels_.clear();
    for (const ScoredBox& found : boxes.subspan(begin, count)) {
      aligned_.push_back(found.box);
      levels_.push_back(level_of(found.box));
    }
    Tensor from = shaped(scratch.first, {count, kSide, kSide, width_});
    Tensor to = shaped(scratch.second, {count, kSide, kSide, width_});
    backend.roi_align(levels, kPyramidStrides, rows(aligned_).data(), levels_.data(), count, from);
    for (const NormedConvolution& layer : convolutions_) {
      convolve_and_norm(backend, from, layer, Activation::relu, to);
      std::swap(from, to);
    }
    const Tensor doubled = shaped(to, {count, kMaskSide, kMaskSide, width_});
    const Tensor logits = shaped(from, {count, kMaskSide, kMaskSide, classes_});
    backend.upsample(from, *upsampling_, Activation::relu, doubled);
    backend.convolve(doubled, *predict_, Activation::none, logits);
    logits_.resize(std::max(logits_.size(), logits.size()));
    backend.read(logits_.data(), logits.data(), logits.size() * sizeof(float));
    if (const Status done = backend.wait(); !done) return done;
    const float* cell = logits_.data();
    for (const ScoredBox& found : boxes.subspan(begin, count))
      for (int i = 0; i < kCells; ++i, cell += classes_)
        *probability++ = 1.0f / (1.0f + std::exp(-cell[found.class_index]));
  }
  return ok();
}

}  // namespace winnow
