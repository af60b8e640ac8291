// Weights that training starts from.
#pragma once

#include <cstdint>

#include "model/dyvm_config.h"
#include "model/weights.h"
#include "train/network/parameters.h"

namespace winnow::train {

// All tensors of a new model: Mamba's initialisation (arXiv 2312.00752) in Vim (arXiv 2401.09417).
Weights initial_weights(const DyvmConfig& config, std::uint64_t seed);

// Adds what a DyVM has and its unpruned parent has not: fresh score predictors, and block heads that keep all
// directions. What is there already stays; so does a head for as many classes, another is made anew.
void add_missing(const DyvmConfig& config, Weights& weights, std::uint64_t seed);
// Likewise of the parameters of a table, behind which heads may have put their own.
void add_missing(const DyvmConfig& config, const ParameterTable& table, Weights& weights, std::uint64_t seed);

// The same model without pruning and block selection.
DyvmConfig without_pruning(const DyvmConfig& config);

// What a model of `config` takes over from another one of the same architecture, `from` with its `weights`:
// all that both have, but predictors only where both prune before the same blocks. A dense model takes its
// backbone from a classifier, the positions interpolated to its grid and without the class token's, weights
// of patches resized to its patches, or from another dense model, of the same task with the head's tensors of
// equal shape. Fails with bad_model where
// `weights` are none of `from`, and with bad_argument for another architecture or other sizes.
Result<Weights> inherit(const DyvmConfig& config, const DyvmConfig& from, Weights& weights);

}  // namespace winnow::train
