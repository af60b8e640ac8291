// winnow-golden <package.safetensors> <golden directory> [--device NAME] [--precision NAME]
//
// Predicts the recorded inputs and compares every recorded tensor with what the original model code computed:
// prints the largest difference of each and ends with 0 only when all are within tolerance.
//
// Patch scores of random weights lie so close that some at the boundary between kept and dropped are equal in
// fp32, and torch.topk does not say which of them it takes. So every stage is decided here from our scores
// and compared with the recorded choice, patches whose recorded score is that of the boundary to within
// rounding (in bf16 and int8, the error of the scores) excepted; then the recorded choice is taken, so that
// all that follows it is compared too.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "test/golden/golden_support.h"

namespace winnow {
namespace {

// How far from the original a precision may be. Where bf16 or int8 move the residual stream, a block decision
// whose logit is near zero may fall the other way, and all later numbers of that image with it: at most a
// share of the decisions may, and the image's logits and scores are then left out of the comparison. Sums are
// rounded in another order by every instruction set, so the bounds lie well above what one machine shows.
struct Tolerance {
  double value;    // of logits and scores: relative to the largest of the tensor
  double flipped;  // share of all block decisions
};

Tolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return {3e-2, 0.025};
    case Precision::int8:
      return {7e-2, 0.05};
    case Precision::fp32:
      break;
  }
  return {1e-3, 0.0};
}

// Patches [B, k] kept from scores [B, n], equal to the recorded ones but for ties at the boundary.
Comparison compare_kept(const std::string& name, const Recorded& kept, const Recorded& scores,
                        const std::vector<std::int32_t>& actual, double tie, const std::set<int>& left_out) {
  if (kept.values.size() != actual.size()) return {name, INFINITY, false};
  const auto images = kept.shape[0], count = kept.shape[1], patches = scores.shape[1];
  double differ = 0, ties = 0;
  for (std::int64_t b = 0; b < images; ++b) {
    if (left_out.contains(static_cast<int>(b))) continue;
    const std::set<std::int64_t> recorded(kept.values.begin() + b * count,
                                          kept.values.begin() + (b + 1) * count);
    const std::set<std::int64_t> ours(actual.begin() + b * count, actual.begin() + (b + 1) * count);
    const auto score = [&](std::int64_t patch) { return scores.values[b * patches + patch]; };
    double boundary = INFINITY;
    for (std::int64_t patch : recorded) boundary = std::min(boundary, score(patch));
    for (std::int64_t patch = 0; patch < patches; ++patch) {
      if (recorded.contains(patch) == ours.contains(patch)) continue;
      (std::abs(score(patch) - boundary) > tie ? differ : ties) += 1;
    }
  }
  return {name, differ, differ == 0, static_cast<int>(ties)};
}

// The block decisions of all layers, one row for each layer that differs and one for all; `flipped` gets the
// images.
std::vector<Comparison> compare_directions(const std::string& run, const Expected& expected,
                                           const Outputs& outputs, int depth, double allowed,
                                           std::set<int>& flipped) {
  std::vector<Comparison> rows;
  double differ = 0, all = 0;
  for (int layer = 0; layer < depth; ++layer) {
    char name[64];
    std::snprintf(name, sizeof name, "%s/layer%02d.block_policy", run.c_str(), layer);
    if (!expected.has(name)) continue;
    const Recorded recorded = expected.read(name);
    double here = 0;
    std::set<int> now;
    for (int b = 0; b < outputs.images; ++b) {
      all += 2;
      if (flipped.contains(b)) continue;  // what came after its first flip follows from that
      for (int i = 0; i < 2; ++i) {
        const bool ran = outputs.directions[b * depth + layer] & (i == 0 ? kForward : kBackward);
        if (ran == (recorded.values[2 * b + i] != 0.0)) continue;
        ++here;
        now.insert(b);
      }
    }
    flipped.merge(now);
    if (here > 0) rows.push_back({name, here, allowed > 0.0});
    differ += here;
  }
  if (all > 0) rows.push_back({run + "/block_policy of all layers", differ, differ <= allowed * all});
  return rows;
}

