// winnow-bench-train [--device cpu] [--threads N] [--batch N] [--steps N] [--size micro|T|S] [--width N]
// [--depth N] [--patch N] [--stride N] [--image N] [--states N] [--plain] [--teacher] [--keep R]: images per
// second of training steps, and the memory of one. Sizes in pixels, channels, blocks and states replace those
// of --size.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/random_model.h"
#include "train/network/initial_weights.h"
#include "train/random.h"
#include "train/trainer/trainer.h"

#ifdef WINNOW_CPU
#include "cpu/isa.h"
#endif

using namespace winnow;
using namespace winnow::train;

namespace {

// For small pictures.
DyvmConfig micro() {
  DyvmConfig c = published_size("T");
  c.image_size = c.trained_size = 32;
  c.patch_size = c.stride = 4;
  c.embed_dim = 96;
  c.depth = 8;
  c.dt_rank = 6;
  c.classes = 10;
  c.pruning_layers = {2, 4, 6};
  return c;
}

// What the options replace of a size; 0 for what stays.
struct Sizes {
  int width = 0, depth = 0, patch = 0, stride = 0, image = 0, states = 0;

  int* named(const std::string& option) {
    if (option == "--width") return &width;
    if (option == "--depth") return &depth;
    if (option == "--patch") return &patch;
    if (option == "--stride") return &stride;
    if (option == "--image") return &image;
    if (option == "--states") return &states;
    return nullptr;
  }
  void apply(DyvmConfig& c) const {
    if (width > 0) c.embed_dim = width, c.dt_rank = (width + 15) / 16;
    if (depth > 0) c.depth = depth, c.pruning_layers = {depth / 4, depth / 2, depth - depth / 4};
    if (patch > 0) c.patch_size = c.stride = patch;
    if (stride > 0) c.stride = stride;
    if (image > 0) c.image_size = c.trained_size = image;
    if (states > 0) c.state_dim = states;
  }
};

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef WINNOW_CPU
  if (const Status forced = cpu::force_isa_from_environment(); !forced) return fail(forced.error());
#endif
  std::string device = "cpu", size = "micro";
  int threads = 0, batch = 128, steps = 10;
  double keep = 0.7;
  bool plain = false, with_teacher = false;
  Sizes sizes;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--plain") {
      plain = true;
    } else if (name == "--teacher") {
      with_teacher = true;
    } else if (i + 1 == argc) {
      return fail({ErrorCode::bad_argument, "Expected a value behind " + name + "."});
    } else {
      const char* value = argv[++i];
      if (name == "--device") device = value;
      if (name == "--size") size = value;
      if (name == "--threads") threads = std::atoi(value);
      if (name == "--batch") batch = std::max(1, std::atoi(value));
      if (name == "--steps") steps = std::max(1, std::atoi(value));
      if (name == "--keep") keep = std::atof(value);
      if (int* replaced = sizes.named(name)) *replaced = std::atoi(value);
    }
  }
  DyvmConfig config = size == "micro" ? micro() : published_size(size);
  sizes.apply(config);
  if (config.patch_size > config.image_size)
    return fail({ErrorCode::bad_argument, "Expected patches no larger than the image of " +
                                              std::to_string(config.image_size) + " pixels, but they have " +
                                              std::to_string(config.patch_size) + "."});
  if (config.depth < 4 && !plain)
    return fail({ErrorCode::bad_argument, "Expected 4 blocks or more with three pruning stages, but got " +
                                              std::to_string(config.depth) + "; add --plain."});
  config.token_keep = {keep, keep * keep, keep * keep * keep};
  if (plain) config = without_pruning(config);

  Weights weights = initial_weights(config, 1);
  // Fresh predictors keep each patch with probability 1/2; a bias that keeps the aimed share makes the steps
  // those of a run that has settled.
  for (std::size_t stage = 0; stage < config.pruning_layers.size(); ++stage)
    weights.add("score_predictors." + std::to_string(stage) + ".out_conv.4.bias", {2},
                {static_cast<float>(std::log(keep / (1.0 - keep))), 0.0f});
  for (int layer = 0; config.block_selection && layer < config.depth; ++layer) {
    const auto bias = static_cast<float>(std::log(0.8 / 0.2));
    weights.add("layers." + std::to_string(layer) + ".mixer.block_head.bias", {2}, {bias, bias});
  }
  TrainerSettings settings;
  settings.losses.token_keep = config.token_keep;
  auto trainer = Trainer::create(config, weights, settings, device, threads);
  if (!trainer) return fail(trainer.error());
  if (with_teacher) {
    Weights frozen = initial_weights(without_pruning(config), 2);
    if (const Status set = (*trainer)->set_teacher(without_pruning(config), frozen); !set)
      return fail(set.error());
  }

  Random random(3);
  std::vector<std::uint8_t> pixels(3ull * config.image_size * config.image_size * batch);
  for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random.bits() >> 56);
  std::vector<int> labels(batch);
  for (int b = 0; b < batch; ++b) labels[b] = b % config.classes;
  const std::vector<float> targets = smooth_labels(labels, config.classes, 0.1);

  std::vector<double> seconds;
  StepResult last;
  for (int step = 0; step < steps + 2; ++step) {
    const auto start = std::chrono::steady_clock::now();
    const auto result = (*trainer)->step(pixels.data(), targets.data(), batch, 1e-6, step);
    if (!result) return fail(result.error());
    last = *result;
    if (step >= 2)  // the first ones allocate
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  std::printf("%s, batch %d%s%s: %.1f images/s (median of %d steps, %.1f ms; best %.1f)\n", size.c_str(),
              batch, plain ? ", plain" : "", with_teacher ? ", with teacher" : "", batch / median, steps,
              1000.0 * median, batch / seconds.front());
  std::printf("patches kept by the last stage %.2f, directions %.2f, loss %.4f\n", last.tokens_kept,
              last.directions_kept, last.losses.total);
  std::printf("memory of a step %.1f MB, %.2f x the %.1f MB of activations that its gradients need\n",
              (*trainer)->bytes() / 1e6,
              static_cast<double>((*trainer)->bytes()) / static_cast<double>((*trainer)->kept_bytes()),
              (*trainer)->kept_bytes() / 1e6);
  return 0;
}
