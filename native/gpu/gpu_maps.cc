#include "gpu/gpu_maps.h"

#include <algorithm>
#include <cassert>

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

ChangeMap change_of(const Tensor& x, const Tensor& out, bool add = false) {
  return {.x = x.data(),
          .out = out.data(),
          .height = x.extent(1),
          .width = x.extent(2),
          .rows = out.extent(1),
          .columns = out.extent(2),
          .channels = x.extent(3),
          .add = add ? 1 : 0};
}

}  // namespace

GpuMaps::GpuMaps(Gpu gpu)
    : gpu_(std::move(gpu)),
      tile_bytes_(std::min<std::size_t>(kMostTileBytes, gpu_.info().memory_bytes / kMemoryPerTile)) {}

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

void GpuMaps::unfold(Tensor x, int kernel, int first, int count) {
  const int channels = x.extent(3);
  Half* rows = halves_.reserve(static_cast<std::size_t>(count) * kernel * kernel * channels);
  if (kernel == 1)
    gpu_.launch_rows(Kernel::norm_rows, count,
                     NormRows{.rows = x.data() + static_cast<std::size_t>(first) * channels,
                              .weight = nullptr,
                              .out = rows,
                              .epsilon = 0.0f,
                              .count = count,
                              .dim = channels});
  else
    gpu_.launch_rows(Kernel::unfold_map, count,
                     UnfoldMap{.x = x.data(),
                               .out = rows,
                               .height = x.extent(1),
                               .width = x.extent(2),
                               .channels = channels,
                               .window = kernel,
                               .first = first,
                               .pixels = count});
}

void GpuMaps::convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const GpuConvolution&>(weights);
  const int pixels = pixels_of(x), inputs = w.kernel * w.kernel * w.inputs;
  const int tile = tile_of(pixels, inputs * sizeof(Half), w.outputs);
  for (int first = 0; first < pixels; first += tile) {
    const int count = std::min(tile, pixels - first);
    float* target = out.data() + static_cast<std::size_t>(first) * w.outputs;
    unfold(x, w.kernel, first, count);
    gpu_.multiply(halves_.data(), w.weight.data(), target, count, inputs, w.outputs);
    gpu_.activate(target, w.bias.data(), activation, static_cast<std::size_t>(count) * w.outputs, w.outputs);
  }
  times_.end(gpu_, "map convolution");
}

void GpuMaps::upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const GpuUpsampling&>(weights);
  const int pixels = pixels_of(x), outputs = 4 * w.outputs;
  const int tile = tile_of(pixels, std::max(w.inputs * sizeof(Half), outputs * sizeof(float)), outputs);
  float* products = floats_.reserve(static_cast<std::size_t>(tile) * outputs);
  for (int first = 0; first < pixels; first += tile) {
    const int count = std::min(tile, pixels - first);
    unfold(x, 1, first, count);
    gpu_.multiply(halves_.data(), w.weight.data(), products, count, w.inputs, outputs);
    gpu_.launch_rows(Kernel::place_quarters, count,
                     PlaceQuarters{.products = products,
                                   .bias = w.bias.data(),
                                   .out = out.data(),
                                   .activation = static_cast<std::int32_t>(activation),
                                   .height = x.extent(1),
                                   .width = x.extent(2),
                                   .channels = w.outputs,
                                   .first = first,
                                   .pixels = count});
  }
  times_.end(gpu_, "map upsampling");
}

void GpuMaps::change_map(Kernel kernel, Tensor x, Tensor out, bool add) {
  const int values = out.extent(2) * out.extent(3), threads = threads_for(values);
  gpu_.launch(kernel,
              {blocks_for(values, threads), static_cast<std::size_t>(out.extent(1)),
               static_cast<std::size_t>(out.extent(0))},
              threads, change_of(x, out, add));
}

void GpuMaps::max_pool(Tensor x, Tensor out) {
  change_map(Kernel::max_pool, x, out);
  times_.end(gpu_, "map pooling");
}

void GpuMaps::subsample(Tensor x, Tensor out) {
  change_map(Kernel::subsample, x, out);
  times_.end(gpu_, "map pooling");
}

void GpuMaps::resize_map(Tensor x, Tensor out, bool add) {
  change_map(Kernel::resize_map, x, out, add);
  times_.end(gpu_, "map resizing");
}

