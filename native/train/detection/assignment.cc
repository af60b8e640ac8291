#include "train/detection/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace winnow::train {
namespace {

bool is_learned(const OneStageLevelShapes& levels, int index, int y, int x, const Box& box) {
  const OneStageOutputs::Level& level = levels[index];
  const auto distances = distances_of(level, y, x, box);
  const auto [nearest, furthest] = std::minmax_element(distances.begin(), distances.end());
  if (!(*nearest > 0.0f)) return false;
  const float across = std::abs(distances[0] - distances[2]) / 2.0f,
              down = std::abs(distances[1] - distances[3]) / 2.0f;  // from the box's centre
  if (std::max(across, down) >= kCentreRadius * level.stride) return false;
  const bool large_enough = index == 0 || *furthest > kNearestEdge * level.stride;
  const bool small_enough = index == kOneStageLevels - 1 || *furthest <= kFurthestEdge * level.stride;
  return large_enough && small_enough;
}

}  // namespace

std::array<float, 4> distances_of(const OneStageOutputs::Level& level, int y, int x, const Box& box) {
  const float centre_x = level.stride * (static_cast<float>(x) + 0.5f),
              centre_y = level.stride * (static_cast<float>(y) + 0.5f);
  return {centre_x - box.x0, centre_y - box.y0, box.x1 - centre_x, box.y1 - centre_y};
}

std::vector<int> assign_locations(const OneStageLevelShapes& levels,
                                  std::span<const TrainingObject> objects) {
  std::vector<int> assigned;
  for (int index = 0; index < kOneStageLevels; ++index)
    for (int y = 0; y < levels[index].height; ++y)
      for (int x = 0; x < levels[index].width; ++x) {
        int best = kBackground;
        float least = std::numeric_limits<float>::infinity();
        for (std::size_t i = 0; i < objects.size(); ++i) {
          const Box& box = objects[i].box;
          const float area = box.width() * box.height();
          if (area >= least || !is_learned(levels, index, y, x, box)) continue;
          least = area;
          best = static_cast<int>(i);
        }
        assigned.push_back(best);
      }
  return assigned;
}

std::vector<int> mask_locations(std::span<const int> assigned, std::span<const TrainingObject> objects,
                                int most) {
  std::vector<int> all;
  for (std::size_t i = 0; i < assigned.size(); ++i)
    if (assigned[i] != kBackground && !objects[assigned[i]].mask.empty()) all.push_back(static_cast<int>(i));
  const auto count = static_cast<std::int64_t>(all.size());
  if (count <= most) return all;
  std::vector<int> chosen;
  for (std::int64_t i = 0; i < most; ++i) chosen.push_back(all[i * count / most]);
  return chosen;
}

}  // namespace winnow::train
