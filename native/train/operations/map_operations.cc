#include "train/operations/map_operations.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/neighbours.h"
#include "reference/formulas.h"

namespace winnow::train {
namespace {

constexpr int kTaps = 9;
constexpr std::size_t kBandPixels = 512;  // of a map that are convolved in one product

std::size_t at(std::size_t row, int width) { return row * static_cast<std::size_t>(width); }

int rows_of_band(const MapShape& s) {
  return std::clamp(static_cast<int>(kBandPixels / s.width), 1, s.height);
}

// Calls visit(pixel, row), or with -1 beyond the map, for the nine pixels around each of some rows of it, in
// the order of a weight's taps.
template <typename Visit>
void for_taps(const MapShape& s, int first, int last, const Visit& visit) {
  for (int y = first; y < last; ++y)
    for (int x = 0; x < s.width; ++x)
      for (int tap = 0; tap < kTaps; ++tap) {
        const int row = y + tap / 3 - 1, column = x + tap % 3 - 1;
        const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
        visit(inside ? static_cast<std::ptrdiff_t>(row) * s.width + column : -1,
              (at(y - first, s.width) + x) * kTaps + tap);
      }
}

template <typename T>
void gather_taps(const MapShape& s, int first, int last, const T* x, T* rows) {
  for_taps(s, first, last, [&](std::ptrdiff_t pixel, std::size_t row) {
    T* to = rows + at(row, s.channels);
    if (pixel < 0)
      std::fill_n(to, s.channels, T(0));
    else
      std::copy_n(x + pixel * s.channels, s.channels, to);
  });
}

template <typename T>
void add_to(int count, const T* values, T* sums) {
  for (int i = 0; i < count; ++i) sums[i] += values[i];
}

// Of pixels of a map doubled in size: its rows [pixels, 4, channels], four for each of the map's pixels.
template <typename Visit>
void for_quarters(const MapShape& s, const Visit& visit) {
  for (int y = 0; y < s.height; ++y)
    for (int x = 0; x < s.width; ++x)
      for (int quarter = 0; quarter < 4; ++quarter)
        visit(at(2 * y + quarter / 2, 2 * s.width) + 2 * x + quarter % 2, 4 * (at(y, s.width) + x) + quarter);
}

// Of a bin of an average pool: the rows or columns begin .. end - 1.
struct Bin {
  int begin, end;
  static Bin of(int i, int from, int to) { return {i * from / to, ((i + 1) * from + to - 1) / to}; }
};

}  // namespace

template <typename T>
void MapOperationsOf<T>::prepare_convolution(int outputs, int inputs, const T* weight, T* prepared) {
  for (int o = 0; o < outputs; ++o)
    for (int i = 0; i < inputs; ++i)
      for (int tap = 0; tap < kTaps; ++tap)
        prepared[at(at(o, kTaps) + tap, inputs) + i] = weight[at(at(o, inputs) + i, kTaps) + tap];
}
template <typename T>
void MapOperationsOf<T>::finish_convolution(int outputs, int inputs, const T* d_prepared, T* d_weight) {
  for (int o = 0; o < outputs; ++o)
    for (int i = 0; i < inputs; ++i)
      for (int tap = 0; tap < kTaps; ++tap)
        d_weight[at(at(o, inputs) + i, kTaps) + tap] += d_prepared[at(at(o, kTaps) + tap, inputs) + i];
}
template <typename T>
void MapOperationsOf<T>::prepare_upsampling(int inputs, int outputs, const T* weight, T* prepared) {
  for (int i = 0; i < inputs; ++i)
    for (int o = 0; o < outputs; ++o)
      for (int quarter = 0; quarter < 4; ++quarter)
        prepared[at(at(quarter, outputs) + o, inputs) + i] = weight[at(at(i, outputs) + o, 4) + quarter];
}
template <typename T>
void MapOperationsOf<T>::finish_upsampling(int inputs, int outputs, const T* d_prepared, T* d_weight) {
  for (int i = 0; i < inputs; ++i)
    for (int o = 0; o < outputs; ++o)
      for (int quarter = 0; quarter < 4; ++quarter)
        d_weight[at(at(i, outputs) + o, 4) + quarter] += d_prepared[at(at(quarter, outputs) + o, inputs) + i];
}

template <typename T>
std::size_t MapOperationsOf<T>::convolution_memory(const MapShape& s) {
  return at(rows_of_band(s), s.width) * kTaps * s.channels;
}

template <typename T>
void MapOperationsOf<T>::convolve(const MapShape& s, int outputs, const T* x, const T* weight, const T* bias,
                                  T* out, T* memory) const {
  const int inputs = kTaps * s.channels;
  for (int first = 0; first < s.height; first += rows_of_band(s)) {
    const int last = std::min(s.height, first + rows_of_band(s));
    gather_taps(s, first, last, x, memory);
    ops_.linear({(last - first) * s.width, inputs, outputs, inputs}, memory, weight, bias, false,
                out + at(at(first, s.width), outputs));
  }
}

template <typename T>
void MapOperationsOf<T>::convolve_gradient(const MapShape& s, int outputs, const T* x, const T* weight,
                                           const T* d_out, T* d_x, T* d_weight, T* d_bias, T* memory) const {
  const int inputs = kTaps * s.channels;
  for (int first = 0; first < s.height; first += rows_of_band(s)) {
    const int last = std::min(s.height, first + rows_of_band(s));
    const LinearShape shape{(last - first) * s.width, inputs, outputs, inputs};
    const T* d = d_out + at(at(first, s.width), outputs);
    gather_taps(s, first, last, x, memory);
    ops_.linear_weight_gradient(shape, d, memory, d_weight, d_bias);
    ops_.linear_input_gradient(shape, d, weight, false, memory);
    for_taps(s, first, last, [&](std::ptrdiff_t pixel, std::size_t row) {
      if (pixel >= 0) add_to(s.channels, memory + at(row, s.channels), d_x + pixel * s.channels);
    });
  }
}

template <typename T>
void MapOperationsOf<T>::upsample(const MapShape& s, int outputs, const T* x, const T* weight, const T* bias,
                                  T* out, T* memory) const {
  const int pixels = static_cast<int>(s.pixels());
  ops_.linear({pixels, s.channels, 4 * outputs, s.channels}, x, weight, nullptr, false, memory);
  for_quarters(s, [&](std::size_t pixel, std::size_t row) {
    T* to = out + at(pixel, outputs);
    std::copy_n(memory + at(row, outputs), outputs, to);
    if (bias != nullptr) add_to(outputs, bias, to);
  });
}

template <typename T>
void MapOperationsOf<T>::upsample_gradient(const MapShape& s, int outputs, const T* x, const T* weight,
                                           const T* d_out, T* d_x, T* d_weight, T* d_bias, T* memory) const {
  const LinearShape shape{static_cast<int>(s.pixels()), s.channels, 4 * outputs, s.channels};
  for_quarters(s, [&](std::size_t pixel, std::size_t row) {
    const T* from = d_out + at(pixel, outputs);
    std::copy_n(from, outputs, memory + at(row, outputs));
    if (d_bias != nullptr) add_to(outputs, from, d_bias);
  });
  ops_.linear_weight_gradient(shape, memory, x, d_weight, nullptr);
  ops_.linear_input_gradient(shape, memory, weight, true, d_x);
}

template <typename T>
void MapOperationsOf<T>::max_pool(const MapShape& s, const T* x, T* out, std::uint8_t* which) {
  for (int y = 0; y < s.height / 2; ++y)
    for (int column = 0; column < s.width / 2; ++column)
      for (int c = 0; c < s.channels; ++c, ++out, ++which) {
        *which = 0;
        for (std::uint8_t quarter = 0; quarter < 4; ++quarter) {
          const std::size_t pixel = at(2 * y + quarter / 2, s.width) + 2 * column + quarter % 2;
          const T value = x[at(pixel, s.channels) + c];
          if (quarter > 0 && !(value > *out)) continue;
          *out = value;
          *which = quarter;
        }
      }
}
template <typename T>
void MapOperationsOf<T>::max_pool_gradient(const MapShape& s, const std::uint8_t* which, const T* d_out,
                                           T* d_x) {
  for (int y = 0; y < s.height / 2; ++y)
    for (int column = 0; column < s.width / 2; ++column)
      for (int c = 0; c < s.channels; ++c, ++d_out, ++which)
        d_x[at(at(2 * y + *which / 2, s.width) + 2 * column + *which % 2, s.channels) + c] += *d_out;
}

template <typename T>
void MapOperationsOf<T>::average_pool(const MapShape& s, int height, int width, const T* x, T* out) {
  std::vector<double> sums(s.channels);
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j, out += s.channels) {
      const Bin rows = Bin::of(i, s.height, height), columns = Bin::of(j, s.width, width);
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int y = rows.begin; y < rows.end; ++y)
        for (int column = columns.begin; column < columns.end; ++column)
          for (int c = 0; c < s.channels; ++c) sums[c] += x[at(at(y, s.width) + column, s.channels) + c];
      const int count = (rows.end - rows.begin) * (columns.end - columns.begin);
      for (int c = 0; c < s.channels; ++c) out[c] = static_cast<T>(sums[c] / count);
    }
}
template <typename T>
void MapOperationsOf<T>::average_pool_gradient(const MapShape& s, int height, int width, const T* d_out,
                                               T* d_x) {
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j, d_out += s.channels) {
      const Bin rows = Bin::of(i, s.height, height), columns = Bin::of(j, s.width, width);
      const int count = (rows.end - rows.begin) * (columns.end - columns.begin);
      for (int y = rows.begin; y < rows.end; ++y)
        for (int column = columns.begin; column < columns.end; ++column)
          for (int c = 0; c < s.channels; ++c)
            d_x[at(at(y, s.width) + column, s.channels) + c] += d_out[c] / static_cast<T>(count);
    }
}

