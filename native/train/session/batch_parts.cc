#include "train/session/batch_parts.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <vector>

namespace winnow::train {

Colour mean_colour(const DyvmConfig& config) {
  Colour colour;
  for (int c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(std::clamp(std::round(255.0f * config.mean[c]), 0.0f, 255.0f));
  return colour;
}

Status vary_all(Operations& operations, int count, const std::function<Status(int, int)>& vary) {
  std::vector<Status> outcomes(count, ok());
  operations.run(count, [&](int i, int thread) {
    try {
      outcomes[i] = vary(i, thread);
    } catch (const std::exception& problem) {
      outcomes[i] =
          Error{ErrorCode::engine, std::string("Expected to vary a picture, but: ") + problem.what() + "."};
    }
  });
  for (const Status& outcome : outcomes)
    if (!outcome) return outcome;
  return ok();
}

}  // namespace winnow::train
