#include "train/detection/detection_losses.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace winnow::train {
namespace {

constexpr double kAlpha = 0.25, kGamma = 2.0;  // of the focal loss

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
// log(1 + exp(x)), also of large numbers.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// One image's values and where their gradients go.
template <typename T>
class Image {
 public:
  Image(const OneStageShape& shape, const T* values, const DetectionWeights& weights, T* d_values)
      : s_(shape), values_(values), weights_(weights), d_values_(d_values) {}

  void classify(int location, int label) {
    const std::size_t at = static_cast<std::size_t>(location) * s_.classes;
    for (int c = 0; c < s_.classes; ++c) {
      const Loss loss = focal_loss(values_[at + c], c == label);
      parts.classification += weights_.classification * loss.value;
      d_values_[at + c] += static_cast<T>(weights_.classification * loss.gradient);
    }
    const T* logits = values_ + at;
    if (label >= 0) parts.right += std::max_element(logits, logits + s_.classes) - logits == label;
  }

  void fit_box(int location, int level, int y, int x, const Box& box) {
    const std::size_t at = place(location);
    const auto& [height, width, stride, scale] = s_.levels[level];
    const auto wanted = distances_of(s_.levels[level], y, x, box);
    double distances[4], target[4], exponents[4];
    for (int side = 0; side < 4; ++side) {
      exponents[side] = static_cast<double>(scale) * values_[at + side];
      distances[side] = stride * std::exp(std::min<double>(exponents[side], kLargestDistanceExponent));
      target[side] = wanted[side];
    }
    const BoxLoss loss = giou_loss(distances, target);
    parts.boxes += weights_.boxes * loss.value;
    for (int side = 0; side < 4; ++side) {
      if (exponents[side] >= kLargestDistanceExponent) continue;
      const double d = weights_.boxes * loss.gradients[side] * distances[side];
      d_values_[at + side] += static_cast<T>(d * scale);
      parts.d_scales[level] += d * values_[at + side];
    }
    const Loss quality = binary_cross_entropy(values_[at + 4], loss.iou);
    parts.quality += weights_.quality * quality.value;
    d_values_[at + 4] += static_cast<T>(weights_.quality * quality.gradient);
  }

  void fit_mask(int location, const TrainingObject& object) {
    const int count = s_.prototypes;
    const std::size_t at = place(location) + OneStageOutputs::kPlace;
    std::vector<double> mixed(count), d_mixed(count, 0.0);
    for (int j = 0; j < count; ++j) mixed[j] = std::tanh(static_cast<double>(values_[at + j]));
    const Box& box = object.box;
    const double area = std::max(1.0, static_cast<double>(box.width()) * box.height() / (s_.cell * s_.cell)),
                 weight = weights_.masks / area;
    for (int y = first(box.y0); y < first(box.y1); ++y)
      for (int x = first(box.x0); x < first(box.x1); ++x) {
        const std::size_t cell = static_cast<std::size_t>(y) * s_.mask_side + x;
        const T* prototypes = values_ + s_.prototypes_at() + cell * count;
        T* d_prototypes = d_values_ + s_.prototypes_at() + cell * count;
        double logit = 0.0;
        for (int j = 0; j < count; ++j) logit += mixed[j] * prototypes[j];
        const Loss loss = binary_cross_entropy(logit, object.mask[cell] != 0 ? 1.0 : 0.0);
        parts.masks += weight * loss.value;
        for (int j = 0; j < count; ++j) {
          d_prototypes[j] += static_cast<T>(weight * loss.gradient * mixed[j]);
          d_mixed[j] += weight * loss.gradient * prototypes[j];
        }
      }
    for (int j = 0; j < count; ++j)
      d_values_[at + j] += static_cast<T>(d_mixed[j] * (1.0 - mixed[j] * mixed[j]));
  }

  DetectionParts parts;

 private:
  std::size_t place(int location) const {
    return s_.predictions_at() + static_cast<std::size_t>(location) * s_.place();
  }
  // First cell whose centre is not before an edge.
  int first(float edge) const {
    return std::clamp(static_cast<int>(std::ceil(edge / s_.cell - 0.5f)), 0, s_.mask_side);
  }

  const OneStageShape& s_;
  const T* values_;
  const DetectionWeights& weights_;
  T* d_values_;
};

}  // namespace

// With y = 1 where the class is there, and else -1: loss = a q^2 softplus(-z), z = y x, q = sigmoid(-z);
// dq/dz = -q (1 - q) and d softplus(-z)/dz = -q.
Loss focal_loss(double logit, bool is_there) {
  const double z = is_there ? logit : -logit, alpha = is_there ? kAlpha : 1.0 - kAlpha;
  const double q = sigmoid(-z), surprise = softplus(-z);
  const double power = alpha * std::pow(q, kGamma);
  const double d_z = -power * (kGamma * (1.0 - q) * surprise + q);
  return {power * surprise, is_there ? d_z : -d_z};
}

Loss binary_cross_entropy(double logit, double target) {
  return {softplus(logit) - target * logit, sigmoid(logit) - target};
}

BoxLoss giou_loss(const double distances[4], const double target[4]) {
  double lesser[4], greater[4];
  for (int side = 0; side < 4; ++side) {
    lesser[side] = std::min(distances[side], target[side]);
    greater[side] = std::max(distances[side], target[side]);
  }
  const auto width = [](const double* d) { return d[0] + d[2]; };
  const auto height = [](const double* d) { return d[1] + d[3]; };
  const auto area = [&](const double* d) { return width(d) * height(d); };
  const double common = area(lesser), around = area(greater);
  const double both = area(distances) + area(target) - common;
  BoxLoss loss{2.0 - common / both - both / around, common / both, {}};
  for (int side = 0; side < 4; ++side) {
    const auto across = [&](const double* d) { return side % 2 == 0 ? height(d) : width(d); };
    const bool inside = distances[side] < target[side];
    const double d_common = inside ? across(lesser) : 0.0, d_around = inside ? 0.0 : across(greater),
                 d_both = across(distances) - d_common;
    loss.gradients[side] =
        -(d_common - common / both * d_both) / both - (d_both - both / around * d_around) / around;
  }
  return loss;
}

std::size_t OneStageShape::locations() const {
  std::size_t sum = 0;
  for (const auto& level : levels) sum += static_cast<std::size_t>(level.height) * level.width;
  return sum;
}

template <typename T>
DetectionParts detection_losses(const OneStageShape& shape, const T* values,
                                std::span<const TrainingObject> objects, std::span<const int> assigned,
                                std::span<const int> masked, const DetectionWeights& weights, T* d_values) {
  Image<T> image(shape, values, weights, d_values);
  int location = 0;
  for (int level = 0; level < kOneStageLevels; ++level)
    for (int y = 0; y < shape.levels[level].height; ++y)
      for (int x = 0; x < shape.levels[level].width; ++x, ++location) {
        const int object = assigned[location];
        image.classify(location, object == kBackground ? -1 : objects[object].label);
        if (object != kBackground) image.fit_box(location, level, y, x, objects[object].box);
      }
  if (shape.prototypes > 0)
    for (int at : masked) image.fit_mask(at, objects[assigned[at]]);
  return image.parts;
}

template DetectionParts detection_losses(const OneStageShape&, const float*, std::span<const TrainingObject>,
                                         std::span<const int>, std::span<const int>, const DetectionWeights&,
                                         float*);
template DetectionParts detection_losses(const OneStageShape&, const double*, std::span<const TrainingObject>,
                                         std::span<const int>, std::span<const int>, const DetectionWeights&,
                                         double*);

}  // namespace winnow::train