void GpuMaps::average_pool(Tensor x, Tensor out) {
  gpu_.launch(Kernel::average_pool,
              {static_cast<std::size_t>(out.extent(1)) * out.extent(2), blocks_for(out.extent(3), 32),
               static_cast<std::size_t>(out.extent(0))},
              256, change_of(x, out));
  times_.end(gpu_, "map pooling");
}

void GpuMaps::concatenate(std::span<const Tensor> maps, Tensor out) {
  float* target = out.data();
  for (const Tensor& map : maps) {
    const int pixels = pixels_of(map), channels = map.extent(3);
    gpu_.launch_rows(
        Kernel::place_channels, pixels,
        PlaceChannels{
            .x = map.data(), .out = target, .pixels = pixels, .channels = channels, .all = out.extent(3)});
    target += channels;
  }
  times_.end(gpu_, "map concatenation");
}

void GpuMaps::norm_channels(Tensor x, const float* weight, const float* bias, float epsilon,
                            Activation activation, Tensor out) {
  const int pixels = pixels_of(x);
  gpu_.launch_rows(Kernel::norm_channels, pixels,
                   NormChannels{.x = x.data(),
                                .weight = weight,
                                .bias = bias,
                                .out = out.data(),
                                .epsilon = epsilon,
                                .activation = static_cast<std::int32_t>(activation),
                                .pixels = pixels,
                                .channels = x.extent(3)});
  times_.end(gpu_, "map norm");
}

// Where the samples lie is computed here: a device that rounds otherwise would take another number of them.
void GpuMaps::roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                        const int* level, int count, Tensor out) {
  const int side = out.extent(1), channels = out.extent(3);
  std::vector<RoiPlace> indices;
  for (int r = 0; r < count; ++r, boxes += 4) {
    const RoiAxis across(boxes[0], boxes[2], strides[level[r]], side);
    const RoiAxis down(boxes[1], boxes[3], strides[level[r]], side);
    indices.push_back(
        {{down.start, across.start}, {down.width, across.width}, {down.samples, across.samples}, level[r]});
  }
  indices_.hold(indices);
  AlignRois arguments{.maps = {},
                      .heights = {},
                      .widths = {},
                      .indices = indices_.data(),
                      .out = out.data(),
                      .side = side,
                      .channels = channels};
  assert(levels.size() <= std::size(arguments.maps));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    arguments.maps[i] = levels[i].data();
    arguments.heights[i] = levels[i].extent(1);
    arguments.widths[i] = levels[i].extent(2);
  }
  gpu_.launch(Kernel::align_rois, {static_cast<std::size_t>(count), static_cast<std::size_t>(side) * side},
              threads_for(channels), arguments);
  times_.end(gpu_, "ROIAlign");
}

void GpuMaps::add_resized_taps(Tensor taps, Activation activation, Tensor out) {
  const int rows = out.extent(1), columns = out.extent(2), channels = out.extent(3);
  gpu_.launch(Kernel::add_resized_taps,
              {blocks_for(channels, 32) * blocks_for(columns, 8), static_cast<std::size_t>(rows),
               static_cast<std::size_t>(out.extent(0))},
              256,
              AddResizedTaps{.taps = taps.data(),
                             .out = out.data(),
                             .activation = static_cast<std::int32_t>(activation),
                             .height = taps.extent(1),
                             .width = taps.extent(2),
                             .rows = rows,
                             .columns = columns,
                             .channels = channels});
  times_.end(gpu_, "map resizing");
}

void GpuMaps::label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                           TensorView<std::uint16_t> classes) {
  std::vector<std::int32_t> starts(windows.tops.begin(), windows.tops.end());
  starts.insert(starts.end(), windows.lefts.begin(), windows.lefts.end());
  starts_.hold(starts);
  gpu_.launch_rows(Kernel::label_pixels, classes.size(),
                   LabelPixels{.maps = maps.data(),
                               .starts = starts_.data(),
                               .classes = classes.data(),
                               .tops = static_cast<std::int32_t>(windows.tops.size()),
                               .lefts = static_cast<std::int32_t>(windows.lefts.size()),
                               .side = windows.side,
                               .picture_height = windows.height,
                               .picture_width = windows.width,
                               .map_height = maps.extent(1),
                               .map_width = maps.extent(2),
                               .channels = maps.extent(3),
                               .height = height,
                               .width = width,
                               .first_row = first_row,
                               .pixels = static_cast<std::int32_t>(classes.size())});
  times_.end(gpu_, "labels of pixels");
}

}  // namespace winnow::gpu
