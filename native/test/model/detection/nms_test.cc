#include "model/detection/nms.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

using winnow::non_maximum_suppression;

namespace {

float overlap(const float* a, const float* b) {
  const float width = std::min(a[2], b[2]) - std::max(a[0], b[0]);
  const float height = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  const float common = width > 0 && height > 0 ? width * height : 0.0f;
  return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}

}  // namespace

TEST_CASE("nms: overlap above the limit goes, exactly the limit stays, a removed box removes nothing") {
  // The second shares 2/3 with the first, the third 2/3 with the second and 3/7 with the first.
  const std::vector<float> boxes = {0, 0, 10, 10, 0, 2, 10, 12, 0, 4, 10, 14, 50, 50, 60, 60};
  const std::vector<float> scores = {0.9f, 0.8f, 0.7f, 0.95f};
  CHECK(non_maximum_suppression(boxes, scores, 0.5f) == std::vector<int>{3, 0, 2});
  CHECK(non_maximum_suppression(boxes, scores, 0.4f) == std::vector<int>{3, 0});
  const std::vector<float> halves = {0, 0, 10, 10, 0, 0, 5, 10};
  CHECK(non_maximum_suppression(halves, std::vector<float>{1, 0}, 0.5f) == std::vector<int>{0, 1});
  CHECK(non_maximum_suppression({}, {}, 0.5f).empty());
}

TEST_CASE("nms: of equal scores the lower index stays") {
  const std::vector<float> boxes = {0, 0, 10, 10, 0, 0, 10, 10, 1, 0, 11, 10};
  CHECK(non_maximum_suppression(boxes, std::vector<float>{0.5f, 0.5f, 0.5f}, 0.5f) == std::vector<int>{0});
}

TEST_CASE("nms: empty boxes overlap with nothing") {
  const std::vector<float> boxes = {5, 5, 5, 5, 5, 5, 5, 5};
  CHECK(non_maximum_suppression(boxes, std::vector<float>{0.5f, 0.6f}, 0.5f) == std::vector<int>{1, 0});
}

TEST_CASE("nms: the order that boxes come in changes nothing, and what stays covers what goes") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> place(0, 60), size(5, 40);
  constexpr int kCount = 300;
  std::vector<float> boxes, scores;
  for (int i = 0; i < kCount; ++i) {
    const float x = place(random), y = place(random);
    boxes.insert(boxes.end(), {x, y, x + size(random), y + size(random)});
    scores.push_back(static_cast<float>((i * 37) % kCount));  // all different
  }
  const std::vector<int> kept = non_maximum_suppression(boxes, scores, 0.4f);
  for (int i = 0; i < kCount; ++i) {
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](int k) {
      return scores[k] > scores[i] && overlap(&boxes[4 * k], &boxes[4 * i]) > 0.4f;
    });
    CHECK(covered == (std::find(kept.begin(), kept.end(), i) == kept.end()));
  }
  std::vector<int> order(kCount);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<float> shuffled_boxes, shuffled_scores;
  for (const int i : order) {
    shuffled_boxes.insert(shuffled_boxes.end(), &boxes[4 * i], &boxes[4 * i] + 4);
    shuffled_scores.push_back(scores[i]);
  }
  std::vector<int> other = non_maximum_suppression(shuffled_boxes, shuffled_scores, 0.4f);
  for (int& i : other) i = order[i];
  CHECK(other == kept);
}
