#include "model/detection/box_head.h"

#include <algorithm>
#include <cmath>

#include "model/detection/feature_pyramid.h"

namespace winnow {
namespace {

constexpr int kBatch = 512;  // proposals: bounds the memory of a run; fewer read the weights more often
// Proposals of a batch that go through the fully connected layers together. Every batch is filled up to a
// multiple of it, so that whatever the number of proposals is, a backend sees few shapes.
constexpr int kTogether = 128;
static_assert(kBatch % kTogether == 0);
constexpr int kSide = 7;  // of an aligned region, in cells

constexpr CorrectionWeights kWeights[] = {{10, 5}, {20, 10}, {30, 15}};  // of the stages

// Adds softmax(logits) / stages.
void add_probabilities(const float* logits, int count, int stages, float* sum) {
  const float largest = *std::max_element(logits, logits + count);
  float total = 0.0f;
  for (int i = 0; i < count; ++i) total += std::exp(logits[i] - largest);
  const float scale = 1.0f / (total * static_cast<float>(stages));
  for (int i = 0; i < count; ++i) sum[i] += std::exp(logits[i] - largest) * scale;
}

}  // namespace

void BoxHead::load(LayerReader& layers, const MaskRcnnHead& head, int classes) {
  width_ = head.width;
  hidden_width_ = head.box_width;
  classes_ = classes;
  per_class_ = head.box_per_class;
  stages_.resize(head.stages);
  for (int i = 0; i < head.stages; ++i) {
    Stage& stage = stages_[i];
    const std::string number = head.stages > 1 ? std::to_string(i) + "." : std::string();
    const std::string prefix = "roi_heads.box_head." + number;
    const std::string predictor = "roi_heads.box_predictor." + number;
    for (int layer = 0; layer < 4; ++layer)
      layers.read(stage.convolutions[layer], prefix + "conv" + std::to_string(layer + 1), width_, width_, 3);
    layers.read_over_map(stage.hidden, prefix + "fc1", hidden_width_, width_, kSide);
    layers.read(stage.classes, predictor + "cls_score", classes + 1, hidden_width_);
    layers.read(stage.corrections, predictor + "bbox_pred", per_class_ ? 4 * classes : 4, hidden_width_);
    stage.weights = kWeights[i];
  }
}

std::size_t BoxHead::scratch_size() const {
  return static_cast<std::size_t>(kBatch) * kSide * kSide * width_;
}

void BoxHead::plan(Workspace& workspace) {
  hidden_ = workspace.take<float>({kBatch, hidden_width_});
  class_logits_ = workspace.take<float>({kBatch, classes_ + 1});
  box_corrections_ = workspace.take<float>({kBatch, per_class_ ? 4 * classes_ : 4});
}

Status BoxHead::predict(Backend& backend, const Stage& stage, std::span<const Tensor> levels,
                        std::span<const Box> boxes, const Scratch& scratch) {
  const int count = static_cast<int>(boxes.size());
  aligned_.clear();
  levels_.clear();
  for (const Box& box : boxes) {
    aligned_.push_back(is_finite(box) ? box : Box());
    levels_.push_back(level_of(box));
  }
  Tensor from = shaped(scratch.first, {count, kSide, kSide, width_});
  Tensor to = shaped(scratch.second, {count, kSide, kSide, width_});
  backend.roi_align(levels, kPyramidStrides, rows(aligned_).data(), levels_.data(), count, from);
  for (const NormedConvolution& layer : stage.convolutions) {
    convolve_and_norm(backend, from, layer, Activation::relu, to);
    std::swap(from, to);
  }
  const int groups = (count + kTogether - 1) / kTogether;
  const Tensor hidden = shaped(hidden_, {groups, 1, kTogether, hidden_width_});
  backend.convolve(shaped(from, {groups, 1, kTogether, kSide * kSide * width_}), *stage.hidden,
                   Activation::relu, hidden);
  const Tensor vectors = shaped(hidden, {groups * kTogether, hidden_width_});
  const auto apply = [&](const Linear& layer, Tensor place, std::vector<float>& host) {
    const Tensor out = shaped(place, {groups * kTogether, layer.outputs});
    backend.linear(vectors, layer, Activation::none, out);
    host.resize(static_cast<std::size_t>(count) * layer.outputs);
    backend.read(host.data(), out.data(), host.size() * sizeof(float));
  };
  apply(*stage.classes, class_logits_, logits_);
  apply(*stage.corrections, box_corrections_, corrections_);
  return backend.wait();
}

Status BoxHead::run(Backend& backend, std::span<const Tensor> levels, std::span<const Proposal> proposals,
                    PictureSize picture, const DynamicOptions& dynamic, const Scratch& scratch,
                    ClassifiedBoxes& result) {
  const int all = static_cast<int>(proposals.size()), outputs = classes_ + 1;
  const int boxes = per_class_ ? classes_ : 1;  // of a proposal
  result.proposals = all;
  result.scores.assign(static_cast<std::size_t>(all) * outputs, 0.0f);
  result.boxes.resize(static_cast<std::size_t>(all) * boxes);
  proposals_.clear();
  for (const Proposal& proposal : proposals) proposals_.push_back(proposal.box);
  for (const Stage& stage : stages_) {
    if (&stage != stages_.data()) proposals_ = result.boxes;
    for (int begin = 0; begin < all; begin += kBatch) {
      if (dynamic.cancelled()) return Error{ErrorCode::cancelled, "The prediction was cancelled."};
      const std::span batch(proposals_.data() + begin, std::min(kBatch, all - begin));
      if (const Status done = predict(backend, stage, levels, batch, scratch); !done) return done;
      float* score = result.scores.data() + static_cast<std::size_t>(begin) * outputs;
      Box* box = result.boxes.data() + static_cast<std::size_t>(begin) * boxes;
      const float *logits = logits_.data(), *correction = corrections_.data();
      for (const Box& proposal : batch) {
        add_probabilities(logits, outputs, static_cast<int>(stages_.size()), score);
        for (int i = 0; i < boxes; ++i, correction += 4) {
          const Box moved = correct(proposal, correction, stage.weights);
          *box++ = is_finite(moved) ? clip(moved, picture) : moved;
        }
        logits += outputs;
        score += outputs;
      }
    }
  }
  return ok();
}

}  // namespace winnow
