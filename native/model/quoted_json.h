// JSON values from files inside of sentences.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "ops/shortened.h"

namespace winnow {

// A value for a sentence, as shortened() has it.
inline std::string quoted(const nlohmann::json& value) { return shortened(value.dump()); }

}  // namespace winnow
