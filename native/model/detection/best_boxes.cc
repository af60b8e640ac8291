#include "model/detection/best_boxes.h"

#include <algorithm>
#include <cmath>

#include "model/detection/nms.h"

namespace winnow {

std::vector<ScoredBox> best_boxes(const ClassifiedBoxes& from, int classes, float min_score, float nms_iou,
                                  int most) {
  const std::size_t proposals = from.proposals, outputs = classes + 1;
  const std::size_t per_proposal = proposals == 0 ? 1 : from.boxes.size() / proposals;
  std::vector<std::size_t> usable;
  for (std::size_t r = 0; r < proposals; ++r) {
    const auto scores = from.scores.begin() + r * outputs;
    const auto boxes = from.boxes.begin() + r * per_proposal;
    if (std::all_of(scores, scores + outputs, [](float score) { return std::isfinite(score); }) &&
        std::all_of(boxes, boxes + per_proposal, is_finite))
      usable.push_back(r);
  }

  std::vector<ScoredBox> found;
  std::vector<Box> boxes;
  std::vector<float> scores;
  for (int c = 0; c < classes; ++c) {
    boxes.clear();
    scores.clear();
    for (const std::size_t r : usable) {
      const float score = from.scores[r * outputs + c];
      if (!(score > min_score)) continue;
      boxes.push_back(from.boxes[r * per_proposal + (per_proposal > 1 ? c : 0)]);
      scores.push_back(score);
    }
    for (const int i : non_maximum_suppression(rows(boxes), scores, nms_iou))
      found.push_back({c, scores[i], boxes[i]});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  if (found.size() > static_cast<std::size_t>(most)) found.resize(most);
  return found;
}

}  // namespace winnow
