// winnow-bench-detection [--sizes 512,1024] [--models S] [--precisions fp32,bf16] [--threads 1,2] [--runs 3]
//                        [--head cascade|one-stage]
//
// Milliseconds of a detection's parts, and the most memory that it took, on random weights with the
// three-stage heads that are published (256 channels, 1024 hidden values, 80 classes), or with a one-stage
// head of half the backbone's width: 1000 proposals, or candidates per level, and 100 masks, more than
// trained weights find in most pictures, drawn for a picture of 12 megapixels. Prints a Markdown table of the
// medians.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "bench/bench_program.h"
#include "bench/random_model.h"
#include "bench/random_weights.h"
#include "model/detection/detector.h"

namespace winnow {
namespace {

constexpr PictureSize kTarget{4000, 3000};

// Forgets what the process took at most so far. Does nothing where the system has no such file.
void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Megabytes that the process took at most; 0 where the system does not say.
int peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atoi(line.c_str() + 6) / 1024;
  return 0;
}

DyvmConfig config_of(const std::string& model, int size, bool one_stage) {
  DyvmConfig config = published_size(model + "-full");
  config.image_size = config.trained_size = size;
  config.classes = 80;
  config.rotary = !one_stage;
  config.detection = MaskRcnnHead{.width = 256, .box_width = 1024, .stages = 3, .box_per_class = false};
  if (one_stage)
    config.detection = OneStageHead{.width = config.embed_dim / 2, .layers = 2, .prototypes = 16};
  return config;
}

Status measure(Detector& detector, int runs, const std::string& what) {
  const int size = detector.config().image_size;
  const PictureSize picture{size, size * kTarget.height / kTarget.width};
  std::vector<std::uint8_t> pixels(3ull * picture.width * picture.height);
  std::uint32_t state = 1;
  for (std::uint8_t& value : pixels)
    value = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  DetectionOptions options;
  options.min_score = 0.0f;
  options.target = kTarget;
  Detections detections;
  std::vector<double> parts[6];
  for (int run = 0; run < runs + 1; ++run) {
    const Status done = detector.detect(pixels.data(), picture, DynamicOptions(), options, detections);
    if (!done) return done;
    if (run == 0) continue;
    const DetectionTimes& t = detections.times;
    const double values[] = {detections.milliseconds, t.backbone, t.pyramid, t.proposals, t.boxes, t.masks};
    for (std::size_t i = 0; i < std::size(values); ++i) parts[i].push_back(values[i]);
  }
  std::printf("| %s |", what.c_str());
  for (const auto& part : parts) std::printf(" %.0f |", median(part));
  std::printf(" %d MB | %zu |\n", peak_memory(), detections.found.size());
  std::fflush(stdout);
  return ok();
}

Status run(const Settings& settings) {
  const bool one_stage = settings.at("--head") == "one-stage";
  std::printf(
      "| model | size | precision | threads | ms | backbone | pyramid | proposals | boxes | masks | "
      "memory | found |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  return for_each_variant(settings,
                          [&](const std::string& model, int size, Backend& backend, const std::string& what) {
                            Result<std::unique_ptr<Detector>> detector = std::unique_ptr<Detector>();
                            {
                              const DyvmConfig config = config_of(model, size, one_stage);
                              Weights weights = random_tensors(config);
                              detector = Detector::create(config, weights, backend);
                            }
                            if (!detector) return Status(detector.error());
                            reset_peak_memory();
                            return measure(**detector, positive(settings.at("--runs")), what);
                          });
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  return winnow::run_program(argc, argv,
                             "winnow-bench-detection [--sizes 512,1024] [--models T,S] "
                             "[--precisions fp32,bf16] [--threads 1,2] [--runs 3] [--head cascade|one-stage]",
                             {{"--sizes", "1024"},
                              {"--models", "S"},
                              {"--precisions", "fp32"},
                              {"--threads", "2"},
                              {"--runs", "3"},
                              {"--head", "cascade"}},
                             winnow::run);
}
