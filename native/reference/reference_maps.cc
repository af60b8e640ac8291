#include "reference/reference_maps.h"

#include <algorithm>
#include <vector>

#include "ops/roi_axis.h"
#include "reference/formulas.h"

namespace winnow {
namespace {

struct ReferenceConvolution : Convolution {
  std::vector<double> weight;  // [K, K, in, out]
  std::vector<float> bias;
};

struct ReferenceUpsampling : Upsampling {
  std::vector<float> weight, bias;
};

std::vector<float> bias_or_zeros(const float* bias, int outputs) {
  return bias == nullptr ? std::vector<float>(outputs, 0.0f) : std::vector<float>(bias, bias + outputs);
}

float activate(Activation activation, double v) {
  return static_cast<float>(reference::activate(activation, v));
}

// The channels of pixel (y, x) of image b.
float* pixel(Tensor map, int b, int y, int x) {
  return map.at(b) + (static_cast<std::size_t>(y) * map.extent(2) + x) * map.extent(3);
}

// Calls visit(b, y, x) for every pixel of `map`.
template <typename Visit>
void for_each_pixel(Tensor map, Visit visit) {
  for (int b = 0; b < map.extent(0); ++b)
    for (int y = 0; y < map.extent(1); ++y)
      for (int x = 0; x < map.extent(2); ++x) visit(b, y, x);
}

// Channel c of image b at (y, x) >= 0, between the four cells around; the last ones are repeated.
double bilinear(Tensor map, int b, double y, double x, int c) {
  const int bottom = map.extent(1) - 1, right = map.extent(2) - 1;
  const int y0 = std::min(static_cast<int>(y), bottom), x0 = std::min(static_cast<int>(x), right);
  const int y1 = std::min(y0 + 1, bottom), x1 = std::min(x0 + 1, right);
  const double v = y - y0, u = x - x0;
  return (1 - v) * ((1 - u) * pixel(map, b, y0, x0)[c] + u * pixel(map, b, y0, x1)[c]) +
         v * ((1 - u) * pixel(map, b, y1, x0)[c] + u * pixel(map, b, y1, x1)[c]);
}

// A sample of ROIAlign.
double sample(Tensor map, double y, double x, int c) {
  const int height = map.extent(1), width = map.extent(2);
  if (y < -1.0 || y > height || x < -1.0 || x > width) return 0.0;
  return bilinear(map, 0, std::clamp(y, 0.0, height - 1.0), std::clamp(x, 0.0, width - 1.0), c);
}

}  // namespace

Result<std::unique_ptr<Convolution>> ReferenceMaps::make_convolution(const float* weight, const float* bias,
                                                                     int outputs, int inputs, int kernel) {
  auto made = std::make_unique<ReferenceConvolution>();
  made->outputs = outputs;
  made->inputs = inputs;
  made->kernel = kernel;
  const std::size_t taps = static_cast<std::size_t>(kernel) * kernel;
  made->weight.resize(taps * inputs * outputs);
  for (int o = 0; o < outputs; ++o)
    for (int c = 0; c < inputs; ++c)
      for (std::size_t tap = 0; tap < taps; ++tap)
        made->weight[(tap * inputs + c) * outputs + o] =
            weight[(static_cast<std::size_t>(o) * inputs + c) * taps + tap];
  made->bias = bias_or_zeros(bias, outputs);
  return std::unique_ptr<Convolution>(std::move(made));
}

Result<std::unique_ptr<Upsampling>> ReferenceMaps::make_upsampling(const float* weight, const float* bias,
                                                                   int inputs, int outputs) {
  auto made = std::make_unique<ReferenceUpsampling>();
  made->inputs = inputs;
  made->outputs = outputs;
  made->weight.assign(weight, weight + 4ull * inputs * outputs);
  made->bias = bias_or_zeros(bias, outputs);
  return std::unique_ptr<Upsampling>(std::move(made));
}

void ReferenceMaps::convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const ReferenceConvolution&>(weights);
  const int height = x.extent(1), width = x.extent(2), kernel = w.kernel, outputs = w.outputs;
  std::vector<double> sums(outputs);
  for_each_pixel(out, [&](int b, int row, int column) {
    std::copy(w.bias.begin(), w.bias.end(), sums.begin());
    for (int i = 0; i < kernel; ++i)
      for (int j = 0; j < kernel; ++j) {
        const int y = row + i - kernel / 2, z = column + j - kernel / 2;
        if (y < 0 || y >= height || z < 0 || z >= width) continue;
        const float* values = pixel(x, b, y, z);
        const double* tap = &w.weight[(static_cast<std::size_t>(i) * kernel + j) * w.inputs * outputs];
        for (int c = 0; c < w.inputs; ++c, tap += outputs)
          for (int o = 0; o < outputs; ++o) sums[o] += tap[o] * values[c];
      }
    float* target = pixel(out, b, row, column);
    for (int o = 0; o < outputs; ++o) target[o] = activate(activation, sums[o]);
  });
}

