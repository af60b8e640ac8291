// JSON that comes from outside.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace winnow {

inline constexpr int kDeepestJson = 16;  // lists and objects in each other; manifests have 6

// Whether a text opens more lists and objects in each other than that. What is no JSON may be said to be
// either.
inline bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char sign = text[i];
    if (in_string) {
      if (sign == '\\') ++i;
      if (sign == '"') in_string = false;
    } else if (sign == '"') {
      in_string = true;
    } else if (sign == '[' || sign == '{') {
      if (++depth > kDeepestJson) return true;
    } else if (sign == ']' || sign == '}') {
      --depth;
    }
  }
  return false;
}

// Parses a text; discarded() for one that is no JSON or too deep, since copying and writing values recurses
// into them.
inline nlohmann::json parse_json(std::string_view text) {
  if (is_too_deep(text)) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace winnow
