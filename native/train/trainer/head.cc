#include "train/trainer/head.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace winnow::train {
namespace {

constexpr int kMemory = 10;              // pairs that L-BFGS remembers
constexpr double kEnoughDescent = 1e-4;  // of what the slope promises (Armijo)
constexpr double kIndistinct = 1e-6;     // of a loss
constexpr int kMostHalvings = 40;
constexpr int kRowsAtOnce = 256;
constexpr int kParts = 16;  // of the examples; each sums for itself, so threads change no bit

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The loss of a head [classes, dim] and [classes] behind each other, and its gradient.
class HeadLoss {
 public:
  HeadLoss(Operations& operations, const float* features, const float* targets, int count, int dim,
           int classes, double decay)
      : ops_(operations),
        features_(features),
        targets_(targets),
        count_(count),
        dim_(dim),
        classes_(classes),
        decay_(decay),
        size_(static_cast<std::size_t>(classes) * (dim + 1)),
        partials_(size_ * kParts),
        losses_(kParts),
        logits_(kParts) {}

  std::size_t size() const { return size_; }

  double operator()(const Vector& head, Vector& gradient) {
    const std::vector<float> weights(head.begin(), head.end());
    const std::size_t biases = static_cast<std::size_t>(classes_) * dim_;
    ops_.run(kParts, [&](int part, int) {
      float* d = partials_.data() + part * size_;
      std::fill_n(d, size_, 0.0f);
      losses_[part] = 0.0;
      const auto begin = [&](int i) {
        return static_cast<int>(static_cast<std::int64_t>(count_) * i / kParts);
      };
      for (int first = begin(part); first < begin(part + 1); first += kRowsAtOnce) {
        const int rows = std::min(kRowsAtOnce, begin(part + 1) - first);
        const LinearShape shape{rows, dim_, classes_, dim_};
        const float* x = features_ + static_cast<std::size_t>(first) * dim_;
        std::vector<float>& logits = logits_[part];
        logits.resize(static_cast<std::size_t>(rows) * classes_);
        ops_.linear(shape, x, weights.data(), weights.data() + biases, false, logits.data());
        for (int r = 0; r < rows; ++r)
          losses_[part] += cross_entropy(logits.data() + static_cast<std::size_t>(r) * classes_,
                                         targets_ + static_cast<std::size_t>(first + r) * classes_);
        ops_.linear_weight_gradient(shape, logits.data(), x, d, d + biases);
      }
    });
    gradient.assign(size_, 0.0);
    double loss = 0.0;
    for (int part = 0; part < kParts; ++part) {
      loss += losses_[part] / count_;
      for (std::size_t i = 0; i < size_; ++i)
        gradient[i] += partials_[part * size_ + i] / static_cast<double>(count_);
    }
    for (std::size_t i = 0; i < biases; ++i) {
      loss += 0.5 * decay_ * head[i] * head[i];
      gradient[i] += decay_ * head[i];
    }
    return loss;
  }

 private:
  // Of one example; its logits become their gradient.
  double cross_entropy(float* logits, const float* target) const {
    const double largest = *std::max_element(logits, logits + classes_);
    double sum = 0.0, loss = 0.0, weight = 0.0;
    for (int i = 0; i < classes_; ++i) sum += std::exp(logits[i] - largest);
    for (int i = 0; i < classes_; ++i) weight += target[i];
    for (int i = 0; i < classes_; ++i) {
      const double log_p = logits[i] - largest - std::log(sum);
      loss -= target[i] * log_p;
      logits[i] = static_cast<float>(weight * std::exp(log_p) - target[i]);
    }
    return loss;
  }

  Operations& ops_;
  const float *features_, *targets_;
  int count_, dim_, classes_;
  double decay_;
  std::size_t size_;
  std::vector<float> partials_;
  std::vector<double> losses_;
  std::vector<std::vector<float>> logits_;
};

// The last steps and how the gradient changed along them: an estimate of the curvature.
class Curvature {
 public:
  void remember(Vector step, Vector change) {
    const double product = dot(step, change);
    if (!(product > 1e-12 * dot(change, change))) return;  // no upward curve: says nothing
    pairs_.push_back({std::move(step), std::move(change), 1.0 / product});
    if (pairs_.size() > kMemory) pairs_.pop_front();
  }
  void forget() { pairs_.clear(); }
  bool empty() const { return pairs_.empty(); }

