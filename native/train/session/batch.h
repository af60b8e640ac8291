// The pictures and labels of a step, ready for the network.
#pragma once

#include <cstdint>
#include <vector>

#include "model/dyvm_config.h"
#include "train/augmentation/augment.h"
#include "train/operations/operations.h"

namespace winnow::train {

struct Batch {
  std::vector<float> input;    // [B, 3, S, S], normalised
  std::vector<float> targets;  // [B, classes]: soft labels that sum to one
};

// Varies and mixes pictures as `augmentation` says. `labels` are class indices. The batch is determined by
// `seed`: every picture has random numbers of its own, whatever thread works on it. Fails with bad_argument
// for a label that is no class or a picture without pixels.
Status make_batch(Operations& operations, const DyvmConfig& config, const Preprocessing& preprocessing,
                  const Augmentation& augmentation, const std::vector<TrainingPicture>& pictures,
                  const std::vector<int>& labels, std::uint64_t seed, Batch& batch);

}  // namespace winnow::train
