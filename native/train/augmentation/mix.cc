#include "train/augmentation/mix.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {
namespace {

constexpr double kLeastErased = 0.02, kMostErased = 1.0 / 3.0;  // of the area
constexpr double kLeastAspect = 0.3;
constexpr int kTries = 10;

// log of a draw of the gamma distribution (Marsaglia and Tsang, 2000); the logarithm, since draws for a small
// shape are too small for a double.
double draw_log_gamma(double shape, Random& random) {
  if (shape < 1.0) return draw_log_gamma(shape + 1.0, random) + std::log(random.uniform()) / shape;
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = random.normal(), root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(random.uniform()) < 0.5 * x * x + d * (1.0 - v + std::log(v))) return std::log(d * v);
  }
}

// The rectangle that leaves `share` of the picture, around a random middle and cut off at the edges.
Patch draw_patch(double share, int side, Random& random) {
  const int length = static_cast<int>(side * std::sqrt(1.0 - share)), half = length / 2;
  const int y = random.whole(side), x = random.whole(side);
  return {std::max(x - half, 0), std::max(y - half, 0), std::min(x + half, side), std::min(y + half, side)};
}

// Each becomes `share` of itself and the rest of the other.
void blend(double share, std::size_t count, float* a, float* b) {
  const auto own = static_cast<float>(share), other = static_cast<float>(1.0 - share);
  for (std::size_t i = 0; i < count; ++i) {
    const float mixed = own * a[i] + other * b[i];
    b[i] = own * b[i] + other * a[i];
    a[i] = mixed;
  }
}

}  // namespace

double draw_beta(double a, Random& random) {
  const double first = draw_log_gamma(a, random), second = draw_log_gamma(a, random);
  return 1.0 / (1.0 + std::exp(second - first));
}

Mix draw_mix(const Augmentation& augmentation, int side, Random& random) {
  Mix mix;
  if (augmentation.mixup <= 0.0 && augmentation.cut_mix <= 0.0) return mix;
  mix.cut = augmentation.cut_mix > 0.0 && (augmentation.mixup <= 0.0 || random.chance(0.5));
  mix.share = draw_beta(mix.cut ? augmentation.cut_mix : augmentation.mixup, random);
  if (!mix.cut) return mix;
  mix.patch = draw_patch(mix.share, side, random);
  const auto& [left, top, right, bottom] = mix.patch;
  mix.share = 1.0 - static_cast<double>(right - left) * (bottom - top) / (static_cast<double>(side) * side);
  return mix;
}

void mix_pictures(const Mix& mix, int side, float* a, float* b) {
  const std::size_t plane = static_cast<std::size_t>(side) * side;
  if (!mix.cut) return blend(mix.share, 3 * plane, a, b);
  const auto& [left, top, right, bottom] = mix.patch;
  for (int channel = 0; channel < 3; ++channel)
    for (int y = top; y < bottom; ++y) {
      const std::size_t row = channel * plane + static_cast<std::size_t>(y) * side;
      std::swap_ranges(a + row + left, a + row + right, b + row + left);
    }
}

void mix_targets(const Mix& mix, int classes, float* a, float* b) { blend(mix.share, classes, a, b); }

void erase(int side, Random& random, float* picture) {
  const double area = static_cast<double>(side) * side;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double wanted = area * random.uniform(kLeastErased, kMostErased);
    const double aspect = std::exp(random.uniform(std::log(kLeastAspect), -std::log(kLeastAspect)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(wanted * aspect)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(wanted / aspect)));
    if (width >= side || height >= side) continue;
    const int top = random.whole(side - height + 1), left = random.whole(side - width + 1);
    for (int channel = 0; channel < 3; ++channel)
      for (int y = top; y < top + height; ++y)
        for (int x = left; x < left + width; ++x)
          picture[(static_cast<std::size_t>(channel) * side + y) * side + x] =
              static_cast<float>(random.normal());
    return;
  }
}

}  // namespace winnow::train
