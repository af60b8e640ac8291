// Losses of a detector: values by hand, gradients against finite differences in fp64, and which place learns
// which object.
#include "train/detection/detection_losses.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "test/train/operations/operation_data.h"

using namespace winnow;
using namespace winnow::train;

namespace {

// Cells of 4, 8 and 16 pixels in a window of 32.
constexpr OneStageLevelShapes kLevels = {{{8, 8, 4.0f, 0.8f}, {4, 4, 8.0f, 1.1f}, {2, 2, 16.0f, 1.0f}}};
constexpr int kSecond = 64, kThird = 80, kAll = 84;  // first location of a level

TrainingObject box_of(float x0, float y0, float x1, float y1, int label = 0) {
  return {{x0, y0, x1, y1}, label, {}};
}

OneStageShape small_shape() {
  OneStageShape shape;
  shape.levels = kLevels;
  shape.classes = 3;
  shape.prototypes = 2;
  shape.mask_side = 16;
  shape.cell = 2.0f;
  return shape;
}

}  // namespace

TEST_CASE("detection losses: focal loss, cross entropy and GIoU have the values of their formulas") {
  // p = 3/4: -1/4 (1/4)^2 log(3/4) and -3/4 (3/4)^2 log(1/4).
  const double logit = std::log(3.0);
  CHECK(focal_loss(logit, true).value == doctest::Approx(-0.25 / 16 * std::log(0.75)));
  CHECK(focal_loss(logit, false).value == doctest::Approx(-0.75 * 9 / 16 * std::log(0.25)));
  CHECK(focal_loss(800.0, false).value == doctest::Approx(0.75 * 800.0));  // no overflow
  CHECK(focal_loss(-800.0, false).value == 0.0);
  CHECK(binary_cross_entropy(logit, 0.5).value ==
        doctest::Approx(-0.5 * std::log(0.75) - 0.5 * std::log(0.25)));

  const double two[4] = {2, 2, 2, 2}, one[4] = {1, 1, 1, 1}, wide[4] = {4, 1, 4, 1};
  CHECK(giou_loss(two, two).value == doctest::Approx(0.0));
  CHECK(giou_loss(one, two).value == doctest::Approx(0.75));  // IoU 1/4, nothing around both
  CHECK(giou_loss(one, two).iou == doctest::Approx(0.25));
  // Common 8, union 16 + 16 - 8 = 24, around 8 x 4 = 32.
  CHECK(giou_loss(wide, two).value == doctest::Approx(1.0 - 8.0 / 24 + 8.0 / 32));
}

TEST_CASE(
    "detection losses: gradients of focal loss, cross entropy and GIoU are those of finite differences") {
  Random random(4);
  Doubles logits = numbers(12, random, 3.0), gradient;
  for (const bool there : {true, false}) {
    gradient.clear();
    for (double logit : logits) gradient.push_back(focal_loss(logit, there).gradient);
    check_differences("focal", logits, gradient, [&] {
      double sum = 0.0;
      for (double logit : logits) sum += focal_loss(logit, there).value;
      return sum;
    });
  }
  gradient.clear();
  for (double logit : logits) gradient.push_back(binary_cross_entropy(logit, 0.3).gradient);
  check_differences("cross entropy", logits, gradient, [&] {
    double sum = 0.0;
    for (double logit : logits) sum += binary_cross_entropy(logit, 0.3).value;
    return sum;
  });
  for (int i = 0; i < 20; ++i) {
    Doubles distances, target;
    for (int side = 0; side < 4; ++side) {
      distances.push_back(random.uniform(0.5, 9.0));
      target.push_back(random.uniform(0.5, 9.0));
    }
    const BoxLoss loss = giou_loss(distances.data(), target.data());
    check_differences("GIoU", distances, {loss.gradients, loss.gradients + 4},
                      [&] { return giou_loss(distances.data(), target.data()).value; });
  }
}

