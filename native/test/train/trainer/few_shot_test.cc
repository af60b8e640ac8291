// Heads from few examples: the kinds by their formulas, and the choice among them.
#include "train/trainer/few_shot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "train/trainer/losses.h"

using namespace winnow;
using namespace winnow::train;

namespace {

struct Drawn {
  std::vector<float> features;
  std::vector<int> labels;
};

// `shots` examples of each class around centres [classes, dim], each value off by up to `noise`, each example
// times a factor from 1 to `longest`.
Drawn draw(const std::vector<std::vector<float>>& centres, int shots, float noise, float longest,
           unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() % 10000) / 10000.0f; };
  Drawn drawn;
  for (int shot = 0; shot < shots; ++shot)
    for (std::size_t c = 0; c < centres.size(); ++c) {
      const float factor = 1.0f + (longest - 1.0f) * uniform();
      for (float value : centres[c])
        drawn.features.push_back(factor * (value + noise * (2.0f * uniform() - 1.0f)));
      drawn.labels.push_back(static_cast<int>(c));
    }
  return drawn;
}

int best_class(const TrainedHead& head, const float* x, int dim) {
  int best = 0;
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < head.bias.size(); ++c) {
    double sum = head.bias[c];
    for (int i = 0; i < dim; ++i) sum += head.weight[c * dim + i] * x[i];
    if (sum > largest) largest = sum, best = static_cast<int>(c);
  }
  return best;
}

Result<ChosenHead> choose(const Drawn& drawn, int dim, int classes, const HeadSettings& settings = {}) {
  const auto operations = reference_operations();
  return choose_head(*operations, drawn.features.data(), drawn.labels, dim, classes, 0.0, settings);
}

const HeadTrial& trial(const ChosenHead& chosen, HeadKind kind) {
  return chosen.trials[static_cast<std::size_t>(kind)];
}

}  // namespace

TEST_CASE("of few examples around means, the nearest class mean is chosen, and is the nearest mean") {
  std::vector<std::vector<float>> centres(4, std::vector<float>(40, 0.0f));
  for (int c = 0; c < 4; ++c) centres[c][c] = 1.5f;
  const Drawn drawn = draw(centres, 6, 1.0f, 1.0f, 1);
  const auto chosen = choose(drawn, 40, 4);
  REQUIRE(chosen);
  CHECK(chosen->kind == HeadKind::class_mean);
  CHECK(chosen->folds == 5);
  CHECK(trial(*chosen, HeadKind::class_mean).accuracy > trial(*chosen, HeadKind::logistic).accuracy);

  std::vector<double> means(4 * 40);
  for (std::size_t i = 0; i < drawn.features.size(); ++i)
    means[drawn.labels[i / 40] * 40 + i % 40] += drawn.features[i] / 6.0;
  const Drawn others = draw(centres, 50, 2.0f, 1.0f, 2);
  for (std::size_t e = 0; e < others.labels.size(); ++e) {
    const float* x = others.features.data() + e * 40;
    double distances[4] = {};
    for (int i = 0; i < 160; ++i) distances[i / 40] += std::pow(x[i % 40] - means[i], 2.0);
    const double nearest = *std::min_element(distances, distances + 4);
    CHECK(distances[best_class(chosen->head, x, 40)] - nearest < 1e-4);
  }
}

TEST_CASE("of classes that are directions, the cosine is chosen, and is the largest cosine") {
  const std::vector<std::vector<float>> centres = {{1.0f, 0.0f}, {-0.5f, 0.8f}, {-0.5f, -0.8f}};
  const Drawn drawn = draw(centres, 10, 0.55f, 25.0f, 3);
  const auto chosen = choose(drawn, 2, 3);
  REQUIRE(chosen);
  CHECK(chosen->kind == HeadKind::cosine);

  double means[6] = {}, centre[2] = {}, directions[6] = {};
  for (std::size_t e = 0; e < drawn.labels.size(); ++e)
    for (int i = 0; i < 2; ++i) means[drawn.labels[e] * 2 + i] += drawn.features[e * 2 + i] / 10.0;
  for (int i = 0; i < 6; ++i) centre[i % 2] += means[i] / 3.0;
  for (std::size_t e = 0; e < drawn.labels.size(); ++e) {
    const double x = drawn.features[e * 2] - centre[0], y = drawn.features[e * 2 + 1] - centre[1];
    directions[drawn.labels[e] * 2] += x / std::hypot(x, y);
    directions[drawn.labels[e] * 2 + 1] += y / std::hypot(x, y);
  }
  const Drawn others = draw(centres, 50, 2.0f, 9.0f, 4);
  for (std::size_t e = 0; e < others.labels.size(); ++e) {
    const float* p = others.features.data() + e * 2;
    const double x = p[0] - centre[0], y = p[1] - centre[1];
    const auto cosine = [&](int c) {
      const double* d = directions + 2 * c;
      return (x * d[0] + y * d[1]) / (std::hypot(x, y) * std::hypot(d[0], d[1]));
    };
    CHECK(cosine(best_class(chosen->head, p, 2)) > std::max({cosine(0), cosine(1), cosine(2)}) - 1e-5);
  }
}

