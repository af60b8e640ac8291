// winnow-bench-gpu [--device cuda:0] [--batch 256] [--tokens 197] [--rounds 20]
//
// Time of each operation of a block of DyVM-S, both scan directions of all images, beside its floors on the
// same device: the bytes that it has to move at the speed that copying reaches, its multiplications at the
// speed of a large matrix product, its exponentials and quotients at that of a kernel that does nothing else.
// All three speeds are measured first. Prints Markdown.
#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "bench/bench_program.h"
#include "engine/gpu_devices.h"
#include "gpu/gpu.h"

namespace winnow {
namespace {

struct Sizes {
  int batch, tokens, rounds;
};

constexpr int kDim = 384, kInner = 768, kStates = 16, kRank = 24, kWidth = 4;  // of DyVM-S

// Per second.
struct Speeds {
  double bytes, multiplications /* and additions, each one */, exponentials;
};

// The median of seconds(), each of one call of `work`.
template <typename Work>
double median_seconds(gpu::Gpu& device, int rounds, Work work) {
  std::vector<double> seconds;
  for (int i = 0; i < rounds + 2; ++i) {
    device.seconds();
    work();
    const double spent = device.seconds();
    if (i >= 2) seconds.push_back(spent);
  }
  std::nth_element(seconds.begin(), seconds.begin() + rounds / 2, seconds.end());
  return seconds[rounds / 2];
}

Speeds measure_speeds(gpu::Gpu& device, int rounds) {
  constexpr int kValues = 1 << 26, kSide = 8192, kRounds = 64;
  gpu::Buffer<float> a(device), b(device);
  gpu::Buffer<gpu::Half> x(device), w(device), y(device);
  constexpr std::size_t kArea = static_cast<std::size_t>(kSide) * kSide;
  if (!a.reserve(kValues) || !b.reserve(kValues) || !x.reserve(kArea) || !w.reserve(kArea) ||
      !y.reserve(kArea))
    return {};
  for (float* values : {a.data(), b.data()}) device.clear(values, kValues * sizeof(float));
  for (gpu::Half* values : {x.data(), w.data()}) device.clear(values, kArea * sizeof(gpu::Half));
  const double copy = median_seconds(device, rounds, [&] {
    device.launch_each(gpu::Kernel::add_rows, kValues, gpu::AddRows{a.data(), b.data(), kValues});
  });
  const double product = median_seconds(
      device, rounds, [&] { device.multiply(x.data(), w.data(), y.data(), kSide, kSide, kSide); });
  const double exponentials = median_seconds(device, rounds, [&] {
    device.launch_each(gpu::Kernel::exponentiate, kValues / 4,
                       gpu::Exponentiate{a.data(), b.data(), kValues / 4, kRounds});
  });
  return {12.0 * kValues / copy, 2.0 * kArea * kSide / product, 8.0 * kRounds * kValues / 4 / exponentials};
}

struct Work {
  std::string operation;
  double bytes, multiplications, exponentials;
};

// What each operation of the block has to do for so many rows (tokens of all images), as the backend divides
// it.
std::vector<Work> work_of(double rows) {
  const double width = kRank + 2 * kStates;
  return {
      {"norm", rows * kDim * (4 + 2), 0, 0},
      {"in_proj", 2.0 * (rows * kDim + rows * 2 * kInner + 2.0 * kInner * kDim),
       2.0 * rows * kDim * 2 * kInner, 0},
      {"convolution", 2.0 * rows * kInner * 3, 2.0 * 2 * rows * kInner * kWidth, 2.0 * 2 * rows * kInner},
      {"x_proj", 2.0 * (2 * rows * kInner) + 4.0 * 2 * rows * width, 2.0 * 2 * rows * kInner * width, 0},
      {"scan", 2.0 * rows * kInner * 4 + 4.0 * 2 * rows * width, 0,
       2.0 * rows * kInner * (kStates + 2) + 2.0 * rows * kInner},
      {"out_proj", 2.0 * rows * kInner + 8.0 * rows * kDim, 2.0 * rows * kInner * kDim, 0},
  };
}

// Random parameters of a block, in the sizes that training leaves.
class Parameters {
 public:
  const float* normal(std::size_t count, double deviation) {
    std::normal_distribution<float> values(0.0f, static_cast<float>(deviation));
    std::vector<float>& made = storage_.emplace_back(count);
    for (float& value : made) value = values(random_);
    return made.data();
  }
  ScanWeights direction() {
    return {normal(1ull * kInner * kWidth, 0.5),
            normal(kInner, 0.1),
            normal(1ull * (kRank + 2 * kStates) * kInner, 0.04),
            normal(1ull * kInner * kRank, 0.2),
            normal(kInner, 1.0),
            normal(1ull * kInner * kStates, 1.0),
            normal(kInner, 1.0)};
  }

