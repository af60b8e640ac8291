// winnow-golden <package.safetensors> <golden directory> [--device NAME]
//
// Predicts the recorded inputs and compares every recorded tensor with what the original model code computed:
// prints the largest difference of each and ends with 0 only when all are within tolerance.
//
// Patch scores of random weights lie so close that some at the boundary between kept and dropped are equal in
// fp32, and torch.topk does not say which of them it takes. So every stage is decided here from our scores
// and compared with the recorded choice, patches whose recorded score is that of the boundary to within
// rounding excepted; then the recorded choice is taken, so that all that follows it is compared too.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace winnow {
namespace {

constexpr double kTolerance = 1e-3;  // of the largest value of the tensor
constexpr double kTie = 4e-7;  // between two scores: 4 units in the last place of log softmax around -0.7

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

template <typename T>
Comparison compare_values(const std::string& name, const Recorded& expected, const std::vector<T>& actual) {
  if (expected.values.size() != actual.size()) return {name, INFINITY, false};
  double difference = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference = std::max(difference, std::abs(expected.values[i] - static_cast<double>(actual[i])));
    largest = std::max(largest, std::abs(expected.values[i]));
  }
  return {name, difference / largest, difference <= kTolerance * largest};
}

template <typename T>
Comparison compare_decisions(const std::string& name, const Recorded& expected,
                             const std::vector<T>& actual) {
  if (expected.values.size() != actual.size()) return {name, INFINITY, false};
  double differ = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    differ += expected.values[i] != static_cast<double>(actual[i]);
  return {name, differ, differ == 0};
}

// Patches [B, k] kept from scores [B, n], equal to the recorded ones but for ties at the boundary.
Comparison compare_kept(const std::string& name, const Recorded& kept, const Recorded& scores,
                        const std::vector<std::int32_t>& actual) {
  if (kept.values.size() != actual.size()) return {name, INFINITY, false};
  const auto images = kept.shape[0], count = kept.shape[1], patches = scores.shape[1];
  double differ = 0, ties = 0;
  for (std::int64_t b = 0; b < images; ++b) {
    const std::set<std::int64_t> recorded(kept.values.begin() + b * count,
                                          kept.values.begin() + (b + 1) * count);
    const std::set<std::int64_t> ours(actual.begin() + b * count, actual.begin() + (b + 1) * count);
    const auto score = [&](std::int64_t patch) { return scores.values[b * patches + patch]; };
    double boundary = INFINITY;
    for (std::int64_t patch : recorded) boundary = std::min(boundary, score(patch));
    for (std::int64_t patch = 0; patch < patches; ++patch) {
      if (recorded.contains(patch) == ours.contains(patch)) continue;
      (std::abs(score(patch) - boundary) > kTie ? differ : ties) += 1;
    }
  }
  return {name, differ, differ == 0, static_cast<int>(ties)};
}

std::vector<Comparison> compare_run(const std::string& run, const Expected& expected, const Outputs& outputs,
                                    int depth) {
  std::vector<Comparison> rows = {
      compare_values(run + "/logits", expected.read(run + "/logits"), outputs.logits)};
  for (std::size_t stage = 0; stage < outputs.kept.size(); ++stage) {
    const std::string prefix = run + "/stage" + std::to_string(stage);
    if (expected.has(prefix + ".score"))
      rows.push_back(
          compare_values(prefix + ".score", expected.read(prefix + ".score"), outputs.scores[stage]));
    if (expected.has(prefix + ".keep"))
      rows.push_back(compare_kept(prefix + ".keep", expected.read(prefix + ".keep"),
                                  expected.read(prefix + ".score"), outputs.kept[stage]));
  }
  for (int layer = 0; layer < depth; ++layer) {
    char name[64];
    std::snprintf(name, sizeof name, "%s/layer%02d.block_policy", run.c_str(), layer);
    if (!expected.has(name)) continue;
    std::vector<int> policy;
    for (int b = 0; b < outputs.images; ++b)
      for (std::uint8_t direction : {kForward, kBackward})
        policy.push_back((outputs.directions[b * depth + layer] & direction) != 0);
    rows.push_back(compare_decisions(name, expected.read(name), policy));
  }
  return rows;
}

// Returns the number of tensors that differ, or -1 when the check cannot be made (a sentence says why).
int check(const std::string& package, const std::string& directory, const std::string& device) {
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return -1;
  };
  std::ifstream config_file(directory + "/config.json");
  const auto config = nlohmann::json::parse(config_file, nullptr, false);
  if (!config.is_object() || !config.contains("runs"))
    return fail("Expected runs in " + directory + "/config.json.");
  const auto expected = Expected::open(directory + "/expected.safetensors");
  if (!expected) return fail(expected.error().message);
  auto weights = Weights::open(package);
  if (!weights) return fail(weights.error().message);
  const auto manifest = read_manifest(weights->metadata("winnow"));
  if (!manifest) return fail(manifest.error().message);
  auto backend = make_backend(device, 0);
  if (!backend) return fail(backend.error().message);
  auto model = DyvmModel::create(*manifest, *weights, **backend);
  if (!model) return fail(model.error().message);

  const Recorded input = expected->read("input");
  const std::vector<float> images(input.values.begin(), input.values.end());
  int failures = 0;
  for (const auto& [run, ratios] : config["runs"].items()) {
    DynamicOptions options;
    options.trace = true;
    if (ratios.is_array()) options.token_keep = ratios.get<std::vector<double>>();
    std::vector<std::vector<std::int32_t>> recorded;
    for (std::size_t stage = 0; stage < options.token_keep.size(); ++stage) {
      const Recorded kept = expected->read(run + "/stage" + std::to_string(stage) + ".keep");
      recorded.emplace_back(kept.values.begin(), kept.values.end());
    }
    options.replay = &recorded;
    Outputs outputs;
    const Status done =
        (*model)->predict_normalised(images.data(), static_cast<int>(input.shape[0]), options, outputs);
    if (!done) return fail(done.error().message);
    for (const Comparison& row : compare_run(run, *expected, outputs, manifest->depth)) {
      std::printf("%-10s %-32s %-10.3g %s", device.c_str(), row.name.c_str(), row.difference,
                  row.passed ? "ok" : "DIFFERS");
      if (row.ties > 0) std::printf(", %d at a tie", row.ties);
      std::printf("\n");
      failures += !row.passed;
    }
  }
  return failures;
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string device = "reference";
  if (const auto option = std::find(arguments.begin(), arguments.end(), "--device");
      option != arguments.end() && option + 1 != arguments.end()) {
    device = *(option + 1);
    arguments.erase(option, option + 2);
  }
  if (arguments.size() != 2) {
    std::fprintf(
        stderr,
        "Expected a model package and a golden directory: winnow-golden PACKAGE DIRECTORY [--device NAME]\n");
    return 2;
  }
  const int failures = winnow::check(arguments[0], arguments[1], device);
  if (failures == 0) return 0;
  if (failures > 0) std::printf("%d tensors differ\n", failures);
  return 1;
}
