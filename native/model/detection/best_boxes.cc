#include "model/detection/best_boxes.h"

#include <algorithm>
#include <cmath>

#include "model/detection/nms.h"

namespace winnow {

std::vector<ScoredBox> best_of_classes(std::span<const ScoredBox> boxes, int classes, float nms_iou,
                                       int most) {
  std::vector<std::vector<int>> of_class(classes);
  for (std::size_t i = 0; i < boxes.size(); ++i)
    of_class[boxes[i].class_index].push_back(static_cast<int>(i));
  std::vector<ScoredBox> found;
  std::vector<Box> corners;
  std::vector<float> scores;
  for (const std::vector<int>& members : of_class) {
    corners.clear();
    scores.clear();
    for (const int i : members) {
      corners.push_back(boxes[i].box);
      scores.push_back(boxes[i].score);
    }
    for (const int i : non_maximum_suppression(rows(corners), scores, nms_iou))
      found.push_back(boxes[members[i]]);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  if (found.size() > static_cast<std::size_t>(most)) found.resize(most);
  return found;
}

std::vector<ScoredBox> best_boxes(const ClassifiedBoxes& from, int classes, float min_score, float nms_iou,
                                  int most) {
  const std::size_t proposals = from.proposals, outputs = classes + 1;
  const std::size_t per_proposal = proposals == 0 ? 1 : from.boxes.size() / proposals;
  std::vector<ScoredBox> candidates;
  for (std::size_t r = 0; r < proposals; ++r) {
    const auto scores = from.scores.begin() + r * outputs;
    const auto boxes = from.boxes.begin() + r * per_proposal;
    if (!std::all_of(scores, scores + outputs, [](float score) { return std::isfinite(score); }) ||
        !std::all_of(boxes, boxes + per_proposal, is_finite))
      continue;
    for (int c = 0; c < classes; ++c)
      if (scores[c] > min_score) candidates.push_back({c, scores[c], boxes[per_proposal > 1 ? c : 0]});
  }
  return best_of_classes(candidates, classes, nms_iou, most);
}

}  // namespace winnow
