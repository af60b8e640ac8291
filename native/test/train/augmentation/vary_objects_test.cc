// Windows of pictures, boxes and masks stay together, whatever is done to them.
#include "train/augmentation/vary_objects.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "model/rle.h"

using namespace winnow;
using namespace winnow::train;

namespace {

constexpr int kSide = 32, kCells = 32;
constexpr Colour kFill = {7, 8, 9};
constexpr ObjectAugmentation kNone{1.0, 1.0, false, 0.0, 0.25};

// Dark, but bright within `box`.
struct Picture {
  int width, height;
  std::vector<std::uint8_t> pixels;
  TrainingPicture view() const { return {pixels.data(), width, height}; }
};
Picture picture_with(int width, int height, const Box& box) {
  Picture made{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const bool inside = x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
      made.pixels.insert(made.pixels.end(), 3, inside ? 240 : 20);
    }
  return made;
}

// The run lengths of a rectangle.
std::string counts_of(const Box& box, PictureSize size) {
  MaskEncoder encoder;
  for (auto x = static_cast<std::int64_t>(box.x0); x < static_cast<std::int64_t>(box.x1); ++x)
    encoder.add_ones(x * size.height + static_cast<std::int64_t>(box.y0),
                     x * size.height + static_cast<std::int64_t>(box.y1));
  return encoder.finish(static_cast<std::int64_t>(size.width) * size.height).counts;
}

struct Window {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(3 * kSide * kSide);
  std::vector<TrainingObject> objects;
};
Window vary(const ObjectAugmentation& augmentation, const Picture& from, PictureSize marked,
            const std::vector<MarkedObject>& objects, std::uint64_t seed = 1) {
  Window window;
  Random random(seed);
  REQUIRE(vary_objects(augmentation, kSide, kCells, kFill, from.view(), marked, objects, random,
                       window.pixels.data(), window.objects));
  return window;
}

void check_box(const Box& box, const Box& expected) {
  CHECK(box.x0 == doctest::Approx(expected.x0));
  CHECK(box.y0 == doctest::Approx(expected.y0));
  CHECK(box.x1 == doctest::Approx(expected.x1));
  CHECK(box.y1 == doctest::Approx(expected.y1));
}

}  // namespace

TEST_CASE("objects of a window without variation are where inference has the picture: at the upper left") {
  // 64 x 40 becomes 32 x 20; below it there is ground.
  const Box box{8, 4, 24, 20};
  const Picture from = picture_with(64, 40, box);
  const Window window =
      vary(kNone, from, {64, 40}, {{box, 3, counts_of(box, {64, 40})}, {{40, 0, 64, 40}, 1, ""}});
  REQUIRE(window.objects.size() == 2);
  check_box(window.objects[0].box, {4, 2, 12, 10});
  CHECK(window.objects[0].label == 3);
  check_box(window.objects[1].box, {20, 0, 32, 20});
  CHECK(window.objects[1].mask.empty());
  REQUIRE(window.objects[0].mask.size() == kCells * kCells);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x)
      CHECK(window.objects[0].mask[y * kCells + x] == (x >= 4 && x < 12 && y >= 2 && y < 10));
  CHECK(window.pixels[3 * (5 * kSide + 8)] == 240);
  CHECK(window.pixels[3 * (15 * kSide + 8)] == 20);
  CHECK(window.pixels[3 * (20 * kSide + 8) + 1] == kFill[1]);
  // A tall one likewise, marked in a picture twice as large.
  const Window tall = vary(kNone, picture_with(20, 32, {}), {40, 64}, {{{8, 16, 24, 48}, 0, ""}});
  check_box(tall.objects[0].box, {4, 8, 12, 24});
  CHECK(tall.pixels[3 * (5 * kSide + 25)] == kFill[0]);
}

TEST_CASE("objects are mirrored with their picture, which stays at the upper left") {
  const Box box{8, 4, 24, 20};
  const Picture from = picture_with(40, 64, box);  // becomes 20 x 32
  ObjectAugmentation flip = kNone;
  flip.flip = true;
  int mirrored = 0;
  for (int seed = 0; seed < 40; ++seed) {
    const Window window = vary(flip, from, {40, 64}, {{box, 0, counts_of(box, {40, 64})}}, seed);
    REQUIRE(window.objects.size() == 1);
    const TrainingObject& object = window.objects[0];
    const bool is_mirrored = object.box.x0 > 5.0f;
    mirrored += is_mirrored;
    check_box(object.box, is_mirrored ? Box{8, 2, 16, 10} : Box{4, 2, 12, 10});
    for (int i = 0; i < kSide * kSide; ++i) CHECK((object.mask[i] == 1) == (window.pixels[3 * i] > 128));
    CHECK(window.pixels[3 * 25] == kFill[0]);
  }
  CHECK(mirrored > 10);
  CHECK(mirrored < 30);
}

