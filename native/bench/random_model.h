// Models of the published sizes with random weights whose block decisions differ between images, as a trained
// model's do.
#pragma once

#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/weights.h"
#include "ops/result.h"

namespace winnow {

// A DyVM-Vim ("T", "S", "B": 192, 384, 768 wide, 24 blocks, 224 pixels, 1000 classes), the plain Vim without
// predictors and block heads ("S-full"), or a DyVM-MambaReg ("S-reg").
DyvmConfig published_size(const std::string& name);

// Random weights for it. Where it selects blocks, every block head's bias is set so that over the given
// pictures [count, S, S, 3] each direction of each block runs for a share `block_keep` of them; without
// pictures it is zero.
Result<Weights> random_weights(const DyvmConfig& config, const std::vector<std::uint8_t>& pixels, int count,
                               double block_keep);

// Writes the tensors as a safetensors file without metadata.
Status write_safetensors(Weights& weights, const std::string& path);

}  // namespace winnow
