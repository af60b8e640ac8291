// How long the parts of a prediction take.
#pragma once

#include <chrono>
#include <utility>

namespace winnow {

class Clock {
 public:
  // Milliseconds since the last call, or since the clock was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace winnow
