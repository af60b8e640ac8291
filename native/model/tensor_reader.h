// A model's tensors by name, with the one place where a failure is kept.
#pragma once

#include <set>
#include <string>

#include "model/weights.h"
#include "ops/result.h"
#include "ops/shortened.h"

namespace winnow {

// Reads tensors, keeps the first failure and remembers every name that was asked for.
class TensorReader {
 public:
  explicit TensorReader(Weights& weights) : weights_(weights) {}

  // As Weights::tensor; null once something has failed.
  const float* operator()(const std::string& name, const Weights::Shape& shape) {
    asked_.insert(name);
    if (!status) return nullptr;
    const auto values = weights_.tensor(name, shape);
    if (!values) status = values.error();
    return values ? *values : nullptr;
  }

  // Fails for a tensor that the model does not have.
  Status check_all_asked() const {
    for (const std::string& name : weights_.names())
      if (!asked_.contains(name))
        return Error{ErrorCode::bad_model, "Tensor " + shortened(name) +
                                               ": expected none of this name in a model of this manifest."};
    return ok();
  }

  Status status = ok();

 private:
  Weights& weights_;
  std::set<std::string> asked_;
};

}  // namespace winnow