namespace {

// The four pixels that a pixel of a resized map lies between, and their shares in it.
struct Share {
  std::size_t pixel;
  double share;
};
std::array<Share, 4> neighbours_of(const MapShape& s, const Neighbours& down, const Neighbours& across) {
  const std::size_t above = at(down.first, s.width), below = at(down.second, s.width);
  const double right = across.share, left = 1.0 - right, lower = down.share, upper = 1.0 - lower;
  return {{{above + across.first, upper * left},
           {above + across.second, upper * right},
           {below + across.first, lower * left},
           {below + across.second, lower * right}}};
}

// Calls visit(from, to, share) for the neighbours of every pixel of a resized map.
template <typename Visit>
void for_neighbours(const MapShape& s, int height, int width, const Visit& visit) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const auto& [pixel, share] :
           neighbours_of(s, Neighbours::of(y, s.height, height), Neighbours::of(x, s.width, width)))
        visit(pixel, at(y, width) + x, share);
}

}  // namespace

template <typename T>
void MapOperationsOf<T>::resize(const MapShape& s, int height, int width, const T* x, bool add, T* out) {
  if (!add) std::fill_n(out, at(at(height, width), s.channels), T(0));
  for_neighbours(s, height, width, [&](std::size_t from, std::size_t to, double share) {
    const T weight = static_cast<T>(share);
    for (int c = 0; c < s.channels; ++c) out[at(to, s.channels) + c] += weight * x[at(from, s.channels) + c];
  });
}
template <typename T>
void MapOperationsOf<T>::resize_gradient(const MapShape& s, int height, int width, const T* d_out, T* d_x) {
  for_neighbours(s, height, width, [&](std::size_t from, std::size_t to, double share) {
    const T weight = static_cast<T>(share);
    for (int c = 0; c < s.channels; ++c)
      d_x[at(from, s.channels) + c] += weight * d_out[at(to, s.channels) + c];
  });
}

