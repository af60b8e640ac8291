#include "model/detection/proposal_network.h"

#include <algorithm>

namespace winnow {
namespace {

constexpr float kAnchorSizes[kPyramidLevels] = {32, 64, 128, 256, 512};

}  // namespace

void ProposalNetwork::load(LayerReader& layers, int width) {
  width_ = width;
  const std::string prefix = "proposal_generator.rpn_head.";
  layers.read(first_, prefix + "conv.conv0", width, width, 3);
  layers.read(second_, prefix + "conv.conv1", width, width, 3);

  std::vector<float> weight, bias;
  const std::pair<const char*, int> outputs[] = {{"objectness_logits", kAnchors},
                                                 {"anchor_deltas", 4 * kAnchors}};
  for (const auto& [name, count] : outputs) {
    const float* rows = layers.tensor(prefix + name + ".weight", {count, width, 1, 1});
    const float* offsets = layers.tensor(prefix + name + ".bias", {count});
    if (!layers.good()) return;
    weight.insert(weight.end(), rows, rows + count * width);
    bias.insert(bias.end(), offsets, offsets + count);
  }
  layers.make_linear(predict_, weight.data(), bias.data(), kAnchorOutputs, width);
}

Result<std::span<const Proposal>> ProposalNetwork::run(Backend& backend, const Pyramid& levels,
                                                       PictureSize picture, const Scratch& scratch,
                                                       Tensor outputs) {
  selection_.start(picture);
  for (int level = 0; level < kPyramidLevels; ++level) {
    const int height = levels[level].extent(1), width = levels[level].extent(2);
    const Tensor first = shaped(scratch.first, {1, height, width, width_});
    const Tensor second = shaped(scratch.second, {1, height, width, width_});
    const Tensor predicted = shaped(outputs, {1, height * width, kAnchorOutputs});
    backend.convolve(levels[level], *first_, Activation::relu, first);
    backend.convolve(first, *second_, Activation::relu, second);
    backend.linear(shaped(second, {1, height * width, width_}), *predict_, Activation::none, predicted);
    host_.resize(std::max(host_.size(), predicted.size()));
    backend.read(host_.data(), predicted.data(), predicted.size() * sizeof(float));
    if (const Status done = backend.wait(); !done) return done.error();
    selection_.add_level(host_.data(), height, width, kPyramidStrides[level], kAnchorSizes[level]);
  }
  return selection_.finish();
}

}  // namespace winnow
