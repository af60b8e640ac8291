// Compares a detection model with what the original computed. The feature, the pyramid and everything found
// are compared number by number; proposals and detections as sets, as the order of equal scores is anybody's.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "model/detection/detector.h"
#include "model/detection/mask_head.h"
#include "test/golden/golden_support.h"

namespace winnow {
namespace {

// How far from the original a precision may be. With bf16 and int8 some scores pass the threshold, and some
// boxes the overlap at which one suppresses another, that do not in fp32: a share of proposals and of
// detections may be others. Random weights amplify such errors more than trained ones do, in single values
// without bound, so that what was found is compared by mean differences there, and in fp32 by the largest.
struct DetectionTolerance {
  double feature, pyramid;   // relative to the largest of the tensor
  double proposal;           // pixels, of a coordinate of a proposal
  double others;             // share of proposals and of detections that are not in the other set
  double match;              // pixels between boxes of the same class that are the same detection
  bool means;                // what follows is of means
  double score, box;         // absolute; pixels of the original
  double probability, area;  // of masks: absolute; pixels of the original
};

DetectionTolerance tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return {3e-2, 3e-2, 4.0, 0.4, 50.0, true, 6e-2, 16.0, 0.15, 2500.0};
    case Precision::int8:
      return {8e-2, 8e-2, 4.0, 0.65, 50.0, true, 0.2, 20.0, 0.25, 3000.0};
    case Precision::fp32:
      break;
  }
  return {1e-4, 2e-5, 0.05, 0.0, 1.0, false, 5e-4, 0.05, 1e-2, 20.0};
}

// Of several differences the mean or the largest.
class Difference {
 public:
  void add(double difference) {
    sum_ += std::abs(difference);
    largest_ = std::max(largest_, std::abs(difference));
    ++count_;
  }
  double value(bool mean) const { return !mean ? largest_ : count_ == 0 ? 0.0 : sum_ / count_; }

 private:
  double sum_ = 0.0, largest_ = 0.0;
  int count_ = 0;
};

Box box_at(const Recorded& boxes, std::size_t i) {
  const auto at = [&](int side) { return static_cast<float>(boxes.values[4 * i + side]); };
  return {at(0), at(1), at(2), at(3)};
}

double distance(const Box& a, const Box& b) {
  return std::max(
      {std::abs(a.x0 - b.x0), std::abs(a.y0 - b.y0), std::abs(a.x1 - b.x1), std::abs(a.y1 - b.y1)});
}

// For each recorded box the nearest of ours that `fits` and that no other has, or -1.
template <typename Fits>
std::vector<int> match(std::size_t recorded, std::size_t ours, Fits distance_or_none) {
  std::vector<int> partner(recorded, -1);
  std::vector<bool> taken(ours, false);
  for (std::size_t i = 0; i < recorded; ++i) {
    double nearest = INFINITY;
    for (std::size_t j = 0; j < ours; ++j) {
      const double apart = taken[j] ? INFINITY : distance_or_none(i, j);
      if (apart >= nearest) continue;
      nearest = apart;
      partner[i] = static_cast<int>(j);
    }
    if (partner[i] >= 0) taken[partner[i]] = true;
  }
  return partner;
}

// How many of both sets have no partner.
double unmatched(const std::vector<int>& partner, std::size_t ours) {
  const auto matched = std::count_if(partner.begin(), partner.end(), [](int j) { return j >= 0; });
  return static_cast<double>(partner.size() + ours - 2 * static_cast<std::size_t>(matched));
}

Comparison compare_proposals(const std::string& photo, const Expected& expected,
                             const std::vector<Proposal>& proposals, const DetectionTolerance& tolerance) {
  const Recorded boxes = expected.read(photo + "rpn.boxes");
  const std::size_t count = boxes.shape[0];
  const auto partner = match(count, proposals.size(), [&](std::size_t i, std::size_t j) {
    const double apart = distance(box_at(boxes, i), proposals[j].box);
    return apart <= tolerance.proposal ? apart : INFINITY;
  });
  const double others = unmatched(partner, proposals.size());
  return {photo + "rpn.boxes without a partner", others,
          others <= tolerance.others * static_cast<double>(count + proposals.size())};
}

