// Compares a segmentation model with what the original computed, window by window. What is kept is decided
// here and compared; then the recorded choice is taken, as for classifiers.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "model/segmentation/segmenter.h"
#include "test/golden/golden_support.h"

namespace winnow {
namespace {

// How far from the original a precision may be.
struct SegmentationTolerance {
  double feature, logit, score;  // absolute in fp32, else relative to the largest of the tensor
  double gate;                   // absolute, of the logits of block decisions
  double pixels;                 // share of pixels whose class is another
  double flipped;                // share of block decisions; a window with one is compared no further
};

SegmentationTolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return {7e-2, 7e-2, 7e-2, 4e-2, 0.1, 0.025};
    case Precision::int8:
      return {0.2, 0.2, 0.2, 0.15, 0.25, 0.05};
    case Precision::fp32:
      break;
  }
  return {1e-4, 5e-4, 1e-4, 5e-5, 2e-4, 0.0};
}

Comparison compare(const std::string& name, const Recorded& expected, const std::vector<float>& actual,
                   double tolerance, const SegmentationTolerance& of) {
  return compare_values(name, expected, actual,
                        of.flipped > 0.0 ? tolerance : tolerance / largest_of(expected));
}

// A recorded [C, H, W], every `step`-th row and column of ours [side, side, C].
Comparison compare_map(const std::string& name, const Recorded& expected, const std::vector<float>& actual,
                       int side, int step, double tolerance, const SegmentationTolerance& of) {
  const auto channels = static_cast<int>(expected.shape[0]);
  return compare(name, expected, every_nth(actual, channels, side, step), tolerance, of);
}

// Indices of patches as rows among those of the stage before.
std::vector<std::int32_t> rows_among(const std::vector<std::int32_t>& indices,
                                     const std::vector<std::int32_t>& before) {
  std::vector<std::int32_t> rows;
  for (const std::int32_t index : indices)
    rows.push_back(
        static_cast<std::int32_t>(std::lower_bound(before.begin(), before.end(), index) - before.begin()));
  return rows;
}

// One window's recorded decisions, whose names begin with `prefix`.
class WindowDecisions {
 public:
  WindowDecisions(const Expected& expected, std::string prefix, const DyvmConfig& config)
      : expected_(expected), prefix_(std::move(prefix)), config_(config), indices_(1) {
    for (int index = 0; index < config.patches(); ++index) indices_[0].push_back(index);
    for (std::size_t stage = 0; stage < config.pruning_layers.size(); ++stage) {
      const Recorded kept = expected.read(name(stage, ".keep"));
      indices_.emplace_back(kept.values.begin(), kept.values.end());
      replay_.push_back(rows_among(indices_[stage + 1], indices_[stage]));
    }
  }
  const std::vector<std::vector<std::int32_t>>& replay() const { return replay_; }

  // Whether no block decision fell the other way.
  bool compare(const Outputs& outputs, const SegmentationTolerance& tolerance,
               std::vector<Comparison>& rows) const {
    const double flipped = compare_directions(outputs, tolerance, rows);
    if (flipped > 0) return false;
    for (std::size_t stage = 0; stage < replay_.size(); ++stage) {
      double error = tolerance.flipped > 0.0 ? tolerance.score : 0.0;
      if (expected_.has(name(stage, ".score"))) {
        Recorded alive;
        const Recorded recorded = expected_.read(name(stage, ".score"));
        for (const std::int32_t index : indices_[stage]) alive.values.push_back(recorded.values[index]);
        alive.shape = {1, static_cast<std::int64_t>(alive.values.size())};
        rows.push_back(
            winnow::compare(name(stage, ".score"), alive, outputs.scores[stage], tolerance.score, tolerance));
        error = tolerance.flipped > 0.0 ? rows.back().difference * largest_of(alive) : 0.0;
      }
      rows.push_back(compare_kept(stage, outputs, kTie + 2.0 * error));
    }
    return true;
  }

 private:
  std::string name(std::size_t stage, const char* what) const {
    return prefix_ + "stage" + std::to_string(stage) + what;
  }

