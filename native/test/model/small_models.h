// Dense models of the least sizes that there are, and pictures for them.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "bench/random_model.h"
#include "model/dyvm_config.h"
#include "model/picture.h"

namespace winnow {

inline DyvmConfig small_segmenter(int size = 64) {
  DyvmConfig c = published_size("T");
  c.image_size = c.trained_size = size;
  c.embed_dim = 24;
  c.dt_rank = 2;
  c.state_dim = 4;
  c.depth = 6;
  c.patch_size = c.stride = 8;
  c.classes = 9;
  c.pruning_layers = {2, 4};
  c.token_keep = {0.7, 0.4};
  c.segmentation = SegmentationHead{
      .taps = {1, 2, 3, 5}, .width = 20, .pool_scales = {1, 2, 3}, .slide_stride = size * 2 / 3};
  return c;
}

// Of the least sizes: a cascade ("cascade"), a single stage with corrections per class ("plain"), or a
// one-stage head ("one-stage", or "boxes" without masks).
inline DyvmConfig small_detector(const std::string& kind, int side = 64) {
  DyvmConfig c;
  c.image_size = c.trained_size = side;
  c.patch_size = c.stride = 16;
  c.embed_dim = 16;
  c.depth = 2;
  c.state_dim = 16;
  c.conv_width = 4;
  c.dt_rank = 1;
  c.classes = 5;
  c.rotary = true;
  c.halve_directions = kind == "cascade";
  for (int channel = 0; channel < 3; ++channel) {
    c.mean[channel] = 0.45f;
    c.std[channel] = 0.225f;
  }
  if (kind == "one-stage" || kind == "boxes")
    c.detection = OneStageHead{.width = 12, .layers = 2, .prototypes = kind == "boxes" ? 0 : 6};
  else
    c.detection = MaskRcnnHead{
        .width = 8, .box_width = 12, .stages = kind == "cascade" ? 3 : 1, .box_per_class = kind == "plain"};
  return c;
}

inline std::vector<std::uint8_t> striped_picture(PictureSize size) {
  std::vector<std::uint8_t> pixels(3ull * size.width * size.height);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const int c = static_cast<int>(i % 3), x = static_cast<int>(i / 3 % size.width),
              y = static_cast<int>(i / 3 / size.width);
    pixels[i] = static_cast<std::uint8_t>(x * (c + 2) + y * (5 - c) + 40 * ((x / 9 + y / 7) % 3));
  }
  return pixels;
}

inline std::vector<std::uint8_t> random_picture(PictureSize size) {
  std::mt19937 random(7);
  std::vector<std::uint8_t> pixels(3ull * size.width * size.height);
  for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random());
  return pixels;
}

}  // namespace winnow
