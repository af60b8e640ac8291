#include "model/detection/boxes.h"

#include <algorithm>
#include <cmath>

namespace winnow {

bool is_finite(const Box& box) {
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) && std::isfinite(box.y1);
}

Box clip(const Box& box, PictureSize picture) {
  const float width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  return {std::clamp(box.x0, 0.0f, width), std::clamp(box.y0, 0.0f, height), std::clamp(box.x1, 0.0f, width),
          std::clamp(box.y1, 0.0f, height)};
}

Box scaled(const Box& box, PictureSize from, PictureSize to) {
  const float x = static_cast<float>(to.width) / static_cast<float>(from.width);
  const float y = static_cast<float>(to.height) / static_cast<float>(from.height);
  return clip({box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y}, to);
}

Box correct(const Box& box, const float* correction, CorrectionWeights weights) {
  static const float most = static_cast<float>(std::log(1000.0 / 16.0));
  const float width = box.width(), height = box.height();
  const float x = correction[0] / weights.centre * width + (box.x0 + 0.5f * width);
  const float y = correction[1] / weights.centre * height + (box.y0 + 0.5f * height);
  const float w = std::exp(std::min(correction[2] / weights.size, most)) * width;
  const float h = std::exp(std::min(correction[3] / weights.size, most)) * height;
  return {x - 0.5f * w, y - 0.5f * h, x + 0.5f * w, y + 0.5f * h};
}

int level_of(const Box& box) {
  constexpr float kSide = 224.0f;
  constexpr int kLevel = 2, kLevels = 4;
  if (!is_finite(box)) return 0;
  const float scale = std::sqrt(std::max(box.width() * box.height(), 0.0f)) / kSide;
  const float level = std::floor(kLevel + std::log2(scale + 1e-8f));
  return static_cast<int>(std::clamp(level, 0.0f, kLevels - 1.0f));
}

}  // namespace winnow
