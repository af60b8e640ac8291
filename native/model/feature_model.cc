#include "model/feature_model.h"

namespace winnow {

Result<DyvmConfig> make_feature_model(const DyvmConfig& config, Weights& weights) {
  if (config.dense())
    return Error{ErrorCode::bad_argument,
                 "Expected a classifier to take features from, but this model draws maps or boxes."};
  DyvmConfig features = config;
  const int dim = features.classes = config.head_inputs();
  std::vector<float> identity(static_cast<std::size_t>(dim) * dim, 0.0f);
  for (int d = 0; d < dim; ++d) identity[static_cast<std::size_t>(d) * (dim + 1)] = 1.0f;
  weights.add("head.weight", {dim, dim}, std::move(identity));
  weights.add("head.bias", {dim}, std::vector<float>(dim, 0.0f));
  return features;
}

}  // namespace winnow
