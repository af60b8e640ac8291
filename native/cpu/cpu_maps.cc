#include "cpu/cpu_maps.h"

#include <algorithm>
#include <cmath>

#include "cpu/isa.h"
#include "cpu/packed_convolution.h"
#include "cpu/packed_linear.h"
#include "ops/neighbours.h"
#include "ops/roi_axis.h"

namespace winnow::cpu {
namespace {

constexpr int kBandPixels =
    512;                    // of a convolution's task: its input, output and a block of weights fit the cache
constexpr int kChunk = 64;  // pixels of a task that goes over single pixels

// How the rows of one map are cut into bands: a pure function of its size, so that an image's numbers depend
// neither on the batch nor on the threads.
struct Bands {
  Bands(int height, int width) : height(height) {
    const int pixels = height * width;
    count = std::clamp(pixels / kBandPixels, pixels < kBandPixels / 2 ? 1 : 2, std::max(height, 2));
    count = std::min(count, height);
  }
  int begin(int band) const { return static_cast<int>(static_cast<long>(band) * height / count); }
  // The band's shape for a kernel that looks `reach` rows up and down.
  Band shape(int band, int width, int reach, Activation activation) const {
    const int top = begin(band), bottom = begin(band + 1);
    return {bottom - top, width, std::min(reach, top), std::min(reach, height - bottom), activation};
  }
  int height, count;
};

// The weight [in, out, 2, 2] as one matrix product for each of the two rows that an input row becomes: a
// product's outputs are [2, out], a row's two pixels, so that it writes whole rows.
struct CpuUpsampling : Upsampling {
  Element element = Element::fp32;
  std::unique_ptr<PackedLinear> rows[2];
};

// Of products in this precision: int8 is for the blocks, and comes without bf16 on some processors.
Element element_of(Precision precision) {
  const std::vector<Precision> native = native_precisions();
  const bool has_bf16 = std::find(native.begin(), native.end(), Precision::bf16) != native.end();
  return precision != Precision::fp32 && has_bf16 ? Element::bf16 : Element::fp32;
}

// The channels of pixel (y, x) of one image.
float* pixel(float* image, const Tensor& map, int y, int x) {
  return image + (static_cast<std::size_t>(y) * map.extent(2) + x) * map.extent(3);
}

}  // namespace

void CpuMaps::activate(Activation activation, float* x, std::size_t n) {
  if (activation == Activation::gelu) gelu(x, n);
  if (activation == Activation::relu) relu(x, n);
}

template <typename Body>
void CpuMaps::for_each_row(Tensor out, Operation operation, Body body) {
  const int rows = out.extent(1);
  pool_.run(out.extent(0) * rows, [&](int task, int thread) {
    OperationTimes::Task time(times_, thread);
    body(task / rows, task % rows, thread);
    time.end(operation);
  });
}

Result<std::unique_ptr<Convolution>> CpuMaps::make_convolution(const float* weight, const float* bias,
                                                               int outputs, int inputs, int kernel) {
  const ComputeThread scope;
  auto made = PackedConvolution::create(weight, bias, outputs, inputs, kernel, element_of(precision_));
  if (!made) return made.error();
  return std::unique_ptr<Convolution>(std::move(*made));
}

Result<std::unique_ptr<Upsampling>> CpuMaps::make_upsampling(const float* weight, const float* bias,
                                                             int inputs, int outputs) {
  const ComputeThread scope;
  auto made = std::make_unique<CpuUpsampling>();
  made->inputs = inputs;
  made->outputs = outputs;
  made->element = element_of(precision_);
  std::vector<float> matrix(2ull * outputs * inputs), twice(2ull * outputs, 0.0f);
  if (bias != nullptr)
    for (int o = 0; o < 2 * outputs; ++o) twice[o] = bias[o % outputs];
  for (int row = 0; row < 2; ++row) {
    for (int o = 0; o < 2 * outputs; ++o)
      for (int c = 0; c < inputs; ++c)
        matrix[static_cast<std::size_t>(o) * inputs + c] =
            weight[(static_cast<std::size_t>(c) * outputs + o % outputs) * 4 + row * 2 + o / outputs];
    auto packed =
        PackedLinear::create(matrix.data(), twice.data(), 2 * outputs, inputs, {.x = made->element});
    if (!packed) return packed.error();
    made->rows[row] = std::move(*packed);
  }
  return std::unique_ptr<Upsampling>(std::move(made));
}

void CpuMaps::convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const PackedConvolution&>(weights);
  const int width = x.extent(2), reach = w.kernel / 2;
  const Bands bands(x.extent(1), width);
  std::size_t largest = 0;
  for (int i = 0; i < bands.count; ++i) {
    const Band band = bands.shape(i, width, reach, activation);
    w.prepare(band, pool_.threads());
    largest = std::max<std::size_t>(largest, band.above + band.rows + band.below);
  }
  const std::size_t row = static_cast<std::size_t>(width) * w.inputs;
  const bool rounds = w.element() == Element::bf16;
  if (rounds) rounded_.reserve<BFloat16>(pool_.threads() * largest * row);
  pool_.run(x.extent(0) * bands.count, [&](int task, int thread) {
    OperationTimes::Task time(times_, thread);
    const int b = task / bands.count, i = task % bands.count;
    const Band band = bands.shape(i, width, reach, activation);
    const float* source = x.at(b) + (bands.begin(i) - band.above) * row;
    float* target = pixel(out.at(b), out, bands.begin(i), 0);
    if (rounds) {
      BFloat16* rounded = rounded_.as<BFloat16>() + thread * largest * row;
      round_to_bf16(source, (band.above + band.rows + band.below) * row, rounded);
      w.run(band, rounded, target, thread);
    } else {
      w.run(band, source, target, thread);
    }
    time.end(Operation::map_convolve);
  });
}

