// Segmentation as a whole on small random models: what must agree, what must not matter, and what is refused.
#include "model/segmentation/segmenter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "bench/random_model.h"
#include "bench/random_weights.h"
#include "engine/engine.h"
#include "test/model/small_models.h"

using namespace winnow;

namespace {

DyvmConfig plain(DyvmConfig c) {
  c.pruning_layers = {};
  c.token_keep = {};
  c.block_selection = false;
  return c;
}

struct Run {
  Segmentation segmentation;
  SegmentationTrace trace;
};

Run segment(const DyvmConfig& config, Backend& backend, PictureSize size, PictureSize target) {
  DyvmConfig trained = config;
  trained.image_size = config.trained_size;
  Weights weights = random_tensors(trained);
  auto segmenter = Segmenter::create(config, weights, backend);
  if (!segmenter) FAIL(segmenter.error().message);
  Run run;
  SegmentationOptions options;
  options.slide_stride = config.segmentation->slide_stride;
  options.target = target;
  options.trace = &run.trace;
  DynamicOptions dynamic;
  dynamic.token_keep = config.token_keep;
  const auto pixels = striped_picture(size);
  const Status done = (*segmenter)->segment(pixels.data(), size, dynamic, options, run.segmentation);
  if (!done) FAIL(done.error().message);
  return run;
}

std::unique_ptr<Backend> backend_of(const std::string& device, int threads = 2) {
  auto backend = make_backend(device, threads);
  REQUIRE(backend);
  return std::move(*backend);
}

double difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 1e-30, difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max<double>(largest, std::abs(a[i]));
    difference = std::max<double>(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

}  // namespace

TEST_CASE("windows cover every pixel of every picture, and stay inside of those that are large enough") {
  for (int side = 1; side <= 9; ++side)
    for (int stride = 1; stride <= side; ++stride)
      for (int width = 1; width <= 40; ++width) {
        const SlidingWindows windows = SlidingWindows::over(width, 41 - width, side, stride);
        REQUIRE(windows.count() == static_cast<int>(windows.lefts.size() * windows.tops.size()));
        std::set<int> columns, rows;
        for (int i = 0; i < windows.count(); ++i) {
          for (int x = 0; x < side; ++x) columns.insert(windows.left(i) + x);
          for (int y = 0; y < side; ++y) rows.insert(windows.top(i) + y);
          CHECK(windows.left(i) >= 0);
          CHECK(windows.top(i) >= 0);
        }
        CHECK(static_cast<int>(columns.size()) == std::max(width, side));
        CHECK(*columns.rbegin() == std::max(width, side) - 1);
        CHECK(static_cast<int>(rows.size()) == std::max(41 - width, side));
      }
}

TEST_CASE("windows lie where the original puts them") {
  const SlidingWindows photo = SlidingWindows::over(855, 512, 512, 341);
  CHECK(photo.lefts == std::vector<int>{0, 341, 343});
  CHECK(photo.tops == std::vector<int>{0});
  CHECK(SlidingWindows::over(512, 764, 512, 341).tops == std::vector<int>{0, 252});
}

TEST_CASE("models of every kind on all devices alike") {
  DyvmConfig rotated = small_segmenter();
  rotated.rotary = true;
  rotated.halve_directions = false;
  DyvmConfig moved = small_segmenter(48);  // pruning where no tap is, an odd grid after the pyramid's pooling
  moved.pruning_layers = {0, 5};
  moved.segmentation->taps = {0, 1, 3, 4};
  DyvmConfig enlarged = rotated;
  enlarged.image_size = 96;
  for (const DyvmConfig& config :
       {small_segmenter(), rotated, moved, enlarged, plain(small_segmenter()), plain(rotated)}) {
    CAPTURE(config.image_size);
    CAPTURE(config.rotary);
    const PictureSize size{config.image_size * 3 / 2, config.image_size}, target{61, 43};
    const auto reference = backend_of("reference");
    const Run expected = segment(config, *reference, size, target);
    CHECK(expected.trace.windows.size() == 2);
    for (const DeviceInfo& device : list_devices()) {
      const auto backend = backend_of(device.name);
      const Run actual = segment(config, *backend, size, target);
      CHECK(actual.segmentation.directions == expected.segmentation.directions);
      CHECK(actual.segmentation.survived == expected.segmentation.survived);
      for (std::size_t i = 0; i < 4; ++i)
        CHECK(difference(expected.trace.features[i], actual.trace.features[i]) < 1e-4);
      CHECK(difference(expected.trace.scores, actual.trace.scores) < 1e-4);
      int differ = 0;
      for (std::size_t i = 0; i < expected.trace.classes.size(); ++i)
        differ += expected.trace.classes[i] != actual.trace.classes[i];
      CHECK(differ <= 2);
    }
  }
}

TEST_CASE("a position embedding is interpolated as PyTorch does it") {
  DyvmConfig config = plain(small_segmenter(16));
  config.depth = 1;
  config.segmentation.reset();
  config.detection = DetectionHead{};
  Weights weights = random_backbone(config, "");
  std::vector<float> position(4 * 24, 0.0f);
  for (int index = 0; index < 4; ++index) position[index * 24] = static_cast<float>(index);
  weights.add("pos_embed", {1, 4, 24}, position);
  for (const char* name : {"patch_embed.proj.weight", "layers.0.mixer.out_proj.weight"}) {
    const Weights::Shape shape = weights.shape(name);
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    weights.add(name, shape, std::vector<float>(count, 0.0f));
  }
  config.image_size = 32;
  const auto backend = backend_of("reference");
  TensorReader read(weights);
  auto backbone = DenseBackbone::load(config, read, "", *backend);
  REQUIRE(backbone);
  const std::vector<float> input(3 * 32 * 32, 0.0f);
  Outputs outputs;
  REQUIRE((*backbone)->forward(input.data(), 1, {}, outputs));
  const float* stream = (*backbone)->final_stream().data();
  const auto at = [&](int y, int x) { return stream[(y * 4 + x) * 24]; };
  // What the further cell counts for a place between two cells, a quarter from the nearer one, and for one
  // that is a quarter outside of the map; cells beyond the edge are those at the edge.
  const double near_first = 0.26171875 - 0.03515625, outside = -0.10546875;
  CHECK(at(1, 1) == doctest::Approx(3.0 * near_first).epsilon(1e-5));
  CHECK(at(0, 0) == doctest::Approx(3.0 * outside).epsilon(1e-5));
  CHECK(at(1, 2) == doctest::Approx(2.0 * near_first + 1.0 - near_first).epsilon(1e-5));
  CHECK(at(3, 3) == doctest::Approx(3.0 - 3.0 * outside).epsilon(1e-5));
}

TEST_CASE("regions cover the picture once, largest first") {
  const auto backend = backend_of("reference");
  for (const PictureSize target : {PictureSize{61, 43}, {1, 1}, {1, 90}, {300, 7}}) {
    const Run run = segment(small_segmenter(), *backend, {64, 70}, target);
    std::int64_t area = 0, before = std::int64_t{1} << 60;
    std::vector<int> count(9);
    for (const std::uint16_t label : run.trace.classes) ++count[label];
    for (const Region& region : run.segmentation.regions) {
      CHECK(region.mask.area == count[region.class_index]);
      CHECK(region.mask.area <= before);
      before = region.mask.area;
      area += region.mask.area;
    }
    CHECK(area == static_cast<std::int64_t>(target.width) * target.height);
  }
}

TEST_CASE("a picture that is smaller than a window is one window with zeros beside it") {
  for (const DeviceInfo& device : list_devices()) {
    const auto backend = backend_of(device.name);
    for (const PictureSize size : {PictureSize{1, 1}, {20, 64}, {256, 10}}) {
      const Run run = segment(small_segmenter(), *backend, size, {size.width * 2, size.height});
      CHECK(run.trace.layout.tops == std::vector<int>{0});
      CHECK(run.trace.classes.size() == 2ull * size.width * size.height);
    }
  }
}

TEST_CASE("a window's scores do not depend on the picture around it") {
  for (const DeviceInfo& device : list_devices())
    for (const Precision precision : device.precisions) {
      auto backend = make_backend(device.name, 2, precision);
      REQUIRE(backend);
      const DyvmConfig config = small_segmenter();
      Weights weights = random_tensors(config);
      auto segmenter = Segmenter::create(config, weights, **backend);
      REQUIRE(segmenter);
      const PictureSize size{128, 64};
      const auto pixels = striped_picture(size);
      std::vector<std::uint8_t> right;
      for (int y = 0; y < 64; ++y)
        right.insert(right.end(), pixels.begin() + (y * 128 + 64) * 3, pixels.begin() + (y + 1) * 128 * 3);
      DynamicOptions dynamic;
      dynamic.token_keep = config.token_keep;
      const auto scores = [&](const std::vector<std::uint8_t>& of, PictureSize size) {
        SegmentationTrace trace;
        SegmentationOptions options{.slide_stride = 64, .target = {8, 8}, .trace = &trace};
        Segmentation segmentation;
        REQUIRE((*segmenter)->segment(of.data(), size, dynamic, options, segmentation));
        return trace.scores;
      };
      const auto both = scores(pixels, size), alone = scores(right, {64, 64});
      CHECK(std::equal(alone.begin(), alone.end(), both.begin() + static_cast<std::ptrdiff_t>(alone.size())));
    }
}

TEST_CASE("what a segmentation cannot do is refused in words") {
  const auto backend = backend_of("reference");
  const DyvmConfig config = small_segmenter();
  Weights weights = random_tensors(config);
  auto segmenter = Segmenter::create(config, weights, *backend);
  REQUIRE(segmenter);
  const auto pixels = striped_picture({256, 64});
  const auto refused = [&](PictureSize size, int stride, PictureSize target, std::vector<double> keep) {
    DynamicOptions dynamic;
    dynamic.token_keep = std::move(keep);
    Segmentation segmentation;
    const SegmentationOptions options{.slide_stride = stride, .target = target, .trace = nullptr};
    const Status done = (*segmenter)->segment(pixels.data(), size, dynamic, options, segmentation);
    return !done && done.error().code == ErrorCode::bad_argument && done.error().message.ends_with(".");
  };
  const std::vector<double> keep = {0.5, 0.2};
  CHECK(!refused({256, 64}, 64, {3, 3}, keep));
  CHECK(refused({257, 64}, 64, {3, 3}, keep));
  CHECK(refused({0, 64}, 64, {3, 3}, keep));
  CHECK(refused({64, 64}, 0, {3, 3}, keep));
  CHECK(refused({64, 64}, 65, {3, 3}, keep));
  CHECK(refused({64, 64}, 64, {3, 0}, keep));
  CHECK(refused({64, 64}, 64, {3, 3}, {}));
  Weights incomplete = random_tensors(config);
  incomplete.add("decode_head.surplus.weight", {1}, {0.0f});
  const auto damaged = Segmenter::create(config, incomplete, *backend);
  REQUIRE(!damaged);
  CHECK(damaged.error().message.find("decode_head.surplus.weight") != std::string::npos);
}

TEST_CASE("input sizes other than the trained one: what is allowed") {
  const DyvmConfig config = small_segmenter();
  CHECK(with_input_size(config, 96)->image_size == 96);
  CHECK(with_input_size(config, 96)->trained_size == 64);
  CHECK(with_input_size(config, 64)->image_size == 64);
  for (const int size : {0, 33, 16, 4096}) {
    const auto changed = with_input_size(config, size);
    REQUIRE(!changed);
    CHECK(changed.error().code == ErrorCode::bad_argument);
  }
  CHECK(!with_input_size(published_size("T"), 256));
}

TEST_CASE("a segmentation is cancelled, and the next one works") {
  const auto backend = backend_of("reference");
  const DyvmConfig config = small_segmenter();
  Weights weights = random_tensors(config);
  auto segmenter = Segmenter::create(config, weights, *backend);
  REQUIRE(segmenter);
  const auto pixels = striped_picture({64, 64});
  std::atomic<bool> cancel = true;
  DynamicOptions dynamic;
  dynamic.token_keep = config.token_keep;
  dynamic.cancel = &cancel;
  Segmentation segmentation;
  const SegmentationOptions options{.slide_stride = 64, .target = {3, 3}, .trace = nullptr};
  const Status done = (*segmenter)->segment(pixels.data(), {64, 64}, dynamic, options, segmentation);
  REQUIRE(!done);
  CHECK(done.error().code == ErrorCode::cancelled);
  cancel = false;
  CHECK((*segmenter)->segment(pixels.data(), {64, 64}, dynamic, options, segmentation));
}