template <typename T>
void MapOperationsOf<T>::relu(std::size_t count, const T* x, T* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = std::max(x[i], T(0));
}
template <typename T>
void MapOperationsOf<T>::relu_gradient(std::size_t count, const T* x, const T* d_out, T* d_x) {
  for (std::size_t i = 0; i < count; ++i) d_x[i] = x[i] > T(0) ? d_out[i] : T(0);
}

template <typename T>
void MapOperationsOf<T>::norm_channels(int rows, int channels, const T* x, const T* weight, const T* bias,
                                       double epsilon, T* out) {
  for (int r = 0; r < rows; ++r)
    reference::norm(x + at(r, channels), weight, bias, epsilon, channels, out + at(r, channels));
}
// With n = (x - mean) scale and g = d_out weight: d_x = scale (g - mean(g) - n mean(g n)).
template <typename T>
void MapOperationsOf<T>::norm_channels_gradient(int rows, int channels, const T* x, const T* weight,
                                                double epsilon, const T* d_out, T* d_x, T* d_weight,
                                                T* d_bias) {
  for (int r = 0; r < rows; ++r, x += channels, d_out += channels, d_x += channels) {
    const reference::Moments m = reference::moments(x, channels, epsilon, true);
    double sum = 0.0, product = 0.0;
    for (int c = 0; c < channels; ++c) {
      const double g = static_cast<double>(d_out[c]) * weight[c], n = (x[c] - m.mean) * m.scale;
      sum += g;
      product += g * n;
      d_weight[c] += static_cast<T>(d_out[c] * n);
      d_bias[c] += d_out[c];
    }
    for (int c = 0; c < channels; ++c) {
      const double g = static_cast<double>(d_out[c]) * weight[c], n = (x[c] - m.mean) * m.scale;
      d_x[c] += static_cast<T>(m.scale * (g - sum / channels - n * product / channels));
    }
  }
}

