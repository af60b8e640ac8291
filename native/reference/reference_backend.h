// Every operation once, slow and obvious: the oracle that the fast backends are compared with.
#pragma once

#include <memory>

#include "ops/backend.h"

namespace winnow {

std::unique_ptr<Backend> make_reference_backend();

}  // namespace winnow
