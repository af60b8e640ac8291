#include "bench/random_detector.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "bench/random_model.h"
#include "model/detection/proposals.h"

namespace winnow {
namespace {

class Heads {
 public:
  explicit Heads(Weights& weights) : weights_(weights) {}

  void constant(const std::string& name, int count, float value) {
    weights_.add(name, {count}, std::vector<float>(count, value));
  }
  void normal(const std::string& name, Weights::Shape shape, double deviation) {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::normal_distribution<float> values(0.0f, static_cast<float>(deviation));
    std::vector<float> drawn(count);
    for (float& value : drawn) value = values(random_);
    weights_.add(name, std::move(shape), std::move(drawn));
  }
  void norm(const std::string& name, int channels) {
    constant(name + ".weight", channels, 1.0f);
    constant(name + ".bias", channels, 0.0f);
  }
  void upsampling(const std::string& name, int outputs, int inputs) {
    normal(name + ".weight", {inputs, outputs, 2, 2}, 1.0 / std::sqrt(inputs));
    constant(name + ".bias", outputs, 0.0f);
  }
  void convolution(const std::string& name, int outputs, int inputs, int kernel, double gain = 1.0) {
    normal(name + ".weight", {outputs, inputs, kernel, kernel}, gain / std::sqrt(inputs * kernel * kernel));
    constant(name + ".bias", outputs, 0.0f);
  }
  void normed(const std::string& name, int outputs, int inputs, int kernel) {
    normal(name + ".weight", {outputs, inputs, kernel, kernel}, 1.0 / std::sqrt(inputs * kernel * kernel));
    norm(name + ".norm", outputs);
  }
  void linear(const std::string& name, int outputs, int inputs, double gain) {
    normal(name + ".weight", {outputs, inputs}, gain / std::sqrt(inputs));
    constant(name + ".bias", outputs, 0.0f);
  }

 private:
  Weights& weights_;
  std::mt19937 random_{20240625};
};

void add_pyramid(Heads& h, int dim, int width) {
  const std::string prefix = "backbone.simfp_";
  h.upsampling(prefix + "2.0", dim / 2, dim);
  h.norm(prefix + "2.1", dim / 2);
  h.upsampling(prefix + "2.3", dim / 4, dim / 2);
  h.upsampling(prefix + "3.0", dim / 2, dim);
  h.normed(prefix + "2.4", width, dim / 4, 1);
  h.normed(prefix + "3.1", width, dim / 2, 1);
  h.normed(prefix + "4.0", width, dim, 1);
  h.normed(prefix + "5.1", width, dim, 1);
  for (const char* smooth : {"2.5", "3.2", "4.1", "5.2"}) h.normed(prefix + smooth, width, width, 3);
}

void add_box_stage(Heads& h, const DetectionHead& head, const std::string& number, int classes) {
  const std::string box = "roi_heads.box_head." + number, predictor = "roi_heads.box_predictor." + number;
  for (int layer = 1; layer <= 4; ++layer)
    h.normed(box + "conv" + std::to_string(layer), head.width, head.width, 3);
  h.linear(box + "fc1", head.box_width, 49 * head.width, 1.0);
  h.linear(predictor + "cls_score", classes + 1, head.box_width, 4.0);
  h.linear(predictor + "bbox_pred", head.box_per_class ? 4 * classes : 4, head.box_width, 1.0);
}

}  // namespace

Weights random_detector(const DyvmConfig& config) {
  const DetectionHead& head = *config.detection;
  const int width = head.width;
  Weights weights;
  add_dense_backbone(weights, config, "backbone.net.");
  Heads h(weights);
  add_pyramid(h, config.embed_dim, width);

  const std::string proposals = "proposal_generator.rpn_head.";
  h.convolution(proposals + "conv.conv0", width, width, 3);
  h.convolution(proposals + "conv.conv1", width, width, 3);
  h.convolution(proposals + "objectness_logits", kAnchors, width, 1);
  h.convolution(proposals + "anchor_deltas", 4 * kAnchors, width, 1, 0.2);

  for (int stage = 0; stage < head.stages; ++stage)
    add_box_stage(h, head, head.stages > 1 ? std::to_string(stage) + "." : std::string(), config.classes);

  const std::string masks = "roi_heads.mask_head.";
  for (int layer = 1; layer <= 4; ++layer)
    h.normed(masks + "mask_fcn" + std::to_string(layer), width, width, 3);
  h.upsampling(masks + "deconv", width, width);
  h.convolution(masks + "predictor", config.classes, width, 1);
  return weights;
}

}  // namespace winnow
