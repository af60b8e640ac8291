#include "gpu/gpu_maps.h"

#include <algorithm>

#include "ops/roi_axis.h"

namespace winnow::gpu {
namespace {

// Of the rows that a product reads: few enough to stay in a large GPU's cache, and little of a small one's
// memory.
constexpr std::size_t kMostTileBytes = 32 << 20;
constexpr std::size_t kMemoryPerTile = 512;
constexpr std::size_t kMostValues = 1 << 30;  // of a tile: their number is an int

struct GpuConvolution : Convolution {
  explicit GpuConvolution(Gpu& gpu) : weight(gpu), bias(gpu) {}
  Buffer<Half> weight;  // [out, K, K, in]
  Buffer<float> bias;   // [out], or nothing
};

struct GpuUpsampling : Upsampling {
  explicit GpuUpsampling(Gpu& gpu) : weight(gpu), bias(gpu) {}
  Buffer<Half> weight;  // [2, 2, out, in]
  Buffer<float> bias;   // [out], or nothing
};

int pixels_of(const Tensor& map) { return static_cast<int>(map.size() / map.extent(3)); }

// Threads of a block that covers as much as it can of `values` side by side.
int threads_for(int values) { return std::clamp((values + 31) / 32 * 32, 32, 256); }

std::size_t blocks_for(std::size_t values, int each) { return (values + each - 1) / each; }

}  // namespace

GpuMaps::GpuMaps(Gpu gpu)
    : gpu_(std::move(gpu)),
      tile_bytes_(std::min<std::size_t>(kMostTileBytes, gpu_.info().memory_bytes / kMemoryPerTile)),
      rows_(gpu_),
      products_(gpu_),
      places_(gpu_),
      starts_(gpu_) {}

Result<std::unique_ptr<Convolution>> GpuMaps::make_convolution(const float* weight, const float* bias,
                                                               int outputs, int inputs, int kernel) {
  auto made = std::make_unique<GpuConvolution>(gpu_);
  made->outputs = outputs;
  made->inputs = inputs;
  made->kernel = kernel;
  const std::size_t taps = static_cast<std::size_t>(kernel) * kernel, row = taps * inputs;
  std::vector<float> ordered(row * outputs);
  for (int o = 0; o < outputs; ++o)
    for (int c = 0; c < inputs; ++c)
      for (std::size_t tap = 0; tap < taps; ++tap)
        ordered[o * row + tap * inputs + c] = weight[o * row + c * taps + tap];
  made->weight.hold(halves(gpu_.info(), ordered.data(), ordered.size()));
  made->bias.hold(bias, outputs);
  if (const Status status = gpu_.take_failure(); !status) return status.error();
  return std::unique_ptr<Convolution>(std::move(made));
}

Result<std::unique_ptr<Upsampling>> GpuMaps::make_upsampling(const float* weight, const float* bias,
                                                             int inputs, int outputs) {
  auto made = std::make_unique<GpuUpsampling>(gpu_);
  made->inputs = inputs;
  made->outputs = outputs;
  const std::size_t quarter = static_cast<std::size_t>(inputs) * outputs;
  std::vector<float> ordered(4 * quarter);
  for (int c = 0; c < inputs; ++c)
    for (int o = 0; o < outputs; ++o)
      for (int i = 0; i < 4; ++i)
        ordered[i * quarter + static_cast<std::size_t>(o) * inputs + c] =
            weight[(static_cast<std::size_t>(c) * outputs + o) * 4 + i];
  made->weight.hold(halves(gpu_.info(), ordered.data(), ordered.size()));
  made->bias.hold(bias, outputs);
  if (const Status status = gpu_.take_failure(); !status) return status.error();
  return std::unique_ptr<Upsampling>(std::move(made));
}

// Pixels whose products are computed together: what is kept of each takes `bytes`, and it has `outputs`.
int GpuMaps::tile_of(int pixels, std::size_t bytes, int outputs) const {
  const std::size_t most = std::min<std::size_t>(tile_bytes_ / bytes, kMostValues / outputs);
  return static_cast<int>(std::clamp<std::size_t>(most, 1, static_cast<std::size_t>(std::max(pixels, 1))));
}

void GpuMaps::multiply(const Half* weight, int count, int inputs, int outputs, float* out) {
  WinnowGpuProduct product{};
  product.x = rows_.data();
  product.w = weight;
  product.out = out;
  product.rows = count;
  product.inputs = inputs;
  product.outputs = outputs;
  product.count = 1;
  product.scale = 1.0f;
  product.out_is_fp32 = 1;
  gpu_.multiply(product);
}

void GpuMaps::unfold(Tensor x, int kernel, int first, int count) {
  const int channels = x.extent(3);
  Half* rows = rows_.reserve(static_cast<std::size_t>(count) * kernel * kernel * channels);
  if (kernel == 1)
    gpu_.launch_rows(Kernel::norm_rows, count,
                     NormRows{x.data() + static_cast<std::size_t>(first) * channels, nullptr, rows, 0.0f,
                              count, channels});
  else
    gpu_.launch_rows(Kernel::unfold_map, count,
                     UnfoldMap{x.data(), rows, x.extent(1), x.extent(2), channels, kernel, first, count});
}

void GpuMaps::convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const GpuConvolution&>(weights);
  const int pixels = pixels_of(x), inputs = w.kernel * w.kernel * w.inputs;
  const int tile = tile_of(pixels, inputs * sizeof(Half), w.outputs);
  for (int first = 0; first < pixels; first += tile) {
    const int count = std::min(tile, pixels - first), values = count * w.outputs;
    float* target = out.data() + static_cast<std::size_t>(first) * w.outputs;
    unfold(x, w.kernel, first, count);
    multiply(w.weight.data(), count, inputs, w.outputs, target);
    if (activation != Activation::none || w.bias.data() != nullptr)
      gpu_.launch_each(
          Kernel::activate, values,
          Activate{target, w.bias.data(), static_cast<std::int32_t>(activation), values, w.outputs});
  }
}

