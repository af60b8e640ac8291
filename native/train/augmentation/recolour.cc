#include "train/augmentation/recolour.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace winnow::train {
namespace {

std::size_t bytes_of(int side) { return 3ull * side * side; }

std::uint8_t clipped(double value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));  // truncated, as PIL does
}

// ITU-R 601, in PIL's fixed point.
int grey_of(const std::uint8_t* pixel) {
  return (19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 0x8000) >> 16;
}

// value(i, c): the other picture's channel c of pixel i.
template <typename Value>
void blend(int side, double factor, std::uint8_t* pixels, Value value) {
  for (std::size_t i = 0; i < bytes_of(side); ++i) {
    const double other = value(i / 3, static_cast<int>(i % 3));
    pixels[i] = clipped(other + factor * (pixels[i] - other));
  }
}

// Each value of a channel becomes what the channel's table says.
template <typename MakeTable>
void map_channels(int side, std::uint8_t* pixels, MakeTable make_table) {
  for (int channel = 0; channel < 3; ++channel) {
    std::array<int, 256> counts{};
    for (std::size_t i = channel; i < bytes_of(side); i += 3) ++counts[pixels[i]];
    std::array<std::uint8_t, 256> table;
    for (int value = 0; value < 256; ++value) table[value] = static_cast<std::uint8_t>(value);
    make_table(counts, table);
    for (std::size_t i = channel; i < bytes_of(side); i += 3) pixels[i] = table[pixels[i]];
  }
}

}  // namespace

void change_brightness(int side, double factor, std::uint8_t* pixels) {
  blend(side, factor, pixels, [](std::size_t, int) { return 0.0; });
}

void change_contrast(int side, double factor, std::uint8_t* pixels) {
  double sum = 0.0;
  for (std::size_t i = 0; i < bytes_of(side); i += 3) sum += grey_of(pixels + i);
  const double mean = std::floor(3.0 * sum / static_cast<double>(bytes_of(side)) + 0.5);
  blend(side, factor, pixels, [mean](std::size_t, int) { return mean; });
}

void change_saturation(int side, double factor, std::uint8_t* pixels) {
  for (std::size_t i = 0; i < bytes_of(side); i += 3) {
    const double grey = grey_of(pixels + i);
    for (int channel = 0; channel < 3; ++channel)
      pixels[i + channel] = clipped(grey + factor * (pixels[i + channel] - grey));
  }
}

void change_sharpness(int side, double factor, std::uint8_t* pixels) {
  std::vector<std::uint8_t> smooth(pixels, pixels + bytes_of(side));  // its edge stays as it is
  const auto at = [&](int y, int x) { return 3 * (static_cast<std::size_t>(y) * side + x); };
  for (int y = 1; y + 1 < side; ++y)
    for (int x = 1; x + 1 < side; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        int sum = 4 * pixels[at(y, x) + channel];  // the middle counts five times
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) sum += pixels[at(y + dy, x + dx) + channel];
        smooth[at(y, x) + channel] = static_cast<std::uint8_t>((2 * sum + 13) / 26);
      }
  blend(side, factor, pixels, [&](std::size_t i, int channel) { return smooth[3 * i + channel]; });
}

void stretch_contrast(int side, std::uint8_t* pixels) {
  map_channels(side, pixels, [](const std::array<int, 256>& counts, std::array<std::uint8_t, 256>& table) {
    int low = 0, high = 255;
    while (low < 255 && counts[low] == 0) ++low;
    while (high > 0 && counts[high] == 0) --high;
    if (high <= low) return;
    const double scale = 255.0 / (high - low);
    for (int value = 0; value < 256; ++value) table[value] = clipped(value * scale - low * scale);
  });
}

void equalise(int side, std::uint8_t* pixels) {
  map_channels(side, pixels, [](const std::array<int, 256>& counts, std::array<std::uint8_t, 256>& table) {
    int total = 0, last = 0;
    for (int count : counts) {
      total += count;
      if (count > 0) last = count;
    }
    const int step = (total - last) / 255;
    if (step == 0) return;
    int sum = step / 2;
    for (int value = 0; value < 256; ++value) {
      table[value] = static_cast<std::uint8_t>(std::min(sum / step, 255));
      sum += counts[value];
    }
  });
}

void posterise(int side, int bits, std::uint8_t* pixels) {
  const int mask = 0xff & ~((1 << (8 - bits)) - 1);
  for (std::size_t i = 0; i < bytes_of(side); ++i) pixels[i] &= static_cast<std::uint8_t>(mask);
}

void solarise(int side, int threshold, std::uint8_t* pixels) {
  for (std::size_t i = 0; i < bytes_of(side); ++i)
    if (pixels[i] >= threshold) pixels[i] = static_cast<std::uint8_t>(255 - pixels[i]);
}

void solarise_add(int side, int amount, std::uint8_t* pixels) {
  for (std::size_t i = 0; i < bytes_of(side); ++i)
    if (pixels[i] < 128) pixels[i] = static_cast<std::uint8_t>(std::min(pixels[i] + amount, 255));
}

void warp(int side, const Affine& t, const Colour& fill, std::uint8_t* pixels) {
  const std::vector<std::uint8_t> old(pixels, pixels + bytes_of(side));
  const double middle = 0.5 * (side - 1);
  const auto value = [&](int y, int x, int channel) -> double {
    return old[3 * (static_cast<std::size_t>(y) * side + x) + channel];
  };
  for (int row = 0; row < side; ++row)
    for (int column = 0; column < side; ++column, pixels += 3) {
      const double x = column - middle, y = row - middle;
      const double from_x = t.a * x + t.b * y + t.c + middle, from_y = t.d * x + t.e * y + t.f + middle;
      if (!(from_x > -0.5 && from_x < side - 0.5 && from_y > -0.5 && from_y < side - 0.5)) {
        std::copy(fill.begin(), fill.end(), pixels);
        continue;
      }
      const double px = std::clamp(from_x, 0.0, side - 1.0), py = std::clamp(from_y, 0.0, side - 1.0);
      const int left = static_cast<int>(px), top = static_cast<int>(py);
      const int right = std::min(left + 1, side - 1), bottom = std::min(top + 1, side - 1);
      const double u = px - left, v = py - top;
      for (int channel = 0; channel < 3; ++channel)
        pixels[channel] =
            clipped((1 - v) * ((1 - u) * value(top, left, channel) + u * value(top, right, channel)) +
                    v * ((1 - u) * value(bottom, left, channel) + u * value(bottom, right, channel)) + 0.5);
    }
}

}  // namespace winnow::train
