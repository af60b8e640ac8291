#include "model/detection/prototype_mask.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace winnow {
namespace {

constexpr float kThreshold = 0.5f;

// Cells begin <= i < end around the part low .. high of an axis, with one more on each side; they may lie
// outside of the map.
struct Cells {
  Cells(float low, float high, float stride)
      : begin(static_cast<int>(std::floor(low / stride)) - 1),
        end(static_cast<int>(std::ceil(high / stride)) + 1) {}
  int count() const { return end - begin; }
  int begin, end;
};

}  // namespace

Mask mask_of_prototypes(const Prototypes& prototypes, const float* coefficients, const Box& box,
                        PictureSize picture, PictureSize target) {
  const auto& [values, rows, columns, count, stride] = prototypes;
  std::vector<float> weights(count);
  for (int j = 0; j < count; ++j) weights[j] = std::tanh(coefficients[j]);

  // At the map's edges its last cells are repeated, so that a mask reaches the picture's edge.
  const Cells across(box.x0, box.x1, stride), down(box.y0, box.y1, stride);
  std::vector<float> probabilities;
  probabilities.reserve(static_cast<std::size_t>(across.count()) * down.count());
  for (int y = down.begin; y < down.end; ++y)
    for (int x = across.begin; x < across.end; ++x) {
      const std::size_t cell =
          static_cast<std::size_t>(std::clamp(y, 0, rows - 1)) * columns + std::clamp(x, 0, columns - 1);
      const float* at = values + cell * count;
      float sum = 0.0f;
      for (int j = 0; j < count; ++j) sum += weights[j] * at[j];
      probabilities.push_back(1.0f / (1.0f + std::exp(-sum)));
    }

  const float scale_x = static_cast<float>(target.width) / static_cast<float>(picture.width);
  const float scale_y = static_cast<float>(target.height) / static_cast<float>(picture.height);
  const auto edge = [&](int cell, float scale) {
    return static_cast<float>(cell) * prototypes.stride * scale;
  };
  const Box crop = scaled(box, picture, target);
  const MaskMap map{probabilities.data(),
                    down.count(),
                    across.count(),
                    {edge(across.begin, scale_x), edge(down.begin, scale_y), edge(across.end, scale_x),
                     edge(down.end, scale_y)}};
  return paste_map(map, winnow::rows({&crop, 1}).data(), target.width, target.height, kThreshold);
}

}  // namespace winnow