TEST_CASE("where one feature decides and others are loud, logistic regression is chosen, scaled") {
  Drawn drawn = draw({{0.2f, 0.0f, 0.0f}, {-0.2f, 0.0f, 0.0f}}, 25, 0.15f, 1.0f, 5);
  for (std::size_t i = 0; i < drawn.features.size(); ++i)
    if (i % 3 != 0) drawn.features[i] *= 40.0f;
  const auto chosen = choose(drawn, 3, 2);
  REQUIRE(chosen);
  CHECK(chosen->kind == HeadKind::logistic);
  CHECK(trial(*chosen, HeadKind::logistic).accuracy > 0.95);
  const auto operations = reference_operations();
  const std::vector<float> targets = smooth_labels(drawn.labels, 2, 0.0);
  const auto alone = train_head(*operations, drawn.features.data(), targets.data(), 50, 3, 2, {});
  REQUIRE(alone);
  const float s = chosen->head.weight[0] / alone->weight[0];
  CHECK(s > 0.0f);
  for (int i = 0; i < 6; ++i)
    CHECK(chosen->head.weight[i] == doctest::Approx(s * alone->weight[i]).epsilon(1e-5));
  for (int i = 0; i < 2; ++i)
    CHECK(chosen->head.bias[i] == doctest::Approx(s * alone->bias[i]).epsilon(1e-5));
}

TEST_CASE("trials are of examples that were left out, and confidence is as good as they are") {
  // Labels that mean nothing, among more features than examples: every kind is right about all that it was
  // made from.
  std::vector<std::vector<float>> centres(3, std::vector<float>(60, 0.0f));
  const Drawn drawn = draw(centres, 20, 1.0f, 1.0f, 6);
  const auto chosen = choose(drawn, 60, 3);
  REQUIRE(chosen);
  for (const HeadTrial& each : chosen->trials) CHECK(each.accuracy < 0.6);
  for (const HeadTrial& each : chosen->trials) CHECK(each.loss < std::log(3.0) + 0.02);

  // Classes that lie far apart: all are right, and none is certain beyond reason.
  const auto sure = choose(draw({{1.0f, 0.0f}, {0.0f, 1.0f}}, 5, 0.1f, 1.0f, 7), 2, 2);
  REQUIRE(sure);
  for (const HeadTrial& each : sure->trials) CHECK(each.accuracy == 1.0);
  CHECK(trial(*sure, HeadKind::class_mean).loss > 1e-3);
  CHECK(trial(*sure, HeadKind::class_mean).loss < 0.2);
}

TEST_CASE("a class with one example is part of the head and not of the trials") {
  Drawn drawn = draw({{1.0f, 0.0f}, {0.0f, 1.0f}}, 2, 0.1f, 1.0f, 8);
  drawn.features.insert(drawn.features.end(), {-5.0f, -5.0f});
  drawn.labels.push_back(2);
  const auto chosen = choose(drawn, 2, 3);
  REQUIRE(chosen);
  CHECK(chosen->folds == 2);
  const float x[2] = {-4.0f, -6.0f};
  CHECK(best_class(chosen->head, x, 2) == 2);
}

TEST_CASE(
    "heads cannot be compared without two classes of two, with features that are not finite, or when "
    "cancelled") {
  const Drawn lone{{1.0f, 2.0f, 3.0f}, {0, 0, 1}};
  const auto few = choose(lone, 1, 2);
  REQUIRE(!few);
  CHECK(few.error().code == ErrorCode::bad_argument);
  Drawn drawn = draw({{1.0f}, {2.0f}}, 3, 0.1f, 1.0f, 9);
  const std::atomic<bool> cancelled = true;
  HeadSettings settings;
  settings.cancel = &cancelled;
  const auto stopped = choose(drawn, 1, 2, settings);
  REQUIRE(!stopped);
  CHECK(stopped.error().code == ErrorCode::cancelled);
  drawn.features[2] = std::numeric_limits<float>::quiet_NaN();
  const auto broken = choose(drawn, 1, 2);
  REQUIRE(!broken);
  CHECK(broken.error().code == ErrorCode::bad_argument);
}
