// Settings of a training, as the app states them in JSON.
#pragma once

#include <string>

#include "model/dyvm_config.h"
#include "train/augmentation/augmentation.h"
#include "train/trainer/trainer.h"

namespace winnow::train {

struct TrainingSettings {
  DyvmConfig config;            // of the new model
  Preprocessing preprocessing;  // of a classifier
  TrainerSettings trainer;
  Augmentation augmentation;
};

// Reads the JSON object {manifest, losses, optimiser, augmentation} of TrainerSetup in
// electron/shared/trainer-api.ts; `manifest` is an object or its text. Fails with bad_argument, naming the
// field, and with bad_model where the manifest is none.
Result<TrainingSettings> read_training_settings(const std::string& json);

}  // namespace winnow::train
