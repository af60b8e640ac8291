// What a classifier sees in a picture, in front of its last layer.
#pragma once

#include "model/dyvm_config.h"
#include "model/weights.h"

namespace winnow {

// Puts the identity in place of the head among `weights`: the logits of a model of the returned config are
// then the features that a head is applied to (the normed class token; of MambaReg the joined registers).
// Fails with bad_argument for a model that is no classifier.
Result<DyvmConfig> make_feature_model(const DyvmConfig& config, Weights& weights);

}  // namespace winnow
