// What several tests of training work with.
#pragma once

#include <memory>
#include <vector>

#include "bench/random_model.h"
#include "train/operations/operations.h"
#include "train/random.h"
#include "train/trainer/trainer.h"

namespace winnow::train {

// A model of 36 patches, of widths that fill no vector; it prunes three times.
inline DyvmConfig odd_config() {
  DyvmConfig c = published_size("T");
  c.image_size = c.trained_size = 24;
  c.patch_size = c.stride = 4;
  c.embed_dim = 20;
  c.depth = 5;
  c.state_dim = 5;
  c.conv_width = 4;
  c.dt_rank = 3;
  c.classes = 6;
  c.pruning_layers = {1, 2, 4};
  c.token_keep = {0.7, 0.49, 0.343};
  return c;
}

// A model that learns in seconds; it prunes twice.
inline DyvmConfig tiny_config(int image_size, int classes) {
  DyvmConfig c = published_size("T");
  c.image_size = c.trained_size = image_size;
  c.patch_size = c.stride = 4;
  c.embed_dim = 24;
  c.depth = 3;
  c.state_dim = 4;
  c.dt_rank = 2;
  c.classes = classes;
  c.pruning_layers = {1, 2};
  c.token_keep = {0.7, 0.49};
  return c;
}

// How it learns.
inline TrainerSettings settings_of(const DyvmConfig& c) {
  TrainerSettings settings;
  settings.losses.token_keep = c.token_keep;
  settings.optimiser.average_decay = 0.9;
  settings.optimiser.largest_norm = 5.0;
  return settings;
}

// Those of the reference, and of the processor on one thread and on three.
inline std::vector<std::unique_ptr<Operations>> all_operations() {
  std::vector<std::unique_ptr<Operations>> all;
  all.push_back(reference_operations());
#ifdef WINNOW_CPU
  all.push_back(cpu_operations(1));
  all.push_back(cpu_operations(3));
#endif
  return all;
}

// [images, 3, S, S]: as if normalised.
inline std::vector<float> random_input(const DyvmConfig& c, int images, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> input(3ull * c.image_size * c.image_size * images);
  for (float& value : input) value = static_cast<float>(random.normal());
  return input;
}

inline bool alike(const OptimiserState& a, const OptimiserState& b) {
  return a.weights == b.weights && a.first_moment == b.first_moment && a.second_moment == b.second_moment &&
         a.average == b.average && a.steps == b.steps;
}

}  // namespace winnow::train
