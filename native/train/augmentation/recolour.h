// Changes of a picture's colours and of its geometry, in place, on RGB bytes [side, side, 3]. They are PIL's
// operations as timm's RandAugment uses them.
#pragma once

#include <array>
#include <cstdint>

#include "train/random.h"

namespace winnow::train {

using Colour = std::array<std::uint8_t, 3>;

// Each pixel becomes other + factor (pixel - other), cut off at 0 and 255: 0 gives the other picture, 1
// changes nothing. The other picture is black, its mean grey, itself in grey, and itself smoothed (3 x 3).
void change_brightness(int side, double factor, std::uint8_t* pixels);
void change_contrast(int side, double factor, std::uint8_t* pixels);
void change_saturation(int side, double factor, std::uint8_t* pixels);
void change_sharpness(int side, double factor, std::uint8_t* pixels);

// Each channel stretched so that it goes from 0 to 255.
void stretch_contrast(int side, std::uint8_t* pixels);
// Each channel's values spread so that all are about as frequent.
void equalise(int side, std::uint8_t* pixels);
// Only the highest `bits` of 8 of each value stay.
void posterise(int side, int bits, std::uint8_t* pixels);
// Values from `threshold` on are turned into 255 minus themselves.
void solarise(int side, int threshold, std::uint8_t* pixels);
// Values below 128 grow by `amount`.
void solarise_add(int side, int amount, std::uint8_t* pixels);

// Where a pixel (x, y) of the new picture, measured from the middle, lies in the old one: (a x + b y + c,
// d x + e y + f), in pixels.
struct Affine {
  double a = 1.0, b = 0.0, c = 0.0, d = 0.0, e = 1.0, f = 0.0;
};
// Bilinear; what lies beyond the old picture is `fill`.
void warp(int side, const Affine& affine, const Colour& fill, std::uint8_t* pixels);

// Brightness, contrast and saturation in random order, each by a factor from 1 - strength to 1 + strength.
void jitter_colours(int side, double strength, Random& random, std::uint8_t* pixels);

// RandAugment (arXiv 1909.13719) as timm's `rand-m9-mstd0.5-inc1`: so many of 15 operations, each done every
// other time, at a strength around `magnitude` of 10.
void rand_augment(int side, int operations, double magnitude, const Colour& fill, Random& random,
                  std::uint8_t* pixels);

}  // namespace winnow::train
