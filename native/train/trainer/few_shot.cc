#include "train/trainer/few_shot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "train/trainer/losses.h"

namespace winnow::train {
namespace {

constexpr int kMostFolds = 5;
constexpr int kBisections = 60;
constexpr double kLargestScale = 1e6;

// A linear head in double precision: logits [classes] of x are weight x + bias.
struct LinearHead {
  std::vector<double> weight;  // [classes, dim]
  std::vector<double> bias;    // [classes]

  LinearHead(int classes, int dim) : weight(static_cast<std::size_t>(classes) * dim), bias(classes) {}
};

// Some of the examples.
struct Examples {
  const float* features;
  std::span<const int> labels;
  int dim, classes;
  std::vector<int> indices;

  const float* row(int index) const { return features + static_cast<std::size_t>(index) * dim; }
  int count() const { return static_cast<int>(indices.size()); }
  std::vector<int> counts() const {
    std::vector<int> counts(classes);
    for (int index : indices) ++counts[labels[index]];
    return counts;
  }
};

// [classes, dim]: of each class's vectors; zeros of a class without any.
template <typename Vector>
std::vector<double> class_means(const Examples& examples, const Vector& vector_of) {
  const std::size_t dim = examples.dim;
  std::vector<double> means(examples.classes * dim);
  const std::vector<int> counts = examples.counts();
  for (int index : examples.indices) {
    const int label = examples.labels[index];
    const std::vector<double> vector = vector_of(index);
    for (std::size_t i = 0; i < dim; ++i) means[label * dim + i] += vector[i] / counts[label];
  }
  return means;
}

double length_of(std::span<const double> vector) {
  double sum = 0.0;
  for (double value : vector) sum += value * value;
  return std::sqrt(sum);
}

LinearHead class_mean_head(const Examples& examples) {
  const std::size_t dim = examples.dim;
  LinearHead head(examples.classes, examples.dim);
  head.weight = class_means(examples, [&](int index) {
    return std::vector<double>(examples.row(index), examples.row(index) + dim);
  });
  for (int c = 0; c < examples.classes; ++c) {
    const double length = length_of({head.weight.data() + c * dim, dim});
    head.bias[c] = -0.5 * length * length;
  }
  return head;
}

LinearHead cosine_head(const Examples& examples) {
  const std::size_t dim = examples.dim;
  const LinearHead means = class_mean_head(examples);
  const std::vector<int> counts = examples.counts();
  const auto known = static_cast<double>(std::ranges::count_if(counts, [](int count) { return count > 0; }));
  std::vector<double> centre(dim);
  for (std::size_t i = 0; i < means.weight.size(); ++i) centre[i % dim] += means.weight[i] / known;

  LinearHead head(examples.classes, examples.dim);
  head.weight = class_means(examples, [&](int index) {
    std::vector<double> vector(centre);
    for (std::size_t i = 0; i < dim; ++i) vector[i] = examples.row(index)[i] - centre[i];
    const double length = length_of(vector);
    if (length > 0.0)
      for (double& value : vector) value /= length;
    return vector;
  });
  for (int c = 0; c < examples.classes; ++c) {
    double* weight = head.weight.data() + c * dim;
    const double length = length_of({weight, dim});
    for (std::size_t i = 0; i < dim; ++i) {
      if (length > 0.0) weight[i] /= length;
      head.bias[c] -= weight[i] * centre[i];
    }
  }
  return head;
}

void scale(LinearHead& head, double factor) {
  for (double& value : head.weight) value *= factor;
  for (double& value : head.bias) value *= factor;
}

// What a head says of an example that it was not made from.
struct Answer {
  int label;  // the true one, among the logits
  std::vector<double> logits;
};

// Of the classes that have examples in `learned`; an example of another class gives none.
void predict(const LinearHead& head, const Examples& learned, const Examples& tested,
             std::vector<Answer>& answers) {
  const std::vector<int> counts = learned.counts();
  for (int index : tested.indices) {
    if (counts[tested.labels[index]] == 0) continue;
    Answer& answer = answers.emplace_back();
    for (int c = 0; c < tested.classes; ++c) {
      if (counts[c] == 0) continue;
      if (c == tested.labels[index]) answer.label = static_cast<int>(answer.logits.size());
      double sum = head.bias[c];
      for (int i = 0; i < tested.dim; ++i)
        sum += head.weight[static_cast<std::size_t>(c) * tested.dim + i] * tested.row(index)[i];
      answer.logits.push_back(sum);
    }
  }
}

// The mean cross entropy of the logits times `factor`, and its slope along the factor, where the true class
// has the share `certainty` of the target and the others the rest in equal parts.
struct Loss {
  double value = 0.0, slope = 0.0;
};
Loss loss_of(const std::vector<Answer>& answers, double factor, double certainty = 1.0) {
  Loss loss;
  for (const auto& [label, logits] : answers) {
    const double largest = *std::ranges::max_element(logits);
    const double rest = logits.size() > 1 ? (1.0 - certainty) / static_cast<double>(logits.size() - 1) : 0.0;
    double sum = 0.0, mean = 0.0, wanted = (certainty - rest) * (logits[label] - largest);
    for (double logit : logits) {
      const double share = std::exp(factor * (logit - largest));
      sum += share;
      mean += share * (logit - largest);
      wanted += rest * (logit - largest);
    }
    loss.value += (std::log(sum) - factor * wanted) / static_cast<double>(answers.size());
    loss.slope += (mean / sum - wanted) / static_cast<double>(answers.size());
  }
  return loss;
}

// The factor with the least loss, which is convex in it. Nothing is as certain as examples that are all right
// say, so the true class counts for (n + 1) / (n + 2), as in Platt scaling (Platt, 1999).
double best_scale(const std::vector<Answer>& answers) {
  const auto n = static_cast<double>(answers.size());
  const auto slope = [&](double factor) { return loss_of(answers, factor, (n + 1.0) / (n + 2.0)).slope; };
  double low = 0.0, high = 1.0;
  while (high < kLargestScale && slope(high) < 0.0) low = high, high *= 2.0;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (low + high);
    (slope(middle) < 0.0 ? low : high) = middle;
  }
  return high;
}

double accuracy_of(const std::vector<Answer>& answers) {
  const auto right = std::ranges::count_if(answers, [](const Answer& answer) {
    return std::ranges::max_element(answer.logits) - answer.logits.begin() == answer.label;
  });
  return static_cast<double>(right) / static_cast<double>(answers.size());
}

// The fold of every example.
std::vector<int> cut_into_folds(const Examples& all, int folds) {
  const std::vector<int> counts = all.counts();
  std::vector<int> seen(all.classes), fold_of(all.count());
  for (int index : all.indices) {
    const int label = all.labels[index];
    fold_of[index] = static_cast<int>(static_cast<std::int64_t>(seen[label]++) * folds / counts[label]);
  }
  return fold_of;
}

class Chooser {
 public:
  Chooser(Operations& operations, const Examples& all, double smoothing, const HeadSettings& settings)
      : operations_(operations), all_(all), smoothing_(smoothing), settings_(settings) {}