  // The way down: minus the inverse curvature times the gradient.
  Vector direction(const Vector& gradient) const {
    Vector way = gradient;
    std::vector<double> shares(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      shares[i] = pairs_[i].inverse * dot(pairs_[i].step, way);
      for (std::size_t j = 0; j < way.size(); ++j) way[j] -= shares[i] * pairs_[i].change[j];
    }
    double scale = 1.0;
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      scale = 1.0 / (last.inverse * dot(last.change, last.change));
    }
    for (double& value : way) value *= -scale;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double share = -shares[i] - pairs_[i].inverse * dot(pairs_[i].change, way);
      for (std::size_t j = 0; j < way.size(); ++j) way[j] += share * pairs_[i].step[j];
    }
    return way;
  }

 private:
  struct Pair {
    Vector step, change;
    double inverse;
  };
  std::deque<Pair> pairs_;
};

double largest_of(const Vector& values) {
  double largest = 0.0;
  for (double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

Result<TrainedHead> train_head(Operations& operations, const float* features, const float* targets, int count,
                               int dim, int classes, const HeadSettings& settings) {
  if (count < 1)
    return Error{ErrorCode::bad_argument, "Expected examples to train a head with, but there are none."};
  HeadLoss loss_of(operations, features, targets, count, dim, classes, settings.decay);
  Vector head(loss_of.size(), 0.0), gradient, next, next_gradient;
  double loss = loss_of(head, gradient);
  if (!std::isfinite(largest_of(gradient)) || !std::isfinite(dot(gradient, gradient)))
    return Error{ErrorCode::bad_argument,
                 "Expected finite features to train a head with, but some are infinite or no numbers."};
  Curvature curvature;
  TrainedHead trained;
  while (trained.iterations < settings.most_iterations) {
    if (settings.cancel != nullptr && settings.cancel->load(std::memory_order_relaxed))
      return Error{ErrorCode::cancelled, "The training was cancelled."};
    if (largest_of(gradient) <= settings.tolerance) break;
    const Vector way = curvature.direction(gradient);
    const double slope = dot(way, gradient);
    // Without memory the first length is a guess.
    double length = curvature.empty() ? 1.0 / std::max(1.0, std::sqrt(dot(gradient, gradient))) : 1.0;
    double next_loss = loss;
    bool down = false;
    for (int halving = 0; halving < kMostHalvings && !down; ++halving) {
      next = head;
      for (std::size_t i = 0; i < next.size(); ++i) next[i] += length * way[i];
      next_loss = loss_of(next, next_gradient);
      // Near the optimum fp32 sums cannot tell two losses apart, but still their gradients.
      const bool level = std::abs(next_loss - loss) <= kIndistinct * std::abs(loss);
      down = next_loss <= loss + kEnoughDescent * length * slope ||
             (level && largest_of(next_gradient) < largest_of(gradient));
      if (!down) length *= 0.5;
    }
    if (!down) {
      if (curvature.empty()) break;  // no way down that fp32 sums can tell
      curvature.forget();
      continue;
    }
    Vector step(head.size()), change(head.size());
    for (std::size_t i = 0; i < head.size(); ++i) {
      step[i] = next[i] - head[i];
      change[i] = next_gradient[i] - gradient[i];
    }
    curvature.remember(std::move(step), std::move(change));
    head.swap(next);
    gradient.swap(next_gradient);
    loss = next_loss;
    ++trained.iterations;
  }
  const auto biases = head.begin() + static_cast<std::ptrdiff_t>(classes) * dim;
  trained.weight.assign(head.begin(), biases);
  trained.bias.assign(biases, head.end());
  trained.loss = loss;
  trained.converged = largest_of(gradient) <= settings.tolerance;
  return trained;
}

}  // namespace winnow::train