template <typename T>
void MapOperationsOf<T>::batch_norm(int rows, int channels, const T* x, const T* weight, const T* bias,
                                    double epsilon, double momentum, T* running_mean, T* running_variance,
                                    T* out, BatchMomentsOf<T>& moments) const {
  moments.mean.resize(channels);
  moments.scale.resize(channels);
  ops_.run(channels, [&](int c, int) {
    double mean = 0.0, squares = 0.0;
    for (int r = 0; r < rows; ++r) mean += x[at(r, channels) + c];
    mean /= rows;
    for (int r = 0; r < rows; ++r)
      squares += (x[at(r, channels) + c] - mean) * (x[at(r, channels) + c] - mean);
    const double scale = 1.0 / std::sqrt(squares / rows + epsilon);
    moments.mean[c] = static_cast<T>(mean);
    moments.scale[c] = static_cast<T>(scale);
    for (int r = 0; r < rows; ++r)
      out[at(r, channels) + c] =
          static_cast<T>((x[at(r, channels) + c] - mean) * scale * weight[c] + bias[c]);
    if (running_mean == nullptr) return;
    running_mean[c] += static_cast<T>(momentum * (mean - running_mean[c]));
    running_variance[c] += static_cast<T>(momentum * (squares / (rows - 1) - running_variance[c]));
  });
}
template <typename T>
void MapOperationsOf<T>::batch_norm_gradient(int rows, int channels, const T* x, const T* weight,
                                             const BatchMomentsOf<T>& moments, const T* d_out, T* d_x,
                                             T* d_weight, T* d_bias) const {
  ops_.run(channels, [&](int c, int) {
    const double mean = moments.mean[c], scale = moments.scale[c];
    double sum = 0.0, product = 0.0;
    for (int r = 0; r < rows; ++r) {
      const std::size_t i = at(r, channels) + c;
      sum += d_out[i];
      product += d_out[i] * (x[i] - mean) * scale;
    }
    d_weight[c] += static_cast<T>(product);
    d_bias[c] += static_cast<T>(sum);
    for (int r = 0; r < rows; ++r) {
      const std::size_t i = at(r, channels) + c;
      d_x[i] += static_cast<T>(weight[c] * scale *
                               (d_out[i] - sum / rows - (x[i] - mean) * scale * product / rows));
    }
  });
}

template <typename T>
PixelLoss MapOperationsOf<T>::pixel_cross_entropy(const MapShape& s, const T* scores, int height, int width,
                                                  const std::uint8_t* labels, double weight, T* d_scores) {
  const int classes = s.channels;
  std::vector<double> logits(classes);
  PixelLoss loss{0.0, 0};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const std::uint8_t label = labels[at(y, width) + x];
      if (label == kNoLabel) continue;
      const auto neighbours =
          neighbours_of(s, Neighbours::of(y, s.height, height), Neighbours::of(x, s.width, width));
      std::fill(logits.begin(), logits.end(), 0.0);
      for (const auto& [pixel, share] : neighbours)
        for (int c = 0; c < classes; ++c) logits[c] += share * scores[at(pixel, classes) + c];
      const auto best = std::max_element(logits.begin(), logits.end());
      const double largest = *best, own = logits[label];
      loss.right += best - logits.begin() == label;
      double sum = 0.0;
      for (double& logit : logits) sum += logit = std::exp(logit - largest);
      loss.sum += std::log(sum) - (own - largest);
      if (d_scores == nullptr) continue;
      for (int c = 0; c < classes; ++c) {
        const double d = weight * (logits[c] / sum - (c == label ? 1.0 : 0.0));
        for (const auto& [pixel, share] : neighbours)
          d_scores[at(pixel, classes) + c] += static_cast<T>(share * d);
      }
    }
  return loss;
}

template class MapOperationsOf<float>;
template class MapOperationsOf<double>;

}  // namespace winnow::train
