// winnow-bench PICTURES.rgb [--device NAME] [--seconds S] [--models T,S,B,S-full,S-reg] [--batches 1,8,32]
// [--threads 1,2] [--precisions fp32,bf16,int8] [--times operations] [--write FILE]
//
// winnow-bench --maps [--seconds S] [--threads 1,2] [--precisions fp32,bf16]
//
// Images per second of the engine on models of the published sizes, or the time of each operation.
// pictures.rgb holds RGB bytes [count, 224, 224, 3] of real pictures: block decisions and patches vary with
// them as they do in use. With --maps the convolutions of the segmentation and detection heads beside plain
// oneDNN. Prints Markdown tables.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "bench/bench_program.h"
#include "bench/maps_bench.h"
#include "bench/random_model.h"

namespace winnow {
namespace {

constexpr int kSide = 224;
constexpr std::size_t kBytes = 3ull * kSide * kSide;

struct Choices {
  std::string pictures, device = "cpu", write;
  double seconds = 2.0;
  std::vector<std::string> models = {"T", "S", "B", "S-full"};
  std::vector<Precision> precisions = {Precision::fp32};
  std::vector<int> batches = {1, 8, 32}, threads = {1, 2};
  bool times = false;  // of each operation instead of the speed
  bool maps = false;   // the heads' convolutions instead of models
};

std::vector<int> numbers(const std::string& text) {
  std::vector<int> values;
  for (const std::string& part : split(text)) values.push_back(positive(part));
  return values;
}

bool read_settings(int argc, char** argv, Choices& s) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
#ifdef WINNOW_CPU
    if (argument == "--maps") {
      s.maps = true;
      continue;
    }
#endif
    if (!argument.starts_with("--")) {
      s.pictures = argument;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (argument == "--device")
      s.device = value;
    else if (argument == "--seconds")
      s.seconds = std::atof(value.c_str());
    else if (argument == "--models")
      s.models = split(value);
    else if (argument == "--precisions") {
      s.precisions.clear();
      for (const std::string& name : split(value)) {
        const auto precision = precision_of(name);
        if (!precision) return false;
        s.precisions.push_back(*precision);
      }
    } else if (argument == "--write")
      s.write = value;
    else if (argument == "--times")
      s.times = value == "operations";
    else if (argument == "--batches")
      s.batches = numbers(value);
    else if (argument == "--threads")
      s.threads = numbers(value);
    else
      return false;
  }
  return s.maps || !s.pictures.empty();
}

struct Speed {
  double images_per_second = 0.0, block_keep = 0.0;
  int images = 0;  // predicted in all
};

// Median over batches of different pictures, after one that is not counted.
Result<Speed> measure(DyvmModel& model, const std::vector<std::uint8_t>& pixels, int batch, double seconds) {
  const int count = static_cast<int>(pixels.size() / kBytes);
  DynamicOptions options;
  options.token_keep = model.config().token_keep;
  Outputs outputs;
  std::vector<std::uint8_t> input(batch * kBytes);
  std::vector<double> milliseconds;
  std::size_t ran = 0, possible = 0;
  int next = 0;
  double total = 0.0;
  while (total < seconds * 1000.0 || milliseconds.size() < 4) {
    for (int b = 0; b < batch; ++b, next = (next + 1) % count)
      std::copy_n(pixels.data() + next * kBytes, kBytes, input.data() + b * kBytes);
    const Status done = model.predict(input.data(), batch, options, outputs);
    if (!done) return done.error();
    milliseconds.push_back(outputs.milliseconds);
    total += outputs.milliseconds;
    for (std::uint8_t directions : outputs.directions) ran += (directions & 1) + (directions >> 1);
    possible += 2 * outputs.directions.size();
  }
  milliseconds.erase(milliseconds.begin());
  const int images = static_cast<int>(milliseconds.size() + 1) * batch;
  return Speed{1000.0 * batch / median(milliseconds), static_cast<double>(ran) / possible, images};
}

// The named model and its weights, decisions set on the first of the pictures.
struct NamedModel {
  DyvmConfig config;
  Weights weights;
};

Result<NamedModel> make_model(const std::string& name, const std::vector<std::uint8_t>& pixels, int count) {
  NamedModel model{published_size(name), {}};
  auto weights = random_weights(model.config, pixels, std::min(count, 64), name.starts_with("B") ? 0.7 : 0.8);
  if (!weights) return weights.error();
  model.weights = std::move(*weights);
  return model;
}

Status write_model(const Choices& settings, const std::vector<std::uint8_t>& pixels, int count) {
  auto model = make_model(settings.models.at(0), pixels, count);
  if (!model) return model.error();
  return write_safetensors(model->weights, settings.write);
}

// One table row: what was measured, and its images/s and block keep ratio, or milliseconds per image and
// thread of each operation.
void print_row(const std::string& what, const Speed& speed, const std::vector<OperationTime>& times) {
  std::printf("| %s |", what.c_str());
  if (times.empty()) std::printf(" %.1f | %.2f |", speed.images_per_second, speed.block_keep);
  for (const OperationTime& time : times) std::printf(" %.2f |", 1000.0 * time.seconds / speed.images);
  std::printf("\n");
  std::fflush(stdout);
}

void print_head(const std::vector<OperationTime>& times) {
  std::printf("| model | precision | threads | batch |");
  if (times.empty()) std::printf(" images/s | block keep |");
  for (const OperationTime& time : times) std::printf(" %s |", time.name.c_str());
  std::printf("\n|---|---|---|---|");
  for (std::size_t i = 0; i < (times.empty() ? 2 : times.size()); ++i) std::printf("---|");
  std::printf("\n");
}

Status run(const Choices& settings) {
#ifdef WINNOW_CPU
  if (settings.maps) return bench_maps(settings.threads, settings.precisions, settings.seconds);
#endif
  std::ifstream file(settings.pictures, std::ios::binary);
  std::vector<std::uint8_t> pixels{std::istreambuf_iterator<char>(file), {}};
  const int count = static_cast<int>(pixels.size() / kBytes);
  if (count < 8)
    return Error{ErrorCode::bad_argument, "Expected at least 8 pictures of 224 x 224 RGB bytes in " +
                                              settings.pictures + ", but there are " + std::to_string(count) +
                                              "."};
  if (!settings.write.empty()) return write_model(settings, pixels, count);
  for (const DeviceInfo& device : list_devices())
    if (device.name == settings.device)
      std::printf("%s: %s; %d pictures\n\n", device.name.c_str(), device.description.c_str(), count);
  bool headed = false;
  for (const std::string& name : settings.models) {
    auto made = make_model(name, pixels, count);
    if (!made) return made.error();
    for (Precision precision : settings.precisions) {
      for (int threads : settings.threads) {
        auto backend = make_backend(settings.device, threads, precision);
        if (!backend) return backend.error();
        auto model = DyvmModel::create(made->config, made->weights, **backend);
        if (!model) return model.error();
        for (int batch : settings.batches) {
          (*backend)->time_operations(settings.times);
          const auto speed = measure(**model, pixels, batch, settings.seconds);
          if (!speed) return speed.error();
          const auto times = (*backend)->operation_times();
          if (!headed) print_head(times);
          headed = true;
          print_row((made->config.block_selection ? "DyVM-" : "Vim-") + name + " | " +
                        precision_name(precision) + " | " + std::to_string(threads) + " | " +
                        std::to_string(batch),
                    *speed, times);
        }
      }
    }
  }
  return ok();
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  winnow::Choices settings;
  if (!winnow::read_settings(argc, argv, settings)) {
    std::fprintf(
        stderr,
        "Expected: winnow-bench PICTURES.rgb [--device NAME] [--seconds S] [--models T,S,B,S-full,S-reg] "
        "[--batches 1,8] [--threads 1,2] [--precisions fp32,bf16,int8] [--times operations] "
        "[--write FILE]\n"
        "or: winnow-bench --maps [--seconds S] [--threads 1,2] [--precisions fp32,bf16]\n");
    return 2;
  }
  const winnow::Status done = winnow::run(settings);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