std::vector<Comparison> compare_run(const std::string& run, const Expected& expected, const Outputs& outputs,
                                    int depth, const Tolerance& tolerance) {
  std::set<int> flipped;
  std::vector<Comparison> rows =
      compare_directions(run, expected, outputs, depth, tolerance.flipped, flipped);
  const std::set<int> left_out = tolerance.flipped > 0.0 ? flipped : std::set<int>();
  rows.push_back(compare_values(run + "/logits", expected.read(run + "/logits"), outputs.logits,
                                tolerance.value, left_out));
  for (std::size_t stage = 0; stage < outputs.kept.size(); ++stage) {
    const std::string prefix = run + "/stage" + std::to_string(stage);
    if (!expected.has(prefix + ".score")) continue;
    const Recorded scores = expected.read(prefix + ".score");
    rows.push_back(
        compare_values(prefix + ".score", scores, outputs.scores[stage], tolerance.value, left_out));
    // Of two patches whose scores may each be off by the error just seen, either may be the better one.
    const double error = rows.back().difference * largest_of(scores);
    rows.push_back(compare_kept(prefix + ".keep", expected.read(prefix + ".keep"), scores,
                                outputs.kept[stage], tolerance.flipped > 0.0 ? kTie + 2.0 * error : kTie,
                                left_out));
  }
  return rows;
}

Result<std::vector<Comparison>> compare_classification(const DyvmConfig& config, Weights& weights,
                                                       Backend& backend, Precision precision,
                                                       const Expected& expected,
                                                       const nlohmann::json& golden) {
  if (!golden.contains("runs")) return Error{ErrorCode::bad_argument, "Expected runs in config.json."};
  auto model = DyvmModel::create(config, weights, backend);
  if (!model) return model.error();
  const Recorded input = expected.read("input");
  const std::vector<float> images(input.values.begin(), input.values.end());
  std::vector<Comparison> rows;
  for (const auto& [run, settings] : golden["runs"].items()) {
    const auto& ratios = settings.is_object() ? settings.at("token_ratio") : settings;
    DynamicOptions options;
    options.trace = true;
    if (ratios.is_array()) options.token_keep = ratios.get<std::vector<double>>();
    std::vector<std::vector<std::int32_t>> recorded;
    for (std::size_t stage = 0; stage < options.token_keep.size(); ++stage) {
      const Recorded kept = expected.read(run + "/stage" + std::to_string(stage) + ".keep");
      recorded.emplace_back(kept.values.begin(), kept.values.end());
    }
    options.replay = &recorded;
    Outputs outputs;
    const Status done =
        (*model)->predict_normalised(images.data(), static_cast<int>(input.shape[0]), options, outputs);
    if (!done) return done.error();
    for (const Comparison& row : compare_run(run, expected, outputs, config.depth, tolerance_of(precision)))
      rows.push_back(row);
  }
  return rows;
}

// Returns the number of tensors that differ, or -1 when the check cannot be made (a sentence says why).
int check(const std::string& package, const std::string& directory, const std::string& device,
          Precision precision) {
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return -1;
  };
  std::ifstream config_file(directory + "/config.json");
  const auto golden = nlohmann::json::parse(config_file, nullptr, false);
  if (!golden.is_object())
    return fail("Expected a golden run's description in " + directory + "/config.json.");
  const auto expected = Expected::open(directory + "/expected.safetensors");
  if (!expected) return fail(expected.error().message);
  auto weights = Weights::open(package);
  if (!weights) return fail(weights.error().message);
  const auto config = read_manifest(weights->metadata("winnow"));
  if (!config) return fail(config.error().message);
  auto backend = make_backend(device, 0, precision);
  if (!backend) return fail(backend.error().message);

  const auto compare = config->detection      ? compare_detection
                       : config->segmentation ? compare_segmentation
                                              : compare_classification;
  const auto rows = compare(*config, *weights, **backend, precision, *expected, golden);
  if (!rows) return fail(rows.error().message);
  int failures = 0;
  for (const Comparison& row : *rows) {
    std::printf("%-10s %s %-32s %-10.3g %s", device.c_str(), precision_name(precision), row.name.c_str(),
                row.difference, row.passed ? "ok" : "DIFFERS");
    if (row.ties > 0) std::printf(", %d at a tie", row.ties);
    std::printf("\n");
    failures += !row.passed;
  }
  return failures;
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // The value of an option, taken out of the arguments.
  const auto take = [&](const std::string& name, std::string value) {
    const auto option = std::find(arguments.begin(), arguments.end(), name);
    if (option != arguments.end() && option + 1 != arguments.end()) {
      value = *(option + 1);
      arguments.erase(option, option + 2);
    }
    return value;
  };
  const std::string device = take("--device", "reference");
  const auto precision = winnow::precision_of(take("--precision", "fp32"));
  if (arguments.size() != 2 || !precision) {
    std::fprintf(stderr,
                 "Expected a model package and a golden directory: winnow-golden PACKAGE DIRECTORY [--device "
                 "NAME] [--precision fp32|bf16|int8]\n");
    return 2;
  }
  const int failures = winnow::check(arguments[0], arguments[1], device, *precision);
  if (failures == 0) return 0;
  if (failures > 0) std::printf("%d tensors differ\n", failures);
  return 1;
}