 private:
  std::mt19937 random_{1};
  std::vector<std::vector<float>> storage_;
};

Status time_block(Backend& backend, const Sizes& s, std::vector<OperationTime>& times) {
  Parameters parameters;
  auto block = backend.make_block({.embed_dim = kDim,
                                   .inner_dim = kInner,
                                   .state_dim = kStates,
                                   .dt_rank = kRank,
                                   .conv_width = kWidth,
                                   .norm = parameters.normal(kDim, 1.0),
                                   .in_proj = parameters.normal(2ull * kInner * kDim, 0.05),
                                   .out_proj = parameters.normal(1ull * kInner * kDim, 0.04),
                                   .gate = nullptr,
                                   .gate_bias = nullptr,
                                   .forward = parameters.direction(),
                                   .backward = parameters.direction(),
                                   .norm_epsilon = 1e-5f,
                                   .output_scale = 0.5f});
  if (!block) return block.error();
  const std::size_t values = static_cast<std::size_t>(s.batch) * s.tokens * kDim;
  auto* stream = static_cast<float*>(backend.allocate(values * sizeof(float)));
  auto* directions = static_cast<std::uint8_t*>(backend.allocate(static_cast<std::size_t>(s.batch)));
  const auto run = [&](int rounds) {
    backend.write(stream, parameters.normal(values, 1.0), values * sizeof(float));
    for (int i = 0; i < rounds; ++i)
      backend.run_block(**block, SpecialTokens::class_token(s.tokens / 2), 0.5f,
                        {stream, {s.batch, s.tokens, kDim}}, {directions, {s.batch}}, {}, {});
    return backend.wait();
  };
  Status done = run(3);
  if (done) {
    backend.time_operations(true);
    done = run(s.rounds);
    times = backend.operation_times();
  }
  backend.release(stream);
  backend.release(directions);
  return done;
}

Status run(const Settings& settings) {
  const std::string& name = settings.at("--device");
  const Sizes sizes{positive(settings.at("--batch")), positive(settings.at("--tokens")),
                    positive(settings.at("--rounds"))};
  const auto found = find_gpu(name);
  if (!found) return found.error();
  Speeds speeds{};
  {
    auto device = gpu::Gpu::open(*found->library, found->index);
    if (!device) return device.error();
    std::printf("%s, %s, products by %s\n\n", device->info().name, device->info().driver,
                device->info().products);
    speeds = measure_speeds(*device, sizes.rounds);
    if (const Status done = device->take_failure(); !done) return done;
  }
  std::printf("copy %.2f TB/s, products %.0f TFLOP/s, exponentials %.2f T/s\n\n", speeds.bytes / 1e12,
              speeds.multiplications / 1e12, speeds.exponentials / 1e12);
  auto backend = make_backend(name, 0, Precision::bf16);
  if (!backend) return backend.error();
  std::vector<OperationTime> times;
  if (const Status done = time_block(**backend, sizes, times); !done) return done;
  std::printf("A block of DyVM-S, %d images of %d tokens, both directions:\n\n", sizes.batch, sizes.tokens);
  std::printf("| operation | ms | floor ms | reached | limit |\n|---|---|---|---|---|\n");
  double all = 0.0, all_floor = 0.0;
  for (const Work& work : work_of(static_cast<double>(sizes.batch) * sizes.tokens)) {
    const auto time = std::find_if(times.begin(), times.end(),
                                   [&](const OperationTime& t) { return t.name == work.operation; });
    if (time == times.end()) continue;
    const double seconds = time->seconds / sizes.rounds;
    const double floors[] = {work.bytes / speeds.bytes, work.multiplications / speeds.multiplications,
                             work.exponentials / speeds.exponentials};
    const auto* floor = std::max_element(floors, floors + 3);
    const char* limits[] = {"bytes", "products", "exponentials"};
    std::printf("| %s | %.3f | %.3f | %.0f %% | %s |\n", work.operation.c_str(), 1000 * seconds,
                1000 * *floor, 100 * *floor / seconds, limits[floor - floors]);
    all += seconds;
    all_floor += *floor;
  }
  std::printf("| all | %.3f | %.3f | %.0f %% | |\n", 1000 * all, 1000 * all_floor, 100 * all_floor / all);
  return ok();
}

}  // namespace
}  // namespace winnow

int main(int argc, char** argv) {
  return winnow::run_program(
      argc, argv, "winnow-bench-gpu [--device cuda:0] [--batch 256] [--tokens 197] [--rounds 20]",
      {{"--device", "cuda:0"}, {"--batch", "256"}, {"--tokens", "197"}, {"--rounds", "20"}}, winnow::run);
}
