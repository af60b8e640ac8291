#include "model/detection/one_stage_boxes.h"

#include <algorithm>
#include <cmath>

namespace winnow {
namespace {

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

// A logit below which no class of a place whose quality is `quality` has a score above `min_score`, whatever
// is lost by rounding.
float least_logit(float quality, float min_score) {
  constexpr float kMargin = 0.1f, kNearlySure = 10.0f;
  const float least = min_score * min_score / quality;
  if (!(least > 0.0f)) return -INFINITY;
  return least < 1.0f ? std::min(std::log(least / (1.0f - least)) - kMargin, kNearlySure) : kNearlySure;
}

}  // namespace

int OneStageOutputs::locations() const {
  int sum = 0;
  for (const Level& level : levels) sum += level.height * level.width;
  return sum;
}

Box box_of_place(int y, int x, const OneStageOutputs::Level& level, const float* distances) {
  const auto far = [&](int side) {
    return level.stride * std::exp(std::min(level.scale * distances[side], kLargestDistanceExponent));
  };
  const float centre_x = level.stride * (static_cast<float>(x) + 0.5f);
  const float centre_y = level.stride * (static_cast<float>(y) + 0.5f);
  return {centre_x - far(0), centre_y - far(1), centre_x + far(2), centre_y + far(3)};
}

std::vector<ScoredBox> one_stage_candidates(const OneStageOutputs& outputs, PictureSize picture,
                                            float min_score) {
  std::vector<ScoredBox> candidates, of_level;
  int first = 0;  // location of the level
  for (const OneStageOutputs::Level& level : outputs.levels) {
    of_level.clear();
    const int count = level.height * level.width;
    for (int i = 0; i < count; ++i) {
      const int location = first + i;
      const float* place = outputs.place(location);
      const float quality = sigmoid(place[4]);
      const float least = least_logit(quality, min_score);
      const float* logits =
          outputs.class_logits.data() + static_cast<std::size_t>(location) * outputs.classes;
      for (int c = 0; c < outputs.classes; ++c) {
        if (!(logits[c] >= least)) continue;
        const float score = std::sqrt(sigmoid(logits[c]) * quality);
        if (score > min_score) of_level.push_back({c, score, {}, location});
      }
    }
    std::stable_sort(of_level.begin(), of_level.end(),
                     [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
    if (of_level.size() > kMostCandidates) of_level.resize(kMostCandidates);
    for (ScoredBox& candidate : of_level) {
      const int i = candidate.location - first;
      const Box box =
          box_of_place(i / level.width, i % level.width, level, outputs.place(candidate.location));
      if (!is_finite(box)) continue;
      candidate.box = clip(box, picture);
      if (!candidate.box.empty()) candidates.push_back(candidate);
    }
    first += count;
  }
  return candidates;
}

}  // namespace winnow
