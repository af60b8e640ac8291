// What the comparisons with recorded runs share: the recorded tensors, and rows of what was compared.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "model/dyvm_config.h"
#include "model/weights.h"
#include "ops/backend.h"

namespace winnow {

struct Comparison {
  std::string name;
  double difference;  // relative to the largest expected value; for decisions the number that differ
  bool passed;
  int ties = 0;  // decisions between equal scores that fell the other way
};

// A recorded tensor by name; fp32 or integers that the file stores as I32 or I64 or U8 are told apart by
// Weights.
struct Recorded {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

// The .safetensors of expected tensors, read without the checks of a model package: it holds integers as
// well.
class Expected {
 public:
  static Result<Expected> open(const std::string& path) {
    Expected expected;
    std::ifstream file(path, std::ios::binary);
    std::uint64_t size = 0;
    if (!file.read(reinterpret_cast<char*>(&size), 8) || size > 100'000'000)
      return Error{ErrorCode::bad_argument, "Expected recorded tensors at " + path + "."};
    std::string header(size, '\0');
    file.read(header.data(), static_cast<std::streamsize>(size));
    expected.header_ = nlohmann::json::parse(header, nullptr, false);
    expected.bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (!expected.header_.is_object())
      return Error{ErrorCode::bad_argument, "Expected a safetensors file at " + path + "."};
    return expected;
  }
  bool has(const std::string& name) const { return header_.contains(name); }
  Recorded read(const std::string& name) const {
    const auto& entry = header_.at(name);
    Recorded recorded;
    recorded.shape = entry.at("shape").get<std::vector<std::int64_t>>();
    const std::string type = entry.at("dtype");
    const char* data = bytes_.data() + entry.at("data_offsets")[0].get<std::size_t>();
    const char* end = bytes_.data() + entry.at("data_offsets")[1].get<std::size_t>();
    const auto append = [&](auto sample) {
      for (; data < end; data += sizeof sample) {
        std::memcpy(&sample, data, sizeof sample);
        recorded.values.push_back(static_cast<double>(sample));
      }
    };
    if (type == "F32")
      append(float{});
    else if (type == "I64")
      append(std::int64_t{});
    else if (type == "I32")
      append(std::int32_t{});
    else if (type == "U8" || type == "BOOL")
      append(std::uint8_t{});
    return recorded;
  }

 private:
  nlohmann::json header_;
  std::vector<char> bytes_;
};

inline double largest_of(const Recorded& recorded) {
  double largest = 0.0;
  for (double value : recorded.values) largest = std::max(largest, std::abs(value));
  return largest;
}

// Compares [B, ...] but for the images that `left_out` names.
inline Comparison compare_values(const std::string& name, const Recorded& expected,
                                 const std::vector<float>& actual, double tolerance,
                                 const std::set<int>& left_out = {}) {
  if (expected.values.size() != actual.size()) return {name, INFINITY, false};
  const std::size_t per_image = actual.size() / static_cast<std::size_t>(expected.shape[0]);
  const double largest = largest_of(expected);
  double difference = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!left_out.contains(static_cast<int>(i / per_image)))
      difference = std::max(difference, std::abs(expected.values[i] - static_cast<double>(actual[i])));
  return {name, difference / largest, difference <= tolerance * largest};
}

// Every `step`-th row and column of [side, side, C], the first of each among them, as [C, ceil(side / step),
// same].
inline std::vector<float> every_nth(const std::vector<float>& map, int channels, int side, int step) {
  std::vector<float> picked;
  for (int c = 0; c < channels; ++c)
    for (int y = 0; y < side; y += step)
      for (int x = 0; x < side; x += step)
        picked.push_back(map[(static_cast<std::size_t>(y) * side + x) * channels + c]);
  return picked;
}

// A recorded [C, H, W] against ours [side, side, C], of which every `step`-th row and column was recorded.
inline Comparison compare_map(const std::string& name, const Recorded& recorded,
                              const std::vector<float>& actual, int step, double tolerance) {
  const auto channels = static_cast<int>(recorded.shape[0]);
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(actual.size()) / channels)));
  const std::int64_t recorded_side = (side + step - 1) / step;
  if (actual.size() != static_cast<std::size_t>(side) * side * channels ||
      recorded.shape[1] != recorded_side || recorded.shape[2] != recorded_side)
    return {name, INFINITY, false};
  return compare_values(name, recorded, every_nth(actual, channels, side, step), tolerance);
}

inline constexpr double kTie =
    4e-7;  // between two scores: 4 units in the last place of log softmax around -0.7

// Every recorded tensor of a directory against what a model computes; `golden` is the directory's
// config.json. Fails when the comparison cannot be made.
Result<std::vector<Comparison>> compare_segmentation(const DyvmConfig& config, Weights& weights,
                                                     Backend& backend, Precision precision,
                                                     const Expected& expected, const nlohmann::json& golden);
Result<std::vector<Comparison>> compare_detection(const DyvmConfig& config, Weights& weights,
                                                  Backend& backend, Precision precision,
                                                  const Expected& expected, const nlohmann::json& golden);

}  // namespace winnow