void CpuMaps::upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const CpuUpsampling&>(weights);
  const int width = x.extent(2);
  const std::size_t row = static_cast<std::size_t>(width) * w.inputs;
  const bool rounds = w.element == Element::bf16;
  if (rounds) rounded_.reserve<BFloat16>(pool_.threads() * row);
  for (const auto& product : w.rows) product->prepare(width, pool_.threads());
  for_each_row(x, Operation::map_upsample, [&](int b, int y, int thread) {
    const float* source = x.at(b) + y * row;
    BFloat16* rounded = rounded_.as<BFloat16>() + thread * row;
    if (rounds) round_to_bf16(source, row, rounded);
    for (int i = 0; i < 2; ++i)
      w.rows[i]->run(width, rounds ? static_cast<const void*>(rounded) : source,
                     pixel(out.at(b), out, 2 * y + i, 0), thread);
    activate(activation, pixel(out.at(b), out, 2 * y, 0), 4ull * width * w.outputs);
  });
}

void CpuMaps::max_pool(Tensor x, Tensor out) {
  for_each_row(out, Operation::map_pool, [&](int b, int row, int) {
    for (int column = 0; column < out.extent(2); ++column) {
      const float* upper = pixel(x.at(b), x, 2 * row, 2 * column);
      const float* lower = pixel(x.at(b), x, 2 * row + 1, 2 * column);
      const float* const pixels[] = {upper, upper + x.extent(3), lower, lower + x.extent(3)};
      largest(pixels, x.extent(3), pixel(out.at(b), out, row, column));
    }
  });
}

void CpuMaps::subsample(Tensor x, Tensor out) {
  for_each_row(out, Operation::map_pool, [&](int b, int row, int) {
    for (int column = 0; column < out.extent(2); ++column)
      std::copy_n(pixel(x.at(b), x, 2 * row, 2 * column), x.extent(3), pixel(out.at(b), out, row, column));
  });
}

void CpuMaps::average_pool(Tensor x, Tensor out) {
  const int height = x.extent(1), width = x.extent(2), rows = out.extent(1), columns = out.extent(2);
  for_each_row(out, Operation::map_pool, [&](int b, int row, int thread) {
    const int top = row * height / rows, bottom = ((row + 1) * height + rows - 1) / rows;
    for (int column = 0; column < columns; ++column) {
      const int left = column * width / columns, right = ((column + 1) * width + columns - 1) / columns;
      const float share = 1.0f / static_cast<float>((bottom - top) * (right - left));
      std::vector<Term>& terms = terms_[thread];
      terms.clear();
      for (int i = top; i < bottom; ++i)
        for (int j = left; j < right; ++j) terms.push_back({pixel(x.at(b), x, i, j), share});
      weighted_sum(terms.data(), static_cast<int>(terms.size()), x.extent(3), false,
                   pixel(out.at(b), out, row, column));
    }
  });
}

