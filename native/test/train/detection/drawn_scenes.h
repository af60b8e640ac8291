// Scenes that a small detector learns in seconds: one or two rectangles on a noisy ground, of class 0 striped
// across, of class 1 striped down.
#pragma once

#include <algorithm>
#include <vector>

#include "test/train/training_data.h"
#include "train/training_object.h"

namespace winnow::train {

struct Scenes {
  std::vector<std::uint8_t> pixels;
  std::vector<std::vector<TrainingObject>> objects;
};

// `cells`: of a mask on a side. The scenes have their objects in two halves, so none hides another.
inline Scenes draw_scenes(int count, int side, int cells, std::uint64_t seed) {
  Random random(seed);
  Scenes scenes;
  for (int scene = 0; scene < count; ++scene) {
    const double ground = random.uniform(90.0, 160.0);
    std::vector<double> grey(static_cast<std::size_t>(side) * side, ground);
    auto& objects = scenes.objects.emplace_back();
    for (int half = 0; half < 2; ++half) {
      if (random.chance(0.3)) continue;
      const int room = side / 2, width = room / 2 + random.whole(room / 2),
                height = room / 2 + random.whole(room / 2), left = half * room + random.whole(room - width),
                top = random.whole(side - height), label = random.whole(2);
      TrainingObject object{{static_cast<float>(left), static_cast<float>(top),
                             static_cast<float>(left + width), static_cast<float>(top + height)},
                            label,
                            std::vector<std::uint8_t>(static_cast<std::size_t>(cells) * cells, 0)};
      for (int y = top; y < top + height; ++y)
        for (int x = left; x < left + width; ++x)
          grey[static_cast<std::size_t>(y) * side + x] = (label == 0 ? y : x) / 2 % 2 == 0 ? 245.0 : 10.0;
      const double cell = static_cast<double>(side) / cells;
      for (int y = 0; y < cells; ++y)
        for (int x = 0; x < cells; ++x) {
          const double at_x = (x + 0.5) * cell, at_y = (y + 0.5) * cell;
          object.mask[static_cast<std::size_t>(y) * cells + x] =
              at_x >= left && at_x < left + width && at_y >= top && at_y < top + height;
        }
      objects.push_back(std::move(object));
    }
    for (double value : grey)
      for (int channel = 0; channel < 3; ++channel)
        scenes.pixels.push_back(
            static_cast<std::uint8_t>(std::clamp(value + 15.0 * random.normal(), 0.0, 255.0)));
  }
  return scenes;
}

}  // namespace winnow::train