std::vector<Comparison> compare_found(const std::string& photo, const Expected& expected,
                                      const Detections& detections, const DetectionTrace& trace,
                                      const DetectionTolerance& tolerance) {
  const std::string prefix = photo + "final.";
  const Recorded resized = expected.read(prefix + "boxes_resized"), boxes = expected.read(prefix + "boxes");
  const Recorded scores = expected.read(prefix + "scores"), classes = expected.read(prefix + "classes");
  const std::size_t count = boxes.shape[0];
  const auto& found = detections.found;
  const auto partner = match(count, found.size(), [&](std::size_t i, std::size_t j) {
    const double apart = distance(box_at(boxes, i), found[j].box);
    return found[j].class_index == classes.values[i] && apart <= tolerance.match ? apart : INFINITY;
  });
  const double others = unmatched(partner, found.size());
  std::vector<Comparison> rows = {{prefix + "classes without a partner", others,
                                   others <= tolerance.others * static_cast<double>(count + found.size())}};

  Difference score, box, box_resized, probability, area;
  const bool masks = expected.has(prefix + "mask_areas");
  const Recorded areas = masks ? expected.read(prefix + "mask_areas") : Recorded();
  const bool cells = expected.has(prefix + "mask_probs28");
  const Recorded probabilities = cells ? expected.read(prefix + "mask_probs28") : Recorded();
  constexpr std::size_t kCells = kMaskSide * kMaskSide;
  for (std::size_t i = 0; i < count; ++i) {
    if (partner[i] < 0) continue;
    const std::size_t j = partner[i];
    score.add(scores.values[i] - found[j].score);
    box.add(distance(box_at(boxes, i), found[j].box));
    box_resized.add(distance(box_at(resized, i), trace.boxes[j].box));
    if (!masks) continue;
    area.add(areas.values[i] - static_cast<double>(found[j].mask->area));
    for (std::size_t cell = 0; cells && cell < kCells; ++cell)
      probability.add(probabilities.values[i * kCells + cell] - trace.mask_probabilities[j * kCells + cell]);
  }
  const auto row = [&](const char* name, const Difference& difference, double most) {
    const double value = difference.value(tolerance.means);
    rows.push_back({prefix + name, value, value <= most});
  };
  row("scores", score, tolerance.score);
  row("boxes", box, tolerance.box);
  row("boxes_resized", box_resized, tolerance.box);
  if (cells) row("mask_probs28", probability, tolerance.probability);
  if (masks) row("mask_areas", area, tolerance.area);
  return rows;
}

// What the places of a one-stage head say, and what its backbone left out.
std::vector<Comparison> compare_one_stage(const std::string& photo, const Expected& expected,
                                          const DetectionTrace& trace, const DetectionTolerance& tolerance) {
  std::vector<Comparison> rows;
  const auto add = [&](const std::string& name, const std::vector<float>& ours) {
    rows.push_back(compare_values(photo + name, expected.read(photo + name), ours, tolerance.feature));
  };
  add("stage0.score", trace.receipt.scores.at(0));
  const Recorded kept = expected.read(photo + "stage0.keep");
  const std::vector<std::int32_t>& ours = trace.receipt.kept.at(0);
  double others = 0.0;
  for (const std::int32_t patch : ours)
    if (std::find(kept.values.begin(), kept.values.end(), patch) == kept.values.end()) ++others;
  rows.push_back(
      {photo + "stage0.keep", others,
       ours.size() == kept.values.size() && others <= tolerance.others * static_cast<double>(ours.size())});
  for (std::size_t level = 0; level < trace.levels.size(); ++level) {
    const std::string name = photo + "level" + std::to_string(level);
    rows.push_back(compare_map(name, expected.read(name), trace.levels[level], 1, tolerance.feature));
  }
  add("class_logits", trace.class_logits);
  add("places", trace.predictions);
  rows.push_back(compare_map(photo + "prototypes", expected.read(photo + "prototypes"), trace.prototypes, 1,
                             tolerance.feature));
  return rows;
}