void CpuMaps::resize_map(Tensor x, Tensor out, bool add) {
  for_each_row(out, Operation::map_resize, [&](int b, int row, int) {
    const Neighbours y = Neighbours::of(row, x.extent(1), out.extent(1));
    for (int column = 0; column < out.extent(2); ++column) {
      const Neighbours z = Neighbours::of(column, x.extent(2), out.extent(2));
      const Term terms[] = {{pixel(x.at(b), x, y.first, z.first), (1.0f - y.share) * (1.0f - z.share)},
                            {pixel(x.at(b), x, y.first, z.second), (1.0f - y.share) * z.share},
                            {pixel(x.at(b), x, y.second, z.first), y.share * (1.0f - z.share)},
                            {pixel(x.at(b), x, y.second, z.second), y.share * z.share}};
      weighted_sum(terms, 4, x.extent(3), add, pixel(out.at(b), out, row, column));
    }
  });
}

void CpuMaps::concatenate(std::span<const Tensor> maps, Tensor out) {
  for_each_row(out, Operation::map_concatenate, [&](int b, int row, int) {
    float* target = pixel(out.at(b), out, row, 0);
    for (int column = 0; column < out.extent(2); ++column)
      for (const Tensor& map : maps)
        target = std::copy_n(pixel(map.at(b), map, row, column), map.extent(3), target);
  });
}

void CpuMaps::norm_channels(Tensor x, const float* weight, const float* bias, float epsilon,
                            Activation activation, Tensor out) {
  const int channels = x.extent(3), pixels = static_cast<int>(x.size() / channels);
  pool_.run((pixels + kChunk - 1) / kChunk, [&](int task, int thread) {
    OperationTimes::Task time(times_, thread);
    const int begin = task * kChunk, count = std::min(kChunk, pixels - begin);
    const std::size_t offset = static_cast<std::size_t>(begin) * channels;
    layer_norm(x.data() + offset, weight, bias, epsilon, count, channels, out.data() + offset);
    activate(activation, out.data() + offset, static_cast<std::size_t>(count) * channels);
    time.end(Operation::map_norm);
  });
}

// The samples of a bin share cells, and those of two axes make a product: every cell is read once for a bin.
void CpuMaps::align_axis(float low, float high, int stride, int bins, int cells, AxisWeights& axis) {
  const RoiAxis samples(low, high, stride, bins);
  axis.bins.assign(bins, {0, 0});
  axis.weights.assign(static_cast<std::size_t>(bins) * cells, 0.0f);
  const float share = 1.0f / static_cast<float>(std::max(samples.samples, 1));
  const float last = static_cast<float>(cells - 1);
  for (int bin = 0; bin < bins; ++bin) {
    AxisWeights::Bin& range = axis.bins[bin];
    float* weights = axis.weights.data() + static_cast<std::size_t>(bin) * cells;
    for (int i = 0; i < samples.samples; ++i) {
      const float position = samples.position(bin, i);
      if (position < -1.0f || position > static_cast<float>(cells)) continue;
      const float inside = std::clamp(position, 0.0f, last);
      const int cell = static_cast<int>(inside);
      if (range.count == 0) range.first = cell;
      const float rest = inside - static_cast<float>(cell);
      weights[cell - range.first] += (1.0f - rest) * share;
      range.count = cell - range.first + 1;
      if (rest == 0.0f) continue;
      weights[cell - range.first + 1] += rest * share;
      ++range.count;
    }
  }
}

void CpuMaps::roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                        const int* level, int count, Tensor out) {
  const int side = out.extent(1);
  pool_.run(count, [&](int r, int thread) {
    OperationTimes::Task time(times_, thread);
    const Tensor& map = levels[level[r]];
    const float* box = boxes + 4 * static_cast<std::size_t>(r);
    auto& [down, across] = axes_[thread];
    align_axis(box[1], box[3], strides[level[r]], side, map.extent(1), down);
    align_axis(box[0], box[2], strides[level[r]], side, map.extent(2), across);
    for (int row = 0; row < side; ++row)
      for (int column = 0; column < side; ++column) {
        const auto &y = down.bins[row], &x = across.bins[column];
        std::vector<Term>& terms = terms_[thread];
        terms.clear();
        for (int i = 0; i < y.count; ++i)
          for (int j = 0; j < x.count; ++j)
            terms.push_back({pixel(map.data(), map, y.first + i, x.first + j),
                             down.weights[static_cast<std::size_t>(row) * map.extent(1) + i] *
                                 across.weights[static_cast<std::size_t>(column) * map.extent(2) + j]});
        weighted_sum(terms.data(), static_cast<int>(terms.size()), map.extent(3), false,
                     pixel(out.at(r), out, row, column));
      }
    time.end(Operation::map_align);
  });
}

}  // namespace winnow::cpu
