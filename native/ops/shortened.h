// Texts from files inside of sentences.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace winnow {

inline constexpr std::size_t kLongestQuote = 80;  // characters; LONGEST_QUOTE of electron/shared/shortened.ts

// A text for a sentence: the first kLongestQuote characters (of UTF-8) of a longer one, and an ellipsis.
inline std::string shortened(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && ++characters > kLongestQuote) return std::string(text.substr(0, i)) + "\u2026";
  }
  return std::string(text.substr(0, 4 * kLongestQuote));  // longer only where it is not UTF-8
}

}  // namespace winnow
