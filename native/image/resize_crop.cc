// PIL's resize, whole or narrowed to the square that the model sees, and plain bilinear sampling.
#include "image/resize_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resize_crop.cc"
#include <hwy/foreach_target.h>  // compiles the passes once per instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace winnow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kPrecision = 22;  // fractional bits of a weight: 32 - 8 bits of pixel - 2 bits of overshoot
constexpr std::int32_t kHalf = 1 << (kPrecision - 1);

inline std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
}

// RGB -> RGBX, so that a pixel fills four lanes. X never reaches a result.
void widen_row(const std::uint8_t* HWY_RESTRICT rgb, int pixels, std::uint8_t* HWY_RESTRICT rgbx) {
  int i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<std::uint8_t, 16> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (; i + lanes <= pixels; i += lanes) {
    hn::Vec<decltype(d)> r, g, b;
    hn::LoadInterleaved3(d, rgb + 3 * i, r, g, b);
    hn::StoreInterleaved4(r, g, b, b, d, rgbx + 4 * i);
  }
#endif
  for (; i < pixels; ++i) {
    for (int c = 0; c < 3; ++c) rgbx[4 * i + c] = rgb[3 * i + c];
  }
}

#if HWY_TARGET == HWY_SCALAR

// As below, for processors without vectors.
void filter_row(const std::uint8_t* row, const int* first, const std::int32_t* weights, int taps, int pixels,
                std::uint8_t* out) {
  for (int x = 0; x < pixels; ++x, weights += 4 * taps) {
    const std::uint8_t* source = row + 4 * first[x];
    for (int c = 0; c < 3; ++c) {
      std::int32_t sum = kHalf;
      for (int t = 0; t < taps; ++t) sum += source[4 * t + c] * weights[4 * t];
      out[3 * x + c] = to_byte(sum);
    }
  }
}

#else

using PixelTag = hn::FixedTag<std::int32_t, 4>;

// The sum of the one or two pixels in a vector.
template <class D>
hn::Vec<PixelTag> add_pixels(D /*d*/, hn::Vec<D> pixels) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return pixels;
  } else {
    return hn::Add(hn::LowerHalf(PixelTag(), pixels), hn::UpperHalf(PixelTag(), pixels));
  }
}

// Horizontal pass of one row: out[x] = sum over t of row[first[x] + t] * weights[x][t].
// row: RGBX; weights: [pixels, taps, 4], each weight four times, taps even; out: RGB, one byte more is
// overwritten.
void filter_row(const std::uint8_t* HWY_RESTRICT row, const int* HWY_RESTRICT first,
                const std::int32_t* HWY_RESTRICT weights, int taps, int pixels,
                std::uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<std::int32_t, HWY_HAVE_SCALABLE ? 4 : 8> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const PixelTag pixel;
  const hn::Rebind<std::uint8_t, PixelTag> pixel_bytes;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int x = 0; x < pixels; ++x, weights += 4 * taps) {
    const std::uint8_t* HWY_RESTRICT source = row + 4 * first[x];
    auto sum = hn::Zero(d);
    for (int i = 0; i < 4 * taps; i += lanes) {
      const auto values = hn::PromoteTo(d, hn::LoadU(bytes, source + i));
      sum = hn::Add(sum, hn::Mul(values, hn::LoadU(d, weights + i)));
    }
    const auto total = hn::Add(add_pixels(d, sum), hn::Set(pixel, kHalf));
    hn::StoreU(hn::DemoteTo(pixel_bytes, hn::ShiftRight<kPrecision>(total)), pixel_bytes, out + 3 * x);
  }
}

#endif