  // Its logits before any scale.
  Result<LinearHead> make(HeadKind kind, const Examples& examples) const {
    if (kind == HeadKind::class_mean) return class_mean_head(examples);
    if (kind == HeadKind::cosine) return cosine_head(examples);
    return logistic_head(examples);
  }

  // What the heads of the other folds say of each fold.
  Result<std::vector<Answer>> cross_validate(HeadKind kind, const std::vector<int>& fold_of,
                                             int folds) const {
    std::vector<Answer> answers;
    for (int fold = 0; fold < folds; ++fold) {
      Examples learned = all_, tested = all_;
      std::erase_if(learned.indices, [&](int index) { return fold_of[index] == fold; });
      std::erase_if(tested.indices, [&](int index) { return fold_of[index] != fold; });
      const auto head = make(kind, learned);
      if (!head) return head.error();
      predict(*head, learned, tested, answers);
    }
    return answers;
  }

 private:
  Result<LinearHead> logistic_head(const Examples& examples) const {
    std::vector<int> labels;
    std::vector<float> features;
    for (int index : examples.indices) {
      labels.push_back(examples.labels[index]);
      features.insert(features.end(), examples.row(index), examples.row(index) + examples.dim);
    }
    const std::vector<float> targets = smooth_labels(labels, examples.classes, smoothing_);
    const auto solved = train_head(operations_, features.data(), targets.data(), examples.count(),
                                   examples.dim, examples.classes, settings_);
    if (!solved) return solved.error();
    LinearHead head(examples.classes, examples.dim);
    head.weight.assign(solved->weight.begin(), solved->weight.end());
    head.bias.assign(solved->bias.begin(), solved->bias.end());
    return head;
  }

  Operations& operations_;
  const Examples& all_;
  double smoothing_;
  const HeadSettings& settings_;
};

TrainedHead in_single_precision(const LinearHead& head, const Examples& all) {
  std::vector<Answer> answers;
  predict(head, all, all, answers);
  TrainedHead trained;
  trained.weight.assign(head.weight.begin(), head.weight.end());
  trained.bias.assign(head.bias.begin(), head.bias.end());
  trained.loss = loss_of(answers, 1.0).value;
  trained.converged = true;
  return trained;
}

}  // namespace

Result<ChosenHead> choose_head(Operations& operations, const float* features, std::span<const int> labels,
                               int dim, int classes, double smoothing, const HeadSettings& settings) {
  Examples all{features, labels, dim, classes, std::vector<int>(labels.size())};
  for (int i = 0; i < all.count(); ++i) all.indices[i] = i;
  const std::vector<int> counts = all.counts();
  if (std::ranges::count_if(counts, [](int count) { return count > 1; }) < 2)
    return Error{
        ErrorCode::bad_argument,
        "Expected at least two classes with two examples each to compare heads, but there are fewer."};
  const Chooser chooser(operations, all, smoothing, settings);
  const int folds = std::clamp(*std::ranges::max_element(counts), 2, kMostFolds);
  const std::vector<int> fold_of = cut_into_folds(all, folds);

  ChosenHead chosen{HeadKind::logistic, {}, folds, {}};
  double scale_of_chosen = 1.0;
  const HeadTrial* best = nullptr;
  chosen.trials.reserve(std::size(kHeadKinds));
  for (HeadKind kind : kHeadKinds) {
    const auto answers = chooser.cross_validate(kind, fold_of, folds);
    if (!answers) return answers.error();
    const double factor = best_scale(*answers);
    const HeadTrial& trial =
        chosen.trials.emplace_back(HeadTrial{kind, accuracy_of(*answers), loss_of(*answers, factor).value});
    if (best != nullptr &&
        (trial.accuracy < best->accuracy || (trial.accuracy == best->accuracy && trial.loss >= best->loss)))
      continue;
    best = &trial;
    scale_of_chosen = factor;
  }
  chosen.kind = best->kind;
  auto head = chooser.make(chosen.kind, all);
  if (!head) return head.error();
  scale(*head, scale_of_chosen);
  chosen.head = in_single_precision(*head, all);
  return chosen;
}

}  // namespace winnow::train