  // Equal but for patches whose score is that of the boundary to within `tie`.
  Comparison compare_kept(std::size_t stage, const Outputs& outputs, double tie) const {
    const std::vector<float>& scores = outputs.scores[stage];
    const std::set<std::int32_t> recorded(replay_[stage].begin(), replay_[stage].end());
    const std::set<std::int32_t> ours(outputs.kept[stage].begin(), outputs.kept[stage].end());
    if (recorded.size() != ours.size()) return {name(stage, ".keep"), INFINITY, false};
    double boundary = INFINITY, differ = 0;
    int ties = 0;
    for (const std::int32_t row : ours) boundary = std::min<double>(boundary, scores[row]);
    for (std::int32_t row = 0; row < static_cast<std::int32_t>(scores.size()); ++row) {
      if (recorded.contains(row) == ours.contains(row)) continue;
      if (std::abs(scores[row] - boundary) > tie)
        ++differ;
      else
        ++ties;
    }
    return {name(stage, ".keep"), differ, differ == 0, ties};
  }

  // The number of decisions that differ.
  double compare_directions(const Outputs& outputs, const SegmentationTolerance& tolerance,
                            std::vector<Comparison>& rows) const {
    double differ = 0, gate = 0;
    bool logits = false;
    for (int layer = 0; layer < config_.depth && differ == 0; ++layer) {
      char number[32];
      std::snprintf(number, sizeof number, "layer%02d.", layer);
      for (int i = 0; i < 2; ++i) {
        const double policy = expected_.has(prefix_ + "block_policy")
                                  ? expected_.read(prefix_ + "block_policy").values[2 * layer + i]
                                  : expected_.read(prefix_ + number + "block_policy").values[i];
        const bool ran = outputs.directions[layer] & (i == 0 ? kForward : kBackward);
        differ += ran != (policy != 0.0);
        if (!expected_.has(prefix_ + number + "block_logit")) continue;
        logits = true;
        const double logit = expected_.read(prefix_ + number + "block_logit").values[i];
        gate = std::max(gate, std::abs(logit - outputs.gate_logits[2 * layer + i]));
      }
    }
    rows.push_back(
        {prefix_ + "block_policy of all layers", differ, differ <= tolerance.flipped * 2 * config_.depth});
    if (logits && differ == 0)
      rows.push_back({prefix_ + "block_logit of all layers", gate, gate <= tolerance.gate});
    return differ;
  }

  const Expected& expected_;
  std::string prefix_;
  const DyvmConfig& config_;
  std::vector<std::vector<std::int32_t>> indices_;  // alive before each stage, and after the last
  std::vector<std::vector<std::int32_t>> replay_;
};

// The share of classes that differ.
template <typename Class>
Comparison compare_classes(const std::string& name, const Recorded& expected,
                           const std::vector<Class>& actual, double tolerance) {
  if (expected.values.size() != actual.size()) return {name, INFINITY, false};
  double differ = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) differ += expected.values[i] != actual[i];
  return {name, differ / actual.size(), differ <= tolerance * actual.size()};
}

// Features, pyramid, scores of a single window.
void compare_window(const std::string& prefix, const Expected& expected, const SegmentationTrace& trace,
                    const DyvmConfig& config, const SegmentationTolerance& tolerance,
                    std::vector<Comparison>& rows) {
  const int grid = config.grid(), side = 4 * grid;
  const auto compare = [&](const std::string& name, const std::vector<float>& actual, int side, int step,
                           double allowed) {
    if (expected.has(prefix + name))
      rows.push_back(
          compare_map(prefix + name, expected.read(prefix + name), actual, side, step, allowed, tolerance));
  };
  for (int i = 0; i < 4; ++i)
    compare("feature" + std::to_string(i + 1), trace.features[i], grid, 1, tolerance.feature);
  compare("fpn1_every4", trace.pyramid[0], side, 4, tolerance.feature);
  compare("fpn2_every2", trace.pyramid[1], 2 * grid, 2, tolerance.feature);
  compare("fpn4", trace.pyramid[3], grid / 2, 1, tolerance.feature);
  compare("logits_every4", trace.scores, side, 4, tolerance.logit);
  std::vector<int> best;
  for (std::size_t pixel = 0; pixel < static_cast<std::size_t>(side) * side; ++pixel) {
    const auto first = trace.scores.begin() + static_cast<std::ptrdiff_t>(pixel) * config.classes;
    best.push_back(static_cast<int>(std::max_element(first, first + config.classes) - first));
  }
  const std::string argmax = prefix + "argmax_" + std::to_string(side);
  rows.push_back(compare_classes(argmax, expected.read(argmax), best, tolerance.pixels));
}

