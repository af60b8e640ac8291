// A training on disk, as safetensors that model/weights.h opens. A file is written beside its place, synced
// to disk and renamed: it is there whole or as it was before. Writing fails with engine, in a sentence.
#pragma once

#include <string>

#include "model/dyvm_config.h"
#include "train/network/parameters.h"
#include "train/trainer/optimiser.h"

namespace winnow::train {

// All that a training goes on from, and which model it is of.
Status save_state(const std::string& path, const DyvmConfig& config, const OptimiserState& state);
// `parameters`: how many numbers the model's weights are. Fails with bad_argument for a file that is no
// state, or the state of another model; naming what differs.
Result<OptimiserState> load_state(const std::string& path, const DyvmConfig& config, std::size_t parameters);

// `values` of the table's size as tensors by their names in a checkpoint, F32.
Status save_weights(const std::string& path, const ParameterTable& table, const std::vector<float>& values);

}  // namespace winnow::train
