// winnow-bench-segmentation [--models T,S] [--sizes 512] [--precisions fp32,bf16] [--threads 1,2] [--runs 5]
// [--target 4000x3000] [--times operations]
//
// Milliseconds of a window's backbone and head, and of a picture of 4:3 from its resized pixels to its
// regions, on random weights of the published sizes; with --times of each operation, all threads together.
// Every scan direction runs; patches are kept as published. Prints a Markdown table of the medians.
#include <cstdio>
#include <string>
#include <vector>

#include "bench/bench_program.h"
#include "bench/random_model.h"
#include "bench/random_weights.h"

namespace winnow {
namespace {

DyvmConfig config_of(const std::string& model, int size) {
  DyvmConfig config = published_size(model);
  config.image_size = config.trained_size = size;
  config.classes = 150;
  const double keep = model == "T" ? 0.9 : 0.8;
  config.token_keep = {keep, keep * keep, keep * keep * keep};
  config.segmentation = SegmentationHead{.taps = {5, 11, 17, 23},
                                         .width = config.embed_dim,
                                         .pool_scales = {1, 2, 3, 6},
                                         .slide_stride = size * 2 / 3};
  return config;
}

// A picture of waves, `size` pixels high.
std::vector<std::uint8_t> waves(PictureSize size) {
  std::vector<std::uint8_t> pixels(3ull * size.width * size.height);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const int c = static_cast<int>(i % 3), x = static_cast<int>(i / 3 % size.width),
              y = static_cast<int>(i / 3 / size.width);
    pixels[i] = static_cast<std::uint8_t>(x * (1 + c) / 3 + y * y / (200 + 50 * c) + 7 * (x * y % 5));
  }
  return pixels;
}

Status measure(Segmenter& segmenter, Backend& backend, const Settings& settings, const std::string& what) {
  const DyvmConfig& config = segmenter.config();
  const int side = config.image_size, runs = positive(settings.at("--runs"));
  const PictureSize picture{side * 4 / 3, side};
  SegmentationOptions options;
  options.slide_stride = config.segmentation->slide_stride;
  if (std::sscanf(settings.at("--target").c_str(), "%dx%d", &options.target.width, &options.target.height) !=
      2)
    return Error{ErrorCode::bad_argument, "Expected a target as 4000x3000."};
  const std::vector<std::uint8_t> pixels = waves(picture);
  DynamicOptions dynamic;
  dynamic.token_keep = config.token_keep;
  dynamic.block_threshold = 0.0f;
  Segmentation segmentation;
  std::vector<double> parts[4];
  for (int run = 0; run < runs + 1; ++run) {
    if (run == 1) backend.time_operations(settings.at("--times") == "operations");
    const Status done = segmenter.segment(pixels.data(), picture, dynamic, options, segmentation);
    if (!done) return done;
    if (run == 0) continue;
    const double windows = static_cast<double>(segmentation.directions.size()) / config.depth;
    const SegmentationTimes& t = segmentation.times;
    const double values[] = {t.backbone / windows, t.head / windows, t.labels, segmentation.milliseconds};
    for (std::size_t i = 0; i < std::size(values); ++i) parts[i].push_back(values[i]);
  }
  std::printf("| %s |", what.c_str());
  for (const auto& part : parts) std::printf(" %.1f |", median(part));
  std::printf("\n");
  for (const OperationTime& time : backend.operation_times())
    std::printf("    %-20s %8.2f ms\n", time.name.c_str(), 1000.0 * time.seconds / runs);
  std::fflush(stdout);
  return ok();
}

Status run(const Settings& settings) {
  std::printf(
      "| model | size | precision | threads | backbone of a window, ms | its head | labels of a picture | "
      "the "
      "picture |\n|---|---|---|---|---|---|---|---|\n");
  return for_each_variant(
      settings, [&](const std::string& model, int size, Backend& backend, const std::string& what) {
        const DyvmConfig config = config_of(model, size);
        Weights weights = random_tensors(config);
        auto segmenter = Segmenter::create(config, weights, backend);
        return segmenter ? measure(**segmenter, backend, settings, what) : Status(segmenter.error());
      });
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  return winnow::run_program(
      argc, argv,
      "winnow-bench-segmentation [--models T,S] [--sizes 512] [--precisions fp32,bf16] "
      "[--threads 1,2] [--runs 5] [--target 4000x3000] [--times operations]",
      {{"--models", "T"},
       {"--sizes", "512"},
       {"--precisions", "fp32"},
       {"--threads", "2"},
       {"--runs", "5"},
       {"--target", "800x600"},
       {"--times", "parts"}},
      winnow::run);
}
