// Pictures of a batch mixed with each other, and what is erased of them, on normalised pixels.
#pragma once

#include "train/augmentation/augmentation.h"
#include "train/random.h"

namespace winnow::train {

// A rectangle of pixels: left <= x < right, top <= y < bottom.
struct Patch {
  int left = 0, top = 0, right = 0, bottom = 0;
};

// How each picture of a batch is mixed with its partner: the batch read backwards, as timm does.
struct Mix {
  double share = 1.0;  // of a picture in what comes out, and of its label; the rest is the partner's
  bool cut = false;    // the partner's part is the rectangle (CutMix) or everywhere (mixup)
  Patch patch;
};
Mix draw_mix(const Augmentation& augmentation, int side, Random& random);

// Mixes the pictures a and b [3, side, side] of two partners, each with the other.
void mix_pictures(const Mix& mix, int side, float* a, float* b);
// Their targets [classes] likewise.
void mix_targets(const Mix& mix, int classes, float* a, float* b);

// Random erasing (arXiv 1708.04896): a rectangle of 2 to 33 % of the picture [3, side, side] becomes normal
// noise. Ten draws of a rectangle; nothing where none fits.
void erase(int side, Random& random, float* picture);

// A draw of the beta distribution with both parameters `a` > 0.
double draw_beta(double a, Random& random);

}  // namespace winnow::train