void GpuMaps::upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const GpuUpsampling&>(weights);
  const int pixels = pixels_of(x), outputs = 4 * w.outputs;
  const int tile = tile_of(pixels, std::max(w.inputs * sizeof(Half), outputs * sizeof(float)), outputs);
  float* products = products_.reserve(static_cast<std::size_t>(tile) * outputs);
  for (int first = 0; first < pixels; first += tile) {
    const int count = std::min(tile, pixels - first);
    unfold(x, 1, first, count);
    multiply(w.weight.data(), count, w.inputs, outputs, products);
    gpu_.launch_rows(Kernel::place_quarters, count,
                     PlaceQuarters{products, w.bias.data(), out.data(), static_cast<std::int32_t>(activation),
                                   x.extent(1), x.extent(2), w.outputs, first, count});
  }
}

void GpuMaps::change_map(Kernel kernel, Tensor x, Tensor out, bool add) {
  const int values = out.extent(2) * out.extent(3), threads = threads_for(values);
  gpu_.launch(kernel,
              {blocks_for(values, threads), static_cast<std::size_t>(out.extent(1)),
               static_cast<std::size_t>(out.extent(0))},
              threads,
              ChangeMap{x.data(), out.data(), x.extent(1), x.extent(2), out.extent(1), out.extent(2),
                        x.extent(3), add ? 1 : 0});
}

void GpuMaps::max_pool(Tensor x, Tensor out) { change_map(Kernel::max_pool, x, out); }
void GpuMaps::subsample(Tensor x, Tensor out) { change_map(Kernel::subsample, x, out); }
void GpuMaps::resize_map(Tensor x, Tensor out, bool add) { change_map(Kernel::resize_map, x, out, add); }