// The pixels of one mask, to the last.
Comparison compare_mask(const std::string& photo, const nlohmann::json& recorded,
                        const Detections& detections, const Expected& expected) {
  const Box box = box_at(expected.read(photo + "final.boxes"), recorded.at("detection").get<std::size_t>());
  const auto same = std::find_if(detections.found.begin(), detections.found.end(),
                                 [&](const Detection& found) { return distance(found.box, box) < 0.01; });
  const bool met = same != detections.found.end() && same->mask &&
                   same->mask->counts == recorded.at("counts").get<std::string>();
  return {photo + "mask", met ? 0.0 : 1.0, met};
}

std::vector<Comparison> compare_photo(const std::string& photo, const Expected& expected,
                                      const Detections& detections, const DetectionTrace& trace,
                                      const DetectionTolerance& tolerance) {
  std::vector<Comparison> rows;
  const std::pair<const char*, int> levels[] = {
      {"p2_every16", 16}, {"p3_every8", 8}, {"p4_every4", 4}, {"p5_every2", 2}, {"p6", 1}};
  for (std::size_t level = 0; level < std::size(levels); ++level) {
    const auto& [name, step] = levels[level];
    if (expected.has(photo + name))
      rows.push_back(compare_map(photo + name, expected.read(photo + name), trace.levels[level], step,
                                 tolerance.pyramid));
  }
  if (expected.has(photo + "rpn.boxes"))
    rows.push_back(compare_proposals(photo, expected, trace.proposals, tolerance));
  if (expected.has(photo + "places"))
    for (const Comparison& row : compare_one_stage(photo, expected, trace, tolerance)) rows.push_back(row);
  for (const Comparison& row : compare_found(photo, expected, detections, trace, tolerance))
    rows.push_back(row);
  return rows;
}

}  // namespace

Result<std::vector<Comparison>> compare_detection(const DyvmConfig& config, Weights& weights,
                                                  Backend& backend, Precision precision,
                                                  const Expected& expected, const nlohmann::json& golden) {
  const DetectionTolerance tolerance = tolerance_of(precision);
  std::vector<Comparison> rows;
  for (const bool halved : {true, false}) {
    DyvmConfig variant = config;
    variant.halve_directions = halved;
    const bool whole = halved == config.halve_directions;  // the other one has a recorded feature at most
    auto detector = Detector::create(variant, weights, backend);
    if (!detector) return detector.error();
    for (const auto& [name, facts] : golden.at("images").items()) {
      const std::string photo = name + "/";
      const std::string feature = photo + (halved ? "divide_on" : "divide_off") + "/backbone_feature";
      if (!whole && !expected.has(feature)) continue;
      const Recorded picture = expected.read(photo + "resized_u8");
      const std::vector<std::uint8_t> pixels(picture.values.begin(), picture.values.end());
      const PictureSize size{static_cast<int>(picture.shape[1]), static_cast<int>(picture.shape[0])};
      DetectionTrace trace;
      DetectionOptions options;
      options.target = {facts.at("original_hw")[1].get<int>(), facts.at("original_hw")[0].get<int>()};
      options.trace = &trace;
      Detections detections;
      const auto& settings = golden.at("config");
      options.min_score = settings.value("score_threshold", options.min_score);
      DynamicOptions dynamic;
      dynamic.token_keep = config.token_keep;
      dynamic.trace = true;
      std::vector<std::vector<std::int32_t>> kept;
      for (std::size_t stage = 0; stage < config.token_keep.size(); ++stage) {
        const Recorded recorded = expected.read(photo + "stage" + std::to_string(stage) + ".keep");
        kept.emplace_back(recorded.values.begin(), recorded.values.end());
      }
      if (!kept.empty()) dynamic.replay = &kept;
      const Status done = (*detector)->detect(pixels.data(), size, dynamic, options, detections);
      if (!done) return done.error();
      if (expected.has(feature))
        rows.push_back(compare_map(feature, expected.read(feature), trace.feature, 1, tolerance.feature));
      if (!whole) continue;
      for (const Comparison& row : compare_photo(photo, expected, detections, trace, tolerance))
        rows.push_back(row);
      if (facts.contains("mask") && precision == Precision::fp32)
        rows.push_back(compare_mask(photo, facts.at("mask"), detections, expected));
    }
  }
  return rows;
}

}  // namespace winnow