void ReferenceMaps::upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) {
  const auto& w = static_cast<const ReferenceUpsampling&>(weights);
  for_each_pixel(out, [&](int b, int row, int column) {
    const int tap = row % 2 * 2 + column % 2;
    for (int o = 0; o < w.outputs; ++o) {
      double sum = w.bias[o];
      for (int c = 0; c < w.inputs; ++c)
        sum += static_cast<double>(w.weight[(static_cast<std::size_t>(c) * w.outputs + o) * 4 + tap]) *
               pixel(x, b, row / 2, column / 2)[c];
      pixel(out, b, row, column)[o] = activate(activation, sum);
    }
  });
}

void ReferenceMaps::max_pool(Tensor x, Tensor out) {
  for_each_pixel(out, [&](int b, int row, int column) {
    for (int c = 0; c < x.extent(3); ++c) {
      float best = pixel(x, b, 2 * row, 2 * column)[c];
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) best = std::max(best, pixel(x, b, 2 * row + i, 2 * column + j)[c]);
      pixel(out, b, row, column)[c] = best;
    }
  });
}

void ReferenceMaps::subsample(Tensor x, Tensor out) {
  for_each_pixel(out, [&](int b, int row, int column) {
    std::copy_n(pixel(x, b, 2 * row, 2 * column), x.extent(3), pixel(out, b, row, column));
  });
}

void ReferenceMaps::average_pool(Tensor x, Tensor out) {
  const int height = x.extent(1), width = x.extent(2), rows = out.extent(1), columns = out.extent(2);
  for_each_pixel(out, [&](int b, int row, int column) {
    const int top = row * height / rows, bottom = ((row + 1) * height + rows - 1) / rows;
    const int left = column * width / columns, right = ((column + 1) * width + columns - 1) / columns;
    for (int c = 0; c < x.extent(3); ++c) {
      double sum = 0.0;
      for (int i = top; i < bottom; ++i)
        for (int j = left; j < right; ++j) sum += pixel(x, b, i, j)[c];
      pixel(out, b, row, column)[c] = static_cast<float>(sum / ((bottom - top) * (right - left)));
    }
  });
}

void ReferenceMaps::resize_map(Tensor x, Tensor out, bool add) {
  const double down = static_cast<double>(x.extent(1)) / out.extent(1);
  const double across = static_cast<double>(x.extent(2)) / out.extent(2);
  for_each_pixel(out, [&](int b, int row, int column) {
    const double y = std::max((row + 0.5) * down - 0.5, 0.0),
                 z = std::max((column + 0.5) * across - 0.5, 0.0);
    for (int c = 0; c < x.extent(3); ++c) {
      float& target = pixel(out, b, row, column)[c];
      target = static_cast<float>(bilinear(x, b, y, z, c) + (add ? target : 0.0f));
    }
  });
}

void ReferenceMaps::concatenate(std::span<const Tensor> maps, Tensor out) {
  for_each_pixel(out, [&](int b, int row, int column) {
    float* target = pixel(out, b, row, column);
    for (const Tensor& map : maps) target = std::copy_n(pixel(map, b, row, column), map.extent(3), target);
  });
}

void ReferenceMaps::norm_channels(Tensor x, const float* weight, const float* bias, float epsilon,
                                  Activation activation, Tensor out) {
  const int channels = x.extent(3);
  for_each_pixel(x, [&](int b, int row, int column) {
    reference::norm(pixel(x, b, row, column), weight, bias, epsilon, channels, pixel(out, b, row, column),
                    activation);
  });
}

void ReferenceMaps::roi_align(std::span<const Tensor> levels, std::span<const int> strides,
                              const float* boxes, const int* level, int count, Tensor out) {
  const int side = out.extent(1);
  for (int r = 0; r < count; ++r, boxes += 4) {
    const Tensor& map = levels[level[r]];
    const RoiAxis across(boxes[0], boxes[2], strides[level[r]], side);
    const RoiAxis down(boxes[1], boxes[3], strides[level[r]], side);
    for (int i = 0; i < side; ++i)
      for (int j = 0; j < side; ++j)
        for (int c = 0; c < map.extent(3); ++c) {
          double sum = 0.0;
          for (int v = 0; v < down.samples; ++v)
            for (int u = 0; u < across.samples; ++u)
              sum += sample(map, down.position(i, v), across.position(j, u), c);
          pixel(out, r, i, j)[c] = static_cast<float>(sum / std::max(down.samples * across.samples, 1));
        }
  }
}

}  // namespace winnow
