// Segmentation and detection on a GPU, whose kernels run on this machine's processor: against the reference,
// and when memory is short or the device is lost, wherever that happens.
#include <doctest/doctest.h>

#include <functional>

#include "bench/random_weights.h"
#include "gpu/gpu_backend.h"
#include "gpu/host/host_library.h"
#include "model/detection/detector.h"
#include "model/segmentation/segmenter.h"
#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"
#include "test/gpu/host_gpus.h"
#include "test/model/small_models.h"

using namespace winnow;

namespace {

constexpr int kDevices[] = {gpu::kHostBf16, gpu::kHostFp16, gpu::kHostSmall};

// Every direction of every block runs: what is decided by a hair is not what is compared.
DynamicOptions all_blocks(const DyvmConfig& config) {
  DynamicOptions dynamic;
  dynamic.token_keep = config.token_keep;
  dynamic.block_threshold = 0.0f;
  return dynamic;
}

struct LoadedSegmenter {
  explicit LoadedSegmenter(std::unique_ptr<Backend> on, const DyvmConfig& config = small_segmenter(32))
      : backend(std::move(on)), dynamic(all_blocks(config)) {
    Weights weights = random_tensors(config);
    auto made = Segmenter::create(config, weights, *backend);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    segmenter = std::move(*made);
  }
  Status run() {
    const PictureSize size{40, 32};
    return segmenter->segment(striped_picture(size).data(), size, dynamic,
                              {.slide_stride = 21, .target = {31, 17}, .trace = &trace}, segmentation);
  }
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Segmenter> segmenter;
  DynamicOptions dynamic;
  SegmentationTrace trace;
  Segmentation segmentation;
};

struct LoadedDetector {
  explicit LoadedDetector(std::unique_ptr<Backend> on, const std::string& kind = "cascade")
      : backend(std::move(on)) {
    const DyvmConfig config = small_detector(kind);
    Weights weights = random_tensors(config);
    auto made = Detector::create(config, weights, *backend);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    detector = std::move(*made);
  }
  // Of a picture so small that there are few proposals.
  Status run() {
    const PictureSize size{12, 9};
    return detector->detect(random_picture(size).data(), size, {},
                            {.max_detections = 3, .target = size, .trace = &trace}, detections);
  }
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Detector> detector;
  DetectionTrace trace;
  Detections detections;
};

// Loses the device after every fifth of the launches that a call needs.
template <typename Loaded>
void lose_device_everywhere() {
  long long launches;
  {
    Loaded loaded(gpu_backend(gpu::kHostBf16));
    gpu::set_host_faults({});
    REQUIRE(loaded.run());
    launches = gpu::host_counts().launches;
  }
  for (int fifth = 0; fifth < 5; ++fifth) {
    CAPTURE(fifth);
    Loaded loaded(gpu_backend(gpu::kHostBf16));
    gpu::set_host_faults({.launches_before_loss = launches * fifth / 5});
    const Status done = loaded.run();
    REQUIRE(!done);
    CHECK(done.error().code == ErrorCode::device_lost);
    CHECK(done.error().message.find("taken away") != std::string::npos);
  }
  gpu::set_host_faults({});
}

// Gives a call a little more memory each time, until it is enough: then the result is as ever.
template <typename Loaded>
void run_short_of_memory(const std::function<void(const Loaded&, const Loaded&)>& compare) {
  Loaded ample(gpu_backend(gpu::kHostBf16)), scant(gpu_backend(gpu::kHostBf16));
  REQUIRE(ample.run());
  WinnowGpuInfo info;
  gpu::host_gpu_library()->list(&info, 1, nullptr);
  std::size_t memory = info.memory_bytes - info.free_bytes;
  int failures = 0;
  for (;; memory += memory / 16, ++failures) {
    REQUIRE(failures < 100);
    gpu::set_host_faults({.memory_bytes = memory});
    const Status done = scant.run();
    if (done) break;
    CHECK(done.error().code == ErrorCode::out_of_memory);
  }
  gpu::set_host_faults({});
  CHECK(failures > 2);
  compare(ample, scant);
}

}  // namespace