// Vertical pass of one row: out[i] = sum over t of rows[t * stride + i] * weights[t]; stride in steps of 16.
void filter_column(const std::uint8_t* HWY_RESTRICT rows, int stride,
                   const std::int32_t* HWY_RESTRICT weights, int taps, std::uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<std::int32_t, 16> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  for (int i = 0; i < stride; i += static_cast<int>(hn::Lanes(d))) {
    auto sum = hn::Set(d, kHalf);
    for (int t = 0; t < taps; ++t) {
      const auto values = hn::PromoteTo(d, hn::LoadU(bytes, rows + static_cast<std::size_t>(t) * stride + i));
      sum = hn::Add(sum, hn::Mul(values, hn::Set(d, weights[t])));
    }
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kPrecision>(sum)), bytes, out + i);
  }
}

}  // namespace winnow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace winnow {
namespace {

HWY_EXPORT(widen_row);
HWY_EXPORT(filter_row);
HWY_EXPORT(filter_column);

// The weights of one axis for the crop's outputs.
struct Filter {
  int taps;                           // the same for all outputs; unused ones weigh 0
  std::vector<int> first;             // [outputs] first source position
  std::vector<std::int32_t> weights;  // [outputs, taps], 22 fractional bits
};

// PIL's filters: weight of a pixel at distance x, zero from `support` on.
struct Kernel {
  double support;
  double (*weight)(double x);
};

double bilinear(double x) { return std::max(1.0 - std::abs(x), 0.0); }

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

constexpr Kernel kBilinear = {1.0, bilinear}, kBicubic = {2.0, bicubic};

// Weights of outputs [offset, offset + count) when `size` pixels become `resized`: PIL's precompute_coeffs
// and normalize_coeffs_8bpc, step by step in the same order. At equal sizes they copy, as PIL does then.
Filter make_filter(const Kernel& kernel, int size, std::int64_t resized, std::int64_t offset, int count) {
  const double scale = static_cast<double>(size) / static_cast<double>(resized);
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  const double step = 1.0 / filter_scale;
  const int taps = 2 * static_cast<int>(std::ceil(support)) + 2;  // even: two pixels per vector
  Filter filter{taps, std::vector<int>(count),
                std::vector<std::int32_t>(static_cast<std::size_t>(count) * taps)};
  std::vector<double> weights(taps);
  for (int i = 0; i < count; ++i) {
    const double centre = (static_cast<double>(offset + i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int used = std::min(static_cast<int>(centre + support + 0.5), size) - first;
    double sum = 0.0;
    for (int t = 0; t < used; ++t) {
      weights[t] = kernel.weight((t + first - centre + 0.5) * step);
      sum += weights[t];
    }
    filter.first[i] = first;
    for (int t = 0; t < used; ++t) {
      const double weight = (sum != 0.0 ? weights[t] / sum : weights[t]) * (1 << 22);
      filter.weights[static_cast<std::size_t>(i) * taps + t] =
          static_cast<std::int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return filter;
}

// Offset of a centred crop, a half rounded to even.
std::int64_t centred(std::int64_t length, int crop) {
  const std::int64_t margin = length - crop;
  return margin / 2 + (margin % 2 != 0 && margin / 2 % 2 != 0 ? 1 : 0);
}

// A part of a picture in memory, and of what is made of it.
struct Source {
  const std::uint8_t* pixels;
  int width, height;
  std::size_t row;  // bytes from row to row
};
struct Target {
  std::uint8_t* pixels;
  std::size_t row;
};

Source whole(const std::uint8_t* pixels, int width, int height) {
  return {pixels, width, height, 3 * static_cast<std::size_t>(width)};
}

// Both passes; one output of `target` for each of the filters'.
void filter_pixels(const Source& source, const Filter& across, const Filter& down, const Target& target) {
  const int out_columns = static_cast<int>(across.first.size());
  const int out_rows = static_cast<int>(down.first.size());
  // The part of the source that the crop needs.
  const int left = across.first.front();
  const int columns = std::min(across.first.back() + across.taps, source.width) - left;
  const int top = down.first.front();
  const int rows = std::min(down.first.back() + down.taps, source.height) - top;

  std::vector<int> first(across.first);
  for (int& position : first) position -= left;
  std::vector<std::int32_t> weights(4 * across.weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = across.weights[i / 4];
  std::vector<std::uint8_t> line(4 * (static_cast<std::size_t>(columns) + across.taps));

  // Rows of the first pass, padded for filter_row's extra byte, for whole vectors and for taps of weight 0.
  const int stride = (3 * out_columns + 16) / 16 * 16;
  std::vector<std::uint8_t> squeezed(static_cast<std::size_t>(rows + down.taps) * stride);
  for (int y = 0; y < rows; ++y) {
    const std::uint8_t* row = source.pixels + static_cast<std::size_t>(top + y) * source.row + 3ull * left;
    HWY_DYNAMIC_DISPATCH(widen_row)(row, columns, line.data());
    HWY_DYNAMIC_DISPATCH(filter_row)
    (line.data(), first.data(), weights.data(), across.taps, out_columns,
     squeezed.data() + static_cast<std::size_t>(y) * stride);
  }

  std::vector<std::uint8_t> finished(stride);
  for (int y = 0; y < out_rows; ++y) {
    HWY_DYNAMIC_DISPATCH(filter_column)
    (squeezed.data() + static_cast<std::size_t>(down.first[y] - top) * stride, stride,
     down.weights.data() + static_cast<std::size_t>(y) * down.taps, down.taps, finished.data());
    std::memcpy(target.pixels + static_cast<std::size_t>(y) * target.row, finished.data(),
                3 * static_cast<std::size_t>(out_columns));
  }
}

// Two neighbouring samples and the share of the second.
struct Between {
  int first, second;
  double share;
};

std::vector<Between> sampled_positions(int size, int resized) {
  std::vector<Between> samples;
  samples.reserve(resized);
  const double scale = static_cast<double>(size) / resized;
  for (int i = 0; i < resized; ++i) {
    const double position = std::clamp((i + 0.5) * scale - 0.5, 0.0, size - 1.0);
    const int first = static_cast<int>(position);
    samples.push_back({first, std::min(first + 1, size - 1), position - first});
  }
  return samples;
}

void sample_pixels(const std::uint8_t* source, int width, int height, int target_width, int target_height,
                   std::uint8_t* target) {
  const std::vector<Between> columns = sampled_positions(width, target_width);
  for (const Between& row : sampled_positions(height, target_height)) {
    const std::uint8_t* upper = source + 3 * static_cast<std::size_t>(row.first) * width;
    const std::uint8_t* lower = source + 3 * static_cast<std::size_t>(row.second) * width;
    for (const Between& column : columns)
      for (int c = 0; c < 3; ++c) {
        const auto mix = [](double a, double b, double share) { return a * (1.0 - share) + b * share; };
        const double above = mix(upper[3 * column.first + c], upper[3 * column.second + c], column.share);
        const double below = mix(lower[3 * column.first + c], lower[3 * column.second + c], column.share);
        *target++ = static_cast<std::uint8_t>(mix(above, below, row.share) + 0.5);
      }
  }
}

// The part of a crop of one axis that lies within `length` pixels.
struct Span {
  std::int64_t offset;  // of its first pixel, among the `length`
  int skipped, count;   // pixels of the crop before it, and its own
};

Span within(std::int64_t length, int crop, int shift) {
  const std::int64_t offset = centred(length, crop) + shift;
  const std::int64_t first = std::max<std::int64_t>(offset, 0), end = std::min(offset + crop, length);
  return {first, static_cast<int>(std::min<std::int64_t>(first - offset, crop)),
          static_cast<int>(std::max<std::int64_t>(end - first, 0))};
}

Error no_memory(int width, int height) {
  return {ErrorCode::engine, "There is not enough memory to resize a picture of " + std::to_string(width) +
                                 "x" + std::to_string(height) + " pixels."};
}

}  // namespace

Status resize_and_crop(const std::uint8_t* source, int width, int height, int resize, int crop,
                       std::uint8_t* target) {
  return resize_and_crop(source, width, height, resize, crop, Shift{}, target);
}

Status resize_and_crop(const std::uint8_t* source, int width, int height, int resize, int crop, Shift shift,
                       std::uint8_t* target) {
  if (width < 1 || height < 1 || crop < 1 || crop > resize) {
    return Error{ErrorCode::bad_argument, "Expected a picture of at least 1x1 pixels and a crop of 1 to " +
                                              std::to_string(resize) + " pixels, got " +
                                              std::to_string(width) + "x" + std::to_string(height) + " and " +
                                              std::to_string(crop) + "."};
  }
  const std::int64_t shorter = std::min(width, height);
  const std::int64_t resized_width = static_cast<std::int64_t>(resize) * width / shorter;
  const std::int64_t resized_height = static_cast<std::int64_t>(resize) * height / shorter;
  const Span columns = within(resized_width, crop, shift.right),
             rows = within(resized_height, crop, shift.down);
  const std::size_t row = 3 * static_cast<std::size_t>(crop);
  if (columns.count < crop || rows.count < crop) std::memset(target, 0, row * crop);
  if (columns.count == 0 || rows.count == 0) return ok();
  try {
    const Filter across = make_filter(kBicubic, width, resized_width, columns.offset, columns.count);
    const Filter down = make_filter(kBicubic, height, resized_height, rows.offset, rows.count);
    filter_pixels(whole(source, width, height), across, down,
                  {target + rows.skipped * row + 3ull * columns.skipped, row});
  } catch (const std::bad_alloc&) {
    return no_memory(width, height);
  }
  return ok();
}

Status resize_box(const std::uint8_t* source, int width, int height, const PictureBox& box, int side,
                  std::uint8_t* target) {
  if (box.left < 0 || box.top < 0 || box.width < 1 || box.height < 1 || box.left > width - box.width ||
      box.top > height - box.height || side < 1) {
    return Error{ErrorCode::bad_argument, "Expected a rectangle of at least 1x1 pixels within a picture of " +
                                              std::to_string(width) + "x" + std::to_string(height) +
                                              ", got " + std::to_string(box.width) + "x" +
                                              std::to_string(box.height) + " at " + std::to_string(box.left) +
                                              ", " + std::to_string(box.top) + "."};
  }
  const Source all = whole(source, width, height);
  try {
    filter_pixels({all.pixels + static_cast<std::size_t>(box.top) * all.row + 3ull * box.left, box.width,
                   box.height, all.row},
                  make_filter(kBicubic, box.width, side, 0, side),
                  make_filter(kBicubic, box.height, side, 0, side),
                  {target, 3 * static_cast<std::size_t>(side)});
  } catch (const std::bad_alloc&) {
    return no_memory(box.width, box.height);
  }
  return ok();
}

Status resize(const std::uint8_t* source, int width, int height, int target_width, int target_height,
              ResizeFilter filter, std::uint8_t* target) {
  if (width < 1 || height < 1 || target_width < 1 || target_height < 1)
    return Error{ErrorCode::bad_argument, "Expected pictures of at least 1x1 pixels, got " +
                                              std::to_string(width) + "x" + std::to_string(height) +
                                              " to be resized to " + std::to_string(target_width) + "x" +
                                              std::to_string(target_height) + "."};
  try {
    if (filter == ResizeFilter::sampled)
      sample_pixels(source, width, height, target_width, target_height, target);
    else
      filter_pixels(whole(source, width, height),
                    make_filter(kBilinear, width, target_width, 0, target_width),
                    make_filter(kBilinear, height, target_height, 0, target_height),
                    {target, 3 * static_cast<std::size_t>(target_width)});
  } catch (const std::bad_alloc&) {
    return no_memory(width, height);
  }
  return ok();
}

}  // namespace winnow
#endif  // HWY_ONCE
