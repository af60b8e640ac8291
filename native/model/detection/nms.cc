#include "model/detection/nms.h"

#include <algorithm>
#include <numeric>

namespace winnow {
namespace {

struct Rectangle {
  float left, top, right, bottom;
  float area() const { return (right - left) * (bottom - top); }
};

float intersection(const Rectangle& a, const Rectangle& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return std::max(width, 0.0f) * std::max(height, 0.0f);
}

}  // namespace

std::vector<int> non_maximum_suppression(std::span<const float> boxes, std::span<const float> scores,
                                         float iou) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  std::vector<int> kept;
  std::vector<Rectangle> stayed;
  for (const int i : order) {
    const float* box = boxes.data() + 4 * static_cast<std::size_t>(i);
    const Rectangle candidate{box[0], box[1], box[2], box[3]};
    const bool covered = std::any_of(stayed.begin(), stayed.end(), [&](const Rectangle& better) {
      const float common = intersection(better, candidate);
      return common / (better.area() + candidate.area() - common) > iou;
    });
    if (covered) continue;
    kept.push_back(i);
    stayed.push_back(candidate);
  }
  return kept;
}

}  // namespace winnow