TEST_CASE("objects follow scale and crop: boxes and masks are those of the window's pixels") {
  const ObjectAugmentation jitter{0.5, 2.0, true, 0.2, 0.25};
  const Box box{16, 8, 40, 32};
  const Picture from = picture_with(64, 64, box);
  int stayed = 0, cut = 0, smaller = 0;
  for (int seed = 0; seed < 80; ++seed) {
    const Window window = vary(jitter, from, {64, 64}, {{box, 0, counts_of(box, {64, 64})}}, seed);
    int bright[4] = {kSide, kSide, 0, 0};
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const std::uint8_t* pixel = window.pixels.data() + 3 * (y * kSide + x);
        if (pixel[0] < 128) continue;
        bright[0] = std::min(bright[0], x), bright[1] = std::min(bright[1], y);
        bright[2] = std::max(bright[2], x + 1), bright[3] = std::max(bright[3], y + 1);
      }
    const double visible = std::max(0, bright[2] - bright[0]) * std::max(0, bright[3] - bright[1]);
    if (window.objects.empty()) {
      CHECK(visible < 0.35 * 48 * 48);
      continue;
    }
    ++stayed;
    const TrainingObject& object = window.objects[0];
    CHECK(std::abs(object.box.x0 - bright[0]) <= 1.0f);
    CHECK(std::abs(object.box.y0 - bright[1]) <= 1.0f);
    CHECK(std::abs(object.box.x1 - bright[2]) <= 1.0f);
    CHECK(std::abs(object.box.y1 - bright[3]) <= 1.0f);
    cut += object.box.x0 == 0.0f || object.box.x1 == kSide || object.box.y0 == 0.0f || object.box.y1 == kSide;
    smaller += window.pixels[3 * (kSide * kSide - 1)] == kFill[0];
    const auto area = std::count(object.mask.begin(), object.mask.end(), 1);
    CHECK(static_cast<double>(area) == doctest::Approx(visible).epsilon(0.25));
  }
  CHECK(stayed > 40);
  CHECK(cut > 5);
  CHECK(smaller > 5);
}

TEST_CASE("an object is cut off at the picture's edge, and dropped below the share that must be visible") {
  const Picture from = picture_with(32, 32, {});
  // Of 16 x 16 pixels 4 x 16 are in the picture, a quarter; of the next less; the last is beyond it.
  const std::vector<MarkedObject> objects = {{{-12, 0, 4, 16}, 0, ""},
                                             {{-12.5f, 0, 3.5f, 16}, 1, ""},
                                             {{40, 0, 50, 9}, 2, ""},
                                             {{5, 5, 5, 9}, 3, ""}};
  const Window window = vary(kNone, from, {32, 32}, objects);
  REQUIRE(window.objects.size() == 1);
  CHECK(window.objects[0].label == 0);
  check_box(window.objects[0].box, {0, 0, 4, 16});
  CHECK(vary(kNone, from, {32, 32}, {}).objects.empty());
}

TEST_CASE("a seed determines a window with its objects; what is none is refused in words") {
  const ObjectAugmentation jitter{0.5, 2.0, true, 0.2, 0.0};
  const Picture from = picture_with(50, 40, {5, 5, 30, 30});
  const std::vector<MarkedObject> objects = {{{5, 5, 30, 30}, 0, ""}};
  const Window a = vary(jitter, from, {50, 40}, objects, 3), b = vary(jitter, from, {50, 40}, objects, 3);
  CHECK(a.pixels == b.pixels);
  REQUIRE(a.objects.size() == b.objects.size());
  CHECK(a.pixels != vary(jitter, from, {50, 40}, objects, 4).pixels);

  Window window;
  Random random(1);
  const auto refused = [&](const TrainingPicture& picture, PictureSize marked, const MarkedObject& object) {
    return !vary_objects(kNone, kSide, kCells, kFill, picture, marked, {&object, 1}, random,
                         window.pixels.data(), window.objects);
  };
  const float endless = std::numeric_limits<float>::infinity();
  CHECK(!refused(from.view(), {50, 40}, objects[0]));
  CHECK(refused({from.pixels.data(), 0, 5}, {50, 40}, objects[0]));
  CHECK(refused(from.view(), {0, 40}, objects[0]));
  CHECK(refused(from.view(), {50, 40}, {{0, 0, endless, 5}, 0, ""}));
  CHECK(refused(from.view(), {50, 40}, {{5, 5, 30, 30}, 0, counts_of({0, 0, 2, 2}, {9, 9})}));
}
