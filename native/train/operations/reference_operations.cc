#include "train/operations/reference_operations.h"

namespace winnow::train {

std::unique_ptr<Operations> reference_operations() { return std::make_unique<ReferenceOperations<float>>(); }

}  // namespace winnow::train
