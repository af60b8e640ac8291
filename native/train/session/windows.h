// The windows of a step that teaches a segmentation or a detection model.
#pragma once

#include <cstdint>
#include <vector>

#include "model/dyvm_config.h"
#include "train/augmentation/augmentation.h"
#include "train/operations/operations.h"
#include "train/session/examples.h"
#include "train/training_object.h"

namespace winnow::train {

// Of segmentation.
struct Windows {
  std::vector<std::uint8_t> pixels;  // [B, S, S, 3]: RGB bytes
  std::vector<std::uint8_t> labels;  // [B, S, S]: classes, 255 where nothing is marked
};

// Of detection.
struct ObjectWindows {
  std::vector<std::uint8_t> pixels;                  // [B, S, S, 3]: RGB bytes
  std::vector<std::vector<TrainingObject>> objects;  // [B]: of each window, none of background
};

// Cuts a window of the model's image size out of every picture, as `augmentation` says: its crop is of kind
// `window`. The step is determined by `seed`. Where marked objects overlap, the last one holds. Fails with
// bad_argument for a picture without pixels, a label that is no class, or masks of another size.
Status make_windows(Operations& operations, const DyvmConfig& config, const Augmentation& augmentation,
                    const std::vector<TrainingExample>& examples, std::uint64_t seed, Windows& windows);

// The same for a detector: see vary_objects.
Status make_object_windows(Operations& operations, const DyvmConfig& config, const Augmentation& augmentation,
                           const std::vector<TrainingExample>& examples, std::uint64_t seed,
                           ObjectWindows& windows);

}  // namespace winnow::train