TEST_CASE("detection losses: gradients of an image's whole loss are those of finite differences") {
  Random random(5);
  OneStageShape shape = small_shape();
  Doubles values = numbers(shape.size(), random, 0.5), scales = {0.8, 1.1, 1.0};
  std::vector<TrainingObject> objects = {box_of(1, 2, 14, 12, 2), box_of(0, 0, 32, 32, 0),
                                         box_of(15, 9, 30, 31, 1)};
  for (std::size_t i : {0, 1}) {
    objects[i].mask.resize(shape.cells());
    for (std::uint8_t& cell : objects[i].mask) cell = random.chance(0.5);
  }
  const std::vector<int> assigned = assign_locations(shape.levels, objects),
                         masked = mask_locations(assigned, objects, 5);
  REQUIRE(masked.size() == 5);
  // The quality learns the IoU, through which no gradient goes: without it the differences are exact.
  const DetectionWeights weights{0.7, 1.3, 0.0, 0.4};
  const auto sum = [](const DetectionParts& p) { return p.classification + p.boxes + p.quality + p.masks; };
  const auto loss = [&] {
    for (int level = 0; level < kOneStageLevels; ++level)
      shape.levels[level].scale = static_cast<float>(scales[level]);
    Doubles ignored(values.size(), 0.0);
    return sum(detection_losses(shape, values.data(), objects, assigned, masked, weights, ignored.data()));
  };
  Doubles d_values(values.size(), 0.0);
  const DetectionParts parts =
      detection_losses(shape, values.data(), objects, assigned, masked, weights, d_values.data());
  check_differences("values", values, d_values, loss);
  // Scales are floats: a difference that they hold.
  for (int level = 0; level < kOneStageLevels; ++level) {
    const double before = scales[level], step = 1.0 / 512;
    scales[level] = before + step;
    const double above = loss();
    scales[level] = before - step;
    const double below = loss();
    scales[level] = before;
    CHECK(parts.d_scales[level] == doctest::Approx((above - below) / (2 * step)).epsilon(1e-3));
  }

  // The quality's own gradient: that of its logits alone.
  Doubles d_quality(values.size(), 0.0);
  const DetectionParts quality = detection_losses(shape, values.data(), objects, assigned, masked,
                                                  {0.0, 0.0, 1.0, 0.0}, d_quality.data());
  for (double d : quality.d_scales) CHECK(d == 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_prediction = i >= shape.predictions_at() && i < shape.prototypes_at();
    const bool is_quality = is_prediction && (i - shape.predictions_at()) % shape.place() == 4;
    const bool is_assigned = is_quality && assigned[(i - shape.predictions_at()) / shape.place()] >= 0;
    CHECK((d_quality[i] != 0.0) == is_assigned);
  }
}

TEST_CASE("assignment: locations near a box's middle, on the level of its size, learn it") {
  // 8 x 8 pixels around (12, 12): of the finest level, whose centres are 2, 6, 10 ...; within 6 pixels of the
  // middle are 10 and 14, since the box ends at 8 and 16.
  const std::vector<TrainingObject> small = {box_of(8, 8, 16, 16)};
  const std::vector<int> assigned = assign_locations(kLevels, small);
  REQUIRE(assigned.size() == kAll);
  for (int i = 0; i < kAll; ++i) {
    const int x = i % 8, y = i / 8;
    const bool wanted = i < kSecond && (x == 2 || x == 3) && (y == 2 || y == 3);
    CHECK((assigned[i] == 0) == wanted);
  }
  // A box of the whole window: from no place is its furthest edge at most 16 pixels away; on the finest level
  // up to 32 pixels are learnt, within 6 of the middle; on the second, from 32 to 64, none of the middle
  // four.
  const std::vector<int> whole = assign_locations(kLevels, std::vector{box_of(0, 0, 32, 32)});
  for (int i = 0; i < kSecond; ++i) {
    const int x = i % 8, y = i / 8;
    CHECK((whole[i] == 0) == (x >= 3 && x <= 4 && y >= 3 && y <= 4));
  }
  for (int i = kSecond; i < kAll; ++i) CHECK(whole[i] == kBackground);
}

TEST_CASE("assignment: large boxes are learnt on the coarse levels") {
  // In a window of 160 pixels; cells of 4, 8 and 16, of each the four around the middle.
  constexpr OneStageLevelShapes levels = {
      {{40, 40, 4.0f, 1.0f}, {20, 20, 8.0f, 1.0f}, {10, 10, 16.0f, 1.0f}}};
  const auto counts = [&](const Box& box) {
    const std::vector<int> assigned = assign_locations(levels, std::vector{TrainingObject{box, 0, {}}});
    const auto count = [&](int begin, int end) {
      return static_cast<int>(std::count(assigned.begin() + begin, assigned.begin() + end, 0));
    };
    return std::array<int, 3>{count(0, 1600), count(1600, 2000), count(2000, 2100)};
  };
  CHECK(counts({60, 60, 100, 100}) == std::array<int, 3>{4, 0, 0});
  CHECK(counts({40, 40, 120, 120}) == std::array<int, 3>{0, 4, 0});
  CHECK(counts({10, 10, 150, 150}) == std::array<int, 3>{0, 0, 4});
}

TEST_CASE("assignment: the box of the smallest area wins, of equal ones the first; masks are spread evenly") {
  // The large box's nine locations are 10, 14 and 18; the small ones have four of them.
  std::vector<TrainingObject> objects = {box_of(4, 4, 24, 24), box_of(8, 8, 16, 16), box_of(8, 8, 16, 16)};
  std::vector<int> assigned = assign_locations(kLevels, objects);
  CHECK(std::count(assigned.begin(), assigned.end(), 1) == 4);
  CHECK(std::count(assigned.begin(), assigned.end(), 2) == 0);
  CHECK(std::count(assigned.begin(), assigned.end(), 0) == 5);
  CHECK(mask_locations(assigned, objects, 9).empty());  // nobody has drawn any
  objects[1].mask.assign(4, 1);
  const std::vector<int> all = mask_locations(assigned, objects, 4);
  REQUIRE(all.size() == 4);
  CHECK(mask_locations(assigned, objects, 2) == std::vector<int>{all[0], all[2]});
  CHECK(assign_locations(kLevels, {}) == std::vector<int>(kAll, kBackground));
}
