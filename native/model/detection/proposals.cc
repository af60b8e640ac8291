#include "model/detection/proposals.h"

#include <algorithm>
#include <cmath>

#include "model/detection/nms.h"

namespace winnow {
namespace {

constexpr float kOverlap = 0.7f;
constexpr float kShapes[kAnchors] = {0.5f, 1.0f, 2.0f};  // height over width
constexpr CorrectionWeights kWeights{1.0f, 1.0f};

}  // namespace

Box anchor(int y, int x, int stride, float size, int shape) {
  const double width = std::sqrt(static_cast<double>(size) * size / kShapes[shape]);
  const double height = kShapes[shape] * width;
  const float right = static_cast<float>(0.5 * width), bottom = static_cast<float>(0.5 * height);
  const float centre_x = static_cast<float>(x * stride), centre_y = static_cast<float>(y * stride);
  return {centre_x - right, centre_y - bottom, centre_x + right, centre_y + bottom};
}

void ProposalSelection::start(PictureSize picture) {
  picture_ = picture;
  proposals_.clear();
}

void ProposalSelection::add_level(const float* outputs, int height, int width, int stride, float size) {
  const auto cell = [&](int index) {
    return outputs + static_cast<std::size_t>(index / kAnchors) * kAnchorOutputs;
  };
  const auto logit = [&](int index) { return cell(index)[index % kAnchors]; };
  order_.clear();
  for (int index = 0; index < height * width * kAnchors; ++index)
    if (std::isfinite(logit(index))) order_.push_back(index);
  const auto better = [&](int a, int b) { return logit(a) > logit(b) || (logit(a) == logit(b) && a < b); };
  if (order_.size() > kMostProposals) {
    std::nth_element(order_.begin(), order_.begin() + kMostProposals, order_.end(), better);
    order_.resize(kMostProposals);
  }
  std::sort(order_.begin(), order_.end(), better);

  boxes_.clear();
  logits_.clear();
  for (int index : order_) {
    const int shape = index % kAnchors, at = index / kAnchors;
    const Box from = anchor(at / width, at % width, stride, size, shape);
    const Box box = correct(from, cell(index) + kAnchors + 4 * shape, kWeights);
    if (!is_finite(box)) continue;
    const Box inside = clip(box, picture_);
    if (inside.empty()) continue;
    boxes_.push_back(inside);
    logits_.push_back(logit(index));
  }
  for (int i : non_maximum_suppression(rows(boxes_), logits_, kOverlap))
    proposals_.push_back({boxes_[i], logits_[i]});
}

std::span<const Proposal> ProposalSelection::finish() {
  std::stable_sort(proposals_.begin(), proposals_.end(),
                   [](const Proposal& a, const Proposal& b) { return a.logit > b.logit; });
  if (proposals_.size() > kMostProposals) proposals_.resize(kMostProposals);
  return proposals_;
}

}  // namespace winnow