TEST_CASE("gpu segmenter: features and scores are the reference's, to the factors' digits") {
  DyvmConfig rotated = small_segmenter(32);
  rotated.rotary = true;
  rotated.halve_directions = false;
  rotated.pruning_layers = {};
  rotated.token_keep = {};
  rotated.block_selection = false;
  for (const DyvmConfig& config : {small_segmenter(32), rotated}) {
    CAPTURE(config.rotary);
    LoadedSegmenter reference(make_reference_backend(), config);
    REQUIRE(reference.run());
    for (int device : kDevices) {
      CAPTURE(device);
      LoadedSegmenter loaded(gpu_backend(device), config);
      for (const Outputs& window : reference.trace.windows) loaded.trace.replay.push_back(window.kept);
      const Status done = loaded.run();
      REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
      const double tolerance = device == gpu::kHostFp16 ? 0.005 : 0.03;
      for (std::size_t i = 0; i < 4; ++i)
        CHECK(difference(reference.trace.features[i], loaded.trace.features[i]) < tolerance);
      CHECK(difference(reference.trace.scores, loaded.trace.scores) < tolerance);
      int differ = 0;
      for (std::size_t i = 0; i < reference.trace.classes.size(); ++i)
        differ += reference.trace.classes[i] != loaded.trace.classes[i];
      CHECK(differ <= static_cast<int>(reference.trace.classes.size()) / 20);
    }
  }
}

TEST_CASE(
    "gpu detector: the pyramid is the reference's, to the factors' digits, and what is found is alike") {
  for (const std::string kind : {"cascade", "plain", "one-stage"}) {
    CAPTURE(kind);
    LoadedDetector reference(make_reference_backend(), kind);
    REQUIRE(reference.run());
    REQUIRE(!reference.detections.found.empty());
    for (int device : {gpu::kHostBf16, gpu::kHostFp16}) {
      CAPTURE(device);
      LoadedDetector loaded(gpu_backend(device), kind);
      const Status done = loaded.run();
      REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
      // Norms over the few channels of this model make more of a difference.
      const double tolerance = device == gpu::kHostFp16 ? 0.01 : 0.1;
      CHECK(difference(reference.trace.feature, loaded.trace.feature) < tolerance);
      REQUIRE(reference.trace.levels.size() == (kind == "one-stage" ? 3 : 5));
      for (std::size_t level = 0; level < reference.trace.levels.size(); ++level)
        CHECK(difference(reference.trace.levels[level], loaded.trace.levels[level]) < tolerance);
      if (kind == "one-stage") {
        CHECK(difference(reference.trace.class_logits, loaded.trace.class_logits) < tolerance);
        CHECK(difference(reference.trace.predictions, loaded.trace.predictions) < tolerance);
        CHECK(difference(reference.trace.prototypes, loaded.trace.prototypes) < tolerance);
      }
      REQUIRE(!loaded.detections.found.empty());
      const Detection &expected = reference.detections.found[0], &found = loaded.detections.found[0];
      CHECK(found.score == doctest::Approx(expected.score).epsilon(0.05));
    }
  }
}

TEST_CASE("gpu segmenter: a device that is lost anywhere in a call is told") {
  lose_device_everywhere<LoadedSegmenter>();
}

TEST_CASE("gpu detector: a device that is lost anywhere in a call is told") {
  lose_device_everywhere<LoadedDetector>();
}

TEST_CASE("gpu segmenter: too little memory anywhere in a call is told, and more of it is enough") {
  run_short_of_memory<LoadedSegmenter>([](const LoadedSegmenter& ample, const LoadedSegmenter& scant) {
    CHECK(ample.trace.scores == scant.trace.scores);
  });
}

TEST_CASE("gpu detector: too little memory anywhere in a call is told, and more of it is enough") {
  run_short_of_memory<LoadedDetector>([](const LoadedDetector& ample, const LoadedDetector& scant) {
    CHECK(ample.trace.levels[0] == scant.trace.levels[0]);
    CHECK(ample.trace.mask_probabilities == scant.trace.mask_probabilities);
  });
}
