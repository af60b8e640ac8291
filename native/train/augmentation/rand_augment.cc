#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "train/augmentation/recolour.h"

namespace winnow::train {
namespace {

constexpr double kMost = 10.0;                        // magnitude
constexpr double kDeviation = 0.5;                    // of the magnitudes, around the one asked for
constexpr double kMostTurn = std::numbers::pi / 6.0;  // the following at the largest magnitude
constexpr double kMostShear = 0.3;
constexpr double kMostShift = 0.45;  // of the side
constexpr double kMostChange = 0.9;  // of colours, contrast, brightness and sharpness
constexpr double kLeastFactor = 0.1;
constexpr int kMostAdded = 110;

enum Operation {
  kAutoContrast,
  kEqualise,
  kInvert,
  kRotate,
  kPosterise,
  kSolarise,
  kSolariseAdd,
  kSaturation,
  kContrast,
  kBrightness,
  kSharpness,
  kShearX,
  kShearY,
  kShiftX,
  kShiftY,
  kOperations
};

// `part`: of the largest magnitude.
void perform(Operation operation, double part, int side, const Colour& fill, Random& random,
             std::uint8_t* pixels) {
  const double sign = random.chance(0.5) ? -1.0 : 1.0;
  const double factor = std::max(kLeastFactor, 1.0 + sign * part * kMostChange);
  Affine affine;
  switch (operation) {
    case kAutoContrast:
      return stretch_contrast(side, pixels);
    case kEqualise:
      return equalise(side, pixels);
    case kInvert:
      return solarise(side, 0, pixels);
    case kPosterise:
      return posterise(side, 4 - static_cast<int>(4 * part), pixels);
    case kSolarise:
      return solarise(side, 256 - static_cast<int>(256 * part), pixels);
    case kSolariseAdd:
      return solarise_add(side, static_cast<int>(kMostAdded * part), pixels);
    case kSaturation:
      return change_saturation(side, factor, pixels);
    case kContrast:
      return change_contrast(side, factor, pixels);
    case kBrightness:
      return change_brightness(side, factor, pixels);
    case kSharpness:
      return change_sharpness(side, factor, pixels);
    case kRotate: {
      const double angle = sign * part * kMostTurn;
      affine.a = affine.e = std::cos(angle);
      affine.b = std::sin(angle);
      affine.d = -affine.b;
      break;
    }
    case kShearX:
      affine.b = sign * part * kMostShear;
      affine.c = 0.5 * side * affine.b;  // the upper edge stays
      break;
    case kShearY:
      affine.d = sign * part * kMostShear;
      affine.f = 0.5 * side * affine.d;  // the left edge stays
      break;
    case kShiftX:
      affine.c = sign * part * kMostShift * side;
      break;
    case kShiftY:
      affine.f = sign * part * kMostShift * side;
      break;
    case kOperations:
      return;
  }
  warp(side, affine, fill, pixels);
}

}  // namespace

void jitter_colours(int side, double strength, Random& random, std::uint8_t* pixels) {
  void (*changes[])(int, double, std::uint8_t*) = {change_brightness, change_contrast, change_saturation};
  for (int left = 3; left > 0; --left) {
    const int next = random.whole(left);
    changes[next](side, random.uniform(1.0 - strength, 1.0 + strength), pixels);
    std::swap(changes[next], changes[left - 1]);
  }
}

void rand_augment(int side, int operations, double magnitude, const Colour& fill, Random& random,
                  std::uint8_t* pixels) {
  for (int i = 0; i < operations; ++i) {
    const auto operation = static_cast<Operation>(random.whole(kOperations));
    const bool done = random.chance(0.5);
    const double strength = std::clamp(magnitude + kDeviation * random.normal(), 0.0, kMost);
    if (done) perform(operation, strength / kMost, side, fill, random, pixels);
  }
}

}  // namespace winnow::train