// The windows' mean at the picture's rows and columns 16, 48, ..., as [C, H, W].
std::vector<float> mean_on_grid(const SegmentationTrace& trace, int classes, const Recorded& shape) {
  const auto height = shape.shape[1], width = shape.shape[2];
  const SlidingWindows& w = trace.layout;
  const int side = static_cast<int>(
      std::lround(std::sqrt(static_cast<double>(trace.scores.size()) / w.count() / classes)));
  std::vector<float> mean;
  for (int c = 0; c < classes; ++c)
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j) {
        double sum = 0.0;
        int count = 0;
        for (int window = 0; window < w.count(); ++window) {
          const int y = 16 + 32 * i - w.top(window), x = 16 + 32 * j - w.left(window);
          if (y < 0 || y >= w.side || x < 0 || x >= w.side) continue;
          const double scale = static_cast<double>(side) / w.side;
          const double v = std::max((y + 0.5) * scale - 0.5, 0.0), u = std::max((x + 0.5) * scale - 0.5, 0.0);
          const auto at = [&](int row, int column) -> double {
            row = std::min(row, side - 1);
            column = std::min(column, side - 1);
            return trace
                .scores[((static_cast<std::size_t>(window) * side + row) * side + column) * classes + c];
          };
          const int top = static_cast<int>(v), left = static_cast<int>(u);
          const double down = v - top, across = u - left;
          sum += (1 - down) * ((1 - across) * at(top, left) + across * at(top, left + 1)) +
                 down * ((1 - across) * at(top + 1, left) + across * at(top + 1, left + 1));
          ++count;
        }
        mean.push_back(static_cast<float>(sum / count));
      }
  return mean;
}

}  // namespace

Result<std::vector<Comparison>> compare_segmentation(const DyvmConfig& config, Weights& weights,
                                                     Backend& backend, Precision precision,
                                                     const Expected& expected, const nlohmann::json& golden) {
  const SegmentationTolerance tolerance = tolerance_of(precision);
  auto segmenter = Segmenter::create(config, weights, backend);
  if (!segmenter) return segmenter.error();
  std::vector<Comparison> rows;
  for (const auto& [name, facts] : golden.at("images").items()) {
    const std::string prefix = name + "/";
    const bool single = expected.has(prefix + "input_u8");  // a window by itself
    const std::string picture_name = prefix + (single ? "input_u8" : "resized_u8");
    if (!expected.has(picture_name)) continue;
    const Recorded picture = expected.read(picture_name);
    const std::vector<std::uint8_t> pixels(picture.values.begin(), picture.values.end());
    const PictureSize size{static_cast<int>(picture.shape[1]), static_cast<int>(picture.shape[0])};
    SegmentationTrace trace;
    SegmentationOptions options;
    options.trace = &trace;
    options.slide_stride = config.segmentation->slide_stride;
    options.target = size;
    std::vector<WindowDecisions> decisions;
    if (single) {
      decisions.emplace_back(expected, prefix, config);
    } else {
      options.target = {facts.at("original_hw")[1].get<int>(), facts.at("original_hw")[0].get<int>()};
      for (std::size_t i = 0; i < facts.at("windows_yx").size(); ++i)
        decisions.emplace_back(expected, prefix + "window" + std::to_string(i) + ".", config);
    }
    for (const WindowDecisions& window : decisions) trace.replay.push_back(window.replay());
    DynamicOptions dynamic;
    dynamic.token_keep = config.token_keep;
    Segmentation segmentation;
    const Status done = (*segmenter)->segment(pixels.data(), size, dynamic, options, segmentation);
    if (!done) return done.error();
    bool as_recorded = trace.windows.size() == decisions.size();
    if (!as_recorded) rows.push_back({prefix + "windows", INFINITY, false});
    for (std::size_t i = 0; as_recorded && i < decisions.size(); ++i)
      as_recorded = decisions[i].compare(trace.windows[i], tolerance, rows);
    if (!as_recorded) continue;
    if (single) {
      compare_window(prefix, expected, trace, config, tolerance, rows);
      continue;
    }
    const Recorded grid = expected.read(prefix + "avg_logits_grid");
    rows.push_back(compare(prefix + "avg_logits_grid", grid, mean_on_grid(trace, config.classes, grid),
                           tolerance.logit, tolerance));
    rows.push_back(compare_classes(prefix + "argmax", expected.read(prefix + "argmax"), trace.classes,
                                   tolerance.pixels));
  }
  return rows;
}

}  // namespace winnow
