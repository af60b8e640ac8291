#include "bench/maps_bench.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <dnnl.hpp>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace winnow {
namespace {

using Values = std::vector<float>;

double milliseconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

Values scattered(std::size_t count) {
  Values values(count);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / (1 << 24) - 0.5f;
  }
  return values;
}

struct Map {
  Map(int images, int height, int width, int channels)
      : values(scattered(static_cast<std::size_t>(images) * height * width * channels)),
        tensor(values.data(), {images, height, width, channels}) {}
  Values values;
  Tensor tensor;
};

// A convolution of a head.
struct Layer {
  const char* name;
  int images, height, width, inputs, outputs, kernel;
};

constexpr Layer kUperHead[] = {
    {"PPM bottleneck", 1, 16, 16, 960, 192, 3}, {"lateral 0", 1, 128, 128, 192, 192, 1},
    {"lateral 1", 1, 64, 64, 192, 192, 1},      {"lateral 2", 1, 32, 32, 192, 192, 1},
    {"FPN 0", 1, 128, 128, 192, 192, 3},        {"FPN 1", 1, 64, 64, 192, 192, 3},
    {"FPN 2", 1, 32, 32, 192, 192, 3},          {"FPN bottleneck", 1, 128, 128, 768, 192, 3},
    {"classifier", 1, 128, 128, 192, 150, 1}};

constexpr Layer kDetection[] = {
    {"p2 1x1", 1, 256, 256, 48, 256, 1},     {"p2 3x3", 1, 256, 256, 256, 256, 3},
    {"p3 1x1", 1, 128, 128, 96, 256, 1},     {"p3 3x3", 1, 128, 128, 256, 256, 3},
    {"p4 1x1", 1, 64, 64, 192, 256, 1},      {"p4 3x3", 1, 64, 64, 256, 256, 3},
    {"p5 1x1", 1, 32, 32, 192, 256, 1},      {"p5 3x3", 1, 32, 32, 256, 256, 3},
    {"RPN on p2", 1, 256, 256, 256, 256, 3}, {"RPN on p3", 1, 128, 128, 256, 256, 3},
    {"RPN on p4", 1, 64, 64, 256, 256, 3},   {"RPN on p5", 1, 32, 32, 256, 256, 3},
    {"RPN on p6", 1, 16, 16, 256, 256, 3},   {"RPN deltas on p2", 1, 256, 256, 256, 12, 1},
    {"box head", 1000, 7, 7, 256, 256, 3},   {"box fc1", 1, 1000, 1, 12544, 1024, 1},
    {"mask head", 100, 14, 14, 256, 256, 3}, {"mask logits", 100, 28, 28, 256, 80, 1}};

