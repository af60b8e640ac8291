#include "bench/random_weights.h"

#include <cmath>
#include <cstdint>
#include <random>

#include "engine/engine.h"
#include "model/dense_backbone.h"
#include "model/detection/detector.h"
#include "model/segmentation/segmenter.h"

namespace winnow {
namespace {

// How the values of a tensor are drawn.
struct Draw {
  double mean, deviation;
};

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

// What weights are multiplied by beside 1 / sqrt(inputs).
double gain(const std::string& name) {
  if (has(name, "out_proj.weight")) return 0.5;
  if (has(name, "cls_score")) return 4.0;                // a class is preferred where nothing was learnt
  if (has(name, "anchor_deltas")) return 0.2;            // boxes stay near their anchors
  if (has(name, ".conv.weight")) return std::sqrt(2.0);  // of segmentation, with ReLU behind it
  return 1.0;
}

Draw draw_of(const std::string& name, const Weights::Shape& shape, bool segments) {
  if (name.ends_with("cls_token")) return {0.0, 0.5};
  if (has(name, "pos_embed")) return {0.0, 0.1};
  if (name.ends_with(".D") || name.ends_with(".D_b")) return {1.0, 0.0};
  if (name.ends_with(".running_mean")) return {0.0, 0.1};
  if (name.ends_with(".running_var")) return {1.0, 0.1};
  const bool in_head = segments && !has(name, ".layers.") && !has(name, "patch_embed") &&
                       !has(name, "score_predictors");  // whose norms and biases count
  if (name.ends_with(".bias")) return {0.0, has(name, "conv1d") || in_head ? 0.1 : 0.0};
  if (shape.size() == 1) return {1.0, in_head ? 0.1 : 0.0};    // of a norm
  const bool transposed = shape.size() == 4 && shape[2] == 2;  // [in, out, 2, 2]
  std::int64_t inputs = transposed ? shape[0] : 1;
  for (std::size_t axis = 1; !transposed && axis < shape.size(); ++axis) inputs *= shape[axis];
  return {0.0, gain(name) / std::sqrt(static_cast<double>(inputs))};
}

// Mamba's own initialisation (arXiv 2312.00752, section 3.6): A = -(1..N), step sizes log-uniform in 0.001 to
// 0.1.
std::vector<float> draw(std::mt19937& random, const std::string& name, const Weights::Shape& shape,
                        bool segments) {
  std::size_t count = 1;
  for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  std::vector<float> values(count);
  if (has(name, "dt_proj") && name.ends_with(".bias")) {
    std::uniform_real_distribution<double> steps(std::log(0.001), std::log(0.1));
    for (float& value : values) value = static_cast<float>(std::log(std::expm1(std::exp(steps(random)))));
  } else if (name.ends_with("_log")) {
    for (std::size_t i = 0; i < count; ++i)
      values[i] = std::log(static_cast<float>(static_cast<std::int64_t>(i) % shape[1] + 1));
  } else {
    const Draw drawn = draw_of(name, shape, segments);
    std::normal_distribution<float> normal(static_cast<float>(drawn.mean),
                                           static_cast<float>(drawn.deviation));
    for (float& value : values)
      value = drawn.deviation == 0.0 ? static_cast<float>(drawn.mean) : normal(random);
  }
  return values;
}

// The tensors that `load` asks for.
template <typename Load>
Weights asked_by(const DyvmConfig& config, Load load) {
  std::mt19937 random{20250404};
  Weights weights = Weights::made_by([&](const std::string& name, const Weights::Shape& shape) {
    return draw(random, name, shape, config.segmentation.has_value());
  });
  const auto backend = make_backend("reference", 1);
  load(weights, **backend);
  weights.make_no_more();
  return weights;
}

}  // namespace

Weights random_tensors(const DyvmConfig& config) {
  return asked_by(config, [&](Weights& weights, Backend& backend) {
    if (config.segmentation) {
      (void)Segmenter::create(config, weights, backend);
      if (config.segmentation->kind == SegmentationHead::Kind::uper_net)
        weights.add("backbone.norm_f.weight", {config.embed_dim}, std::vector<float>(config.embed_dim, 1.0f));
    } else if (config.detection) {
      (void)Detector::create(config, weights, backend);
    } else {
      (void)DyvmModel::create(config, weights, backend);
    }
  });
}

Weights random_backbone(const DyvmConfig& config, const std::string& prefix) {
  return asked_by(config, [&](Weights& weights, Backend& backend) {
    TensorReader read(weights);
    (void)DenseBackbone::load(config, read, prefix, backend);
  });
}

}  // namespace winnow