void GpuMaps::average_pool(Tensor x, Tensor out) {
  gpu_.launch(Kernel::average_pool,
              {static_cast<std::size_t>(out.extent(1)) * out.extent(2), blocks_for(out.extent(3), 32),
               static_cast<std::size_t>(out.extent(0))},
              256,
              ChangeMap{x.data(), out.data(), x.extent(1), x.extent(2), out.extent(1), out.extent(2),
                        x.extent(3), 0});
}

void GpuMaps::concatenate(std::span<const Tensor> maps, Tensor out) {
  float* target = out.data();
  for (const Tensor& map : maps) {
    const int pixels = pixels_of(map), channels = map.extent(3);
    gpu_.launch_rows(Kernel::place_channels, pixels,
                     PlaceChannels{map.data(), target, pixels, channels, out.extent(3)});
    target += channels;
  }
}

void GpuMaps::norm_channels(Tensor x, const float* weight, const float* bias, float epsilon,
                            Activation activation, Tensor out) {
  const int pixels = pixels_of(x);
  gpu_.launch_rows(Kernel::norm_channels, pixels,
                   NormChannels{x.data(), weight, bias, out.data(), epsilon,
                                static_cast<std::int32_t>(activation), pixels, x.extent(3)});
}

// Where the samples lie is computed here: a device that rounds otherwise would take another number of them.
void GpuMaps::roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                        const int* level, int count, Tensor out) {
  const int side = out.extent(1), channels = out.extent(3);
  std::vector<RoiPlace> places;
  for (int r = 0; r < count; ++r, boxes += 4) {
    const RoiAxis across(boxes[0], boxes[2], strides[level[r]], side);
    const RoiAxis down(boxes[1], boxes[3], strides[level[r]], side);
    places.push_back(
        {{down.start, across.start}, {down.width, across.width}, {down.samples, across.samples}, level[r]});
  }
  places_.hold(places);
  AlignRois arguments{{}, {}, {}, places_.data(), out.data(), side, channels};
  for (std::size_t i = 0; i < std::min(levels.size(), std::size(arguments.maps)); ++i) {
    arguments.maps[i] = levels[i].data();
    arguments.heights[i] = levels[i].extent(1);
    arguments.widths[i] = levels[i].extent(2);
  }
  gpu_.launch(Kernel::align_rois, {static_cast<std::size_t>(count), static_cast<std::size_t>(side) * side},
              threads_for(channels), arguments);
}

void GpuMaps::add_resized_taps(Tensor taps, Activation activation, Tensor out) {
  const int rows = out.extent(1), columns = out.extent(2), channels = out.extent(3);
  gpu_.launch(Kernel::add_resized_taps,
              {blocks_for(channels, 32) * blocks_for(columns, 8), static_cast<std::size_t>(rows),
               static_cast<std::size_t>(out.extent(0))},
              256,
              AddResizedTaps{taps.data(), out.data(), static_cast<std::int32_t>(activation), taps.extent(1),
                             taps.extent(2), rows, columns, channels});
}

void GpuMaps::label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                           TensorView<std::uint16_t> classes) {
  std::vector<std::int32_t> starts(windows.tops.begin(), windows.tops.end());
  starts.insert(starts.end(), windows.lefts.begin(), windows.lefts.end());
  starts_.hold(starts);
  LabelPixels arguments{};
  arguments.maps = maps.data();
  arguments.starts = starts_.data();
  arguments.classes = classes.data();
  arguments.tops = static_cast<std::int32_t>(windows.tops.size());
  arguments.lefts = static_cast<std::int32_t>(windows.lefts.size());
  arguments.side = windows.side;
  arguments.picture_height = windows.height;
  arguments.picture_width = windows.width;
  arguments.map_height = maps.extent(1);
  arguments.map_width = maps.extent(2);
  arguments.channels = maps.extent(3);
  arguments.height = height;
  arguments.width = width;
  arguments.first_row = first_row;
  arguments.pixels = static_cast<std::int32_t>(classes.size());
  gpu_.launch_rows(Kernel::label_pixels, classes.size(), arguments);
}

}  // namespace winnow::gpu