// The layer by oneDNN alone: every layout is its own choice, what is converted between them does not count.
class PlainOneDnn {
 public:
  PlainOneDnn(const Layer& s, Precision precision) : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    using dnnl::memory;
    const auto type = precision == Precision::fp32 ? memory::data_type::f32 : memory::data_type::bf16;
    const auto any = memory::format_tag::any;
    const memory::desc x({s.images, s.inputs, s.height, s.width}, type, any),
        weight({s.outputs, s.inputs, s.kernel, s.kernel}, type, any),
        bias({s.outputs}, memory::data_type::f32, memory::format_tag::a),
        out({s.images, s.outputs, s.height, s.width}, memory::data_type::f32, any);
    const memory::dims strides = {1, 1}, padding = {s.kernel / 2, s.kernel / 2};
    constexpr auto kInference = dnnl::prop_kind::forward_inference;
    constexpr auto kDirect = dnnl::algorithm::convolution_direct;
    dnnl::primitive_attr attributes;
    dnnl::post_ops steps;
#if DNNL_VERSION_MAJOR >= 3
    steps.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(steps);
    const dnnl::convolution_forward::primitive_desc description(engine_, kInference, kDirect, x, weight, bias,
                                                                out, strides, padding, padding, attributes);
#else
    steps.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(steps);
    const dnnl::convolution_forward::primitive_desc description(
        {kInference, kDirect, x, weight, bias, out, strides, padding, padding}, attributes, engine_);
#endif
    convolution_ = dnnl::convolution_forward(description);
    fill(DNNL_ARG_SRC, description.src_desc());
    fill(DNNL_ARG_WEIGHTS, description.weights_desc());
    fill(DNNL_ARG_BIAS, description.bias_desc());
    fill(DNNL_ARG_DST, description.dst_desc());
  }
  void run() {
    convolution_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  void fill(int argument, const dnnl::memory::desc& description) {
    dnnl::memory memory(description, engine_);
    std::fill_n(static_cast<std::uint16_t*>(memory.get_data_handle()), description.get_size() / 2, 0x3c80);
    arguments_.emplace(argument, memory);
  }
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::convolution_forward convolution_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

struct Times {
  double ours = 0.0, plain = 0.0;
};

// Medians of turns of the two, after one that is not counted.
Result<Times> measure(Backend& backend, const Layer& s, int threads, Precision precision, double seconds) {
  const Values weight = scattered(static_cast<std::size_t>(s.outputs) * s.inputs * s.kernel * s.kernel);
  const Values bias(s.outputs, 0.1f);
  auto ours = backend.make_convolution(weight.data(), bias.data(), s.outputs, s.inputs, s.kernel);
  if (!ours) return ours.error();
  omp_set_num_threads(threads);
  PlainOneDnn plain(s, precision);
  const Map x(s.images, s.height, s.width, s.inputs), out(s.images, s.height, s.width, s.outputs);
  std::vector<double> times[2];
  double total = 0.0;
  for (int turn = 0; turn < 4 || total < seconds * 1000.0; ++turn) {
    omp_set_num_threads(threads);
    const double theirs = milliseconds_of([&] { plain.run(); });
    const double mine =
        milliseconds_of([&] { backend.convolve(x.tensor, **ours, Activation::relu, out.tensor); });
    if (turn == 0) continue;
    times[0].push_back(mine);
    times[1].push_back(theirs);
    total += mine + theirs;
  }
  return Times{median(times[0]), median(times[1])};
}

// Milliseconds of an operation of ours that is no convolution.
double measure_other(const std::function<void()>& work) {
  std::vector<double> times;
  work();
  for (int turn = 0; turn < 5; ++turn) times.push_back(milliseconds_of(work));
  return median(times);
}

struct Other {
  std::string name;
  double milliseconds;
};

Result<Other> measure_upsampling(Backend& backend, int images, int side, int inputs, int outputs) {
  const Values weight = scattered(4ull * inputs * outputs);
  auto made = backend.make_upsampling(weight.data(), nullptr, inputs, outputs);
  if (!made) return made.error();
  const Map x(images, side, side, inputs), out(images, 2 * side, 2 * side, outputs);
  return Other{"upsampling " + std::to_string(inputs) + " to " + std::to_string(outputs) + " channels of " +
                   std::to_string(images) + " x " + std::to_string(side) + "^2",
               measure_other([&] { backend.upsample(x.tensor, **made, Activation::none, out.tensor); })};
}

Result<std::vector<Other>> others_of_uper_head(Backend& backend) {
  std::vector<Other> others;
  for (const int side : {32, 32, 64}) {
    auto other = measure_upsampling(backend, 1, side, 192, 192);
    if (!other) return other.error();
    others.push_back(*other);
  }
  const Map full(1, 128, 128, 192), all(1, 128, 128, 768);
  for (const int side : {64, 32, 16}) {
    const Map small(1, side, side, 192), twice(1, 2 * side, 2 * side, 192);
    others.push_back(
        {"resizing " + std::to_string(side) + "^2 to twice that and to 128^2", measure_other([&] {
           backend.resize_map(small.tensor, twice.tensor, true);
           backend.resize_map(small.tensor, full.tensor, false);
         })});
  }
  others.push_back({"concatenating four of 128^2", measure_other([&] {
                      const Tensor maps[] = {full.tensor, full.tensor, full.tensor, full.tensor};
                      backend.concatenate(maps, all.tensor);
                    })});
  const Map deepest(1, 16, 16, 192);
  others.push_back({"PPM's pools", measure_other([&] {
                      for (const int bins : {1, 2, 3, 6}) {
                        Map pooled(1, bins, bins, 192);
                        backend.average_pool(deepest.tensor, pooled.tensor);
                      }
                    })});
  return others;
}

Result<std::vector<Other>> others_of_detection(Backend& backend) {
  std::vector<Other> others;
  for (const auto& [images, side, inputs, outputs] :
       {std::tuple{1, 64, 192, 96}, {1, 128, 96, 48}, {1, 64, 192, 96}, {100, 14, 256, 256}}) {
    auto other = measure_upsampling(backend, images, side, inputs, outputs);
    if (!other) return other.error();
    others.push_back(*other);
  }
  const Values ones(256, 1.0f);
  const Map p2(1, 256, 256, 256), p3(1, 128, 128, 256), p4(1, 64, 64, 256), p5(1, 32, 32, 256);
  others.push_back({"LayerNorm of p2 to p5, twice each", measure_other([&] {
                      for (const Map* map : {&p2, &p3, &p4, &p5})
                        for (int i = 0; i < 2; ++i)
                          backend.norm_channels(map->tensor, ones.data(), ones.data(), 1e-6f,
                                                Activation::none, map->tensor);
                    })});
  const Tensor levels[] = {p2.tensor, p3.tensor, p4.tensor, p5.tensor};
  constexpr int kStrides[] = {4, 8, 16, 32};
  Values boxes;
  std::vector<int> level;
  const Values place = scattered(4000);
  for (int r = 0; r < 1000; ++r) {
    const float size = 30.0f * static_cast<float>(1 << (r % 4)) * (1.0f + 0.5f * place[4 * r]);
    const float left = (place[4 * r + 1] + 0.5f) * (1024.0f - size), top = (place[4 * r + 2] + 0.5f) * 500.0f;
    boxes.insert(boxes.end(), {left, top, left + size, top + size * (1.0f + place[4 * r + 3])});
    level.push_back(r % 4);
  }
  for (const auto& [count, side] : {std::pair{1000, 7}, {100, 14}}) {
    const Map out(count, side, side, 256);
    others.push_back({"ROIAlign of " + std::to_string(count) + " boxes to " + std::to_string(side) + "^2",
                      measure_other([&] {
                        backend.roi_align(levels, kStrides, boxes.data(), level.data(), count, out.tensor);
                      })});
    others.push_back({"LayerNorm and ReLU of them", measure_other([&] {
                        backend.norm_channels(out.tensor, ones.data(), ones.data(), 1e-6f, Activation::relu,
                                              out.tensor);
                      })});
  }
  return others;
}

Status bench_head(const char* head, std::span<const Layer> layers, Backend& backend, int threads,
                  Precision precision, double seconds,
                  Result<std::vector<Other>> (*measure_others)(Backend&)) {
  std::printf(
      "\n%s, %s, %d threads\n\n| operation | map | channels | ours, ms | oneDNN, ms | speed, ours / oneDNN "
      "|\n"
      "|---|---|---|---|---|---|\n",
      head, precision_name(precision), threads);
  Times total;
  for (const Layer& s : layers) {
    const auto times = measure(backend, s, threads, precision, seconds);
    if (!times) return times.error();
    std::printf("| %s, %d x %d | %d x %d x %d | %d to %d | %.2f | %.2f | %.2f |\n", s.name, s.kernel,
                s.kernel, s.images, s.height, s.width, s.inputs, s.outputs, times->ours, times->plain,
                times->plain / times->ours);
    std::fflush(stdout);
    total.ours += times->ours;
    total.plain += times->plain;
  }
  std::printf("| all of these | | | %.1f | %.1f | %.2f |\n", total.ours, total.plain,
              total.plain / total.ours);
  const auto others = measure_others(backend);
  if (!others) return others.error();
  for (const Other& other : *others) {
    std::printf("| %s | | | %.2f | | |\n", other.name.c_str(), other.milliseconds);
    total.ours += other.milliseconds;
  }
  std::printf("| all operations | | | %.1f | %.1f | %.2f |\n", total.ours, total.plain,
              total.plain / total.ours);
  return ok();
}

}  // namespace

Status bench_maps(const std::vector<int>& threads, const std::vector<Precision>& precisions, double seconds) {
  for (const Precision precision : precisions)
    for (const int count : threads) {
      auto backend = make_backend("cpu", count, precision);
      if (!backend) return backend.error();
      if (Status done =
              bench_head("UPerHead", kUperHead, **backend, count, precision, seconds, others_of_uper_head);
          !done)
        return done;
      if (Status done = bench_head("Detection heads", kDetection, **backend, count, precision, seconds,
                                   others_of_detection);
          !done)
        return done;
    }
  return ok();
}

}  // namespace winnow
