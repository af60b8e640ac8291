// JSON values of files in error messages.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "ops/shortened.h"

namespace winnow {

// A value as text, shortened as shortened() does.
inline std::string quoted(const nlohmann::json& value) { return shortened(value.dump()); }

}  // namespace winnow
