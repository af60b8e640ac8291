// Operations on feature maps [B, H, W, C], the channels of a pixel side by side: neighbouring threads have
// neighbouring channels.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

// ops/neighbours.h, with the fraction as whole numbers in place of doubles.
struct Between {
  int first, second;
  float share;  // of the second
};

INLINE Between between(int i, int from, int to) {
  const int64_t cell = 2 * int64_t(to), position = (2 * int64_t(i) + 1) * from - to;
  Between result;
  result.first = position > 0 ? int(position / cell) : 0;
  result.second = result.first + 1 < from ? result.first + 1 : result.first;
  result.share = position > 0 ? float(int(position - result.first * cell)) / float(int(cell)) : 0.0f;
  return result;
}

// A thread for each value of a row; blocks are (values, rows, images).
KERNEL(max_pool, ChangeMap) {
  const int i = int(block.x * threads + thread_id), line = a.width * a.channels;
  if (i >= a.columns * a.channels) return;
  const int64_t row = int64_t(block.z) * a.height + 2 * block.y;
  DEVICE const float* x = a.x + row * line + i + i / a.channels * a.channels;
  const float upper = x[0] > x[a.channels] ? x[0] : x[a.channels];
  const float lower = x[line] > x[line + a.channels] ? x[line] : x[line + a.channels];
  a.out[(int64_t(block.z) * a.rows + block.y) * a.columns * a.channels + i] = upper > lower ? upper : lower;
}

KERNEL(subsample, ChangeMap) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.columns * a.channels) return;
  const int64_t row = int64_t(block.z) * a.height + 2 * block.y;
  a.out[(int64_t(block.z) * a.rows + block.y) * a.columns * a.channels + i] =
      a.x[row * a.width * a.channels + i + i / a.channels * a.channels];
}

KERNEL(resize_map, ChangeMap) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.columns * a.channels) return;
  const int column = i / a.channels, c = i - column * a.channels;
  const Between y = between(int(block.y), a.height, a.rows), x = between(column, a.width, a.columns);
  DEVICE const float* image = a.x + int64_t(block.z) * a.height * a.width * a.channels;
  DEVICE const float* upper = image + int64_t(y.first) * a.width * a.channels + c;
  DEVICE const float* lower = image + int64_t(y.second) * a.width * a.channels + c;
  const int left = x.first * a.channels, right = x.second * a.channels;
  const float value = (1.0f - y.share) * ((1.0f - x.share) * upper[left] + x.share * upper[right]) +
                      y.share * ((1.0f - x.share) * lower[left] + x.share * lower[right]);
  DEVICE float* out = a.out + (int64_t(block.z) * a.rows + block.y) * a.columns * a.channels + i;
  *out = a.add != 0 ? *out + value : value;
}

// A block for 32 channels of a bin, a warp for every eighth of its pixels. Blocks are (bins, channels,
// images).
KERNEL(average_pool, ChangeMap) {
  SHARED_ARRAY(float, partial, 256);
  const int lane = int(thread_id % 32), c = int(block.y) * 32 + lane;
  const int row = int(block.x) / a.columns, column = int(block.x) % a.columns;
  const int top = row * a.height / a.rows, left = column * a.width / a.columns;
  const int down = ((row + 1) * a.height + a.rows - 1) / a.rows - top;
  const int across = ((column + 1) * a.width + a.columns - 1) / a.columns - left;
  DEVICE const float* x = a.x + ((int64_t(block.z) * a.height + top) * a.width + left) * a.channels + c;
  float sum = 0.0f;
  if (c < a.channels)
    for (int i = int(thread_id / 32); i < down * across; i += int(threads / 32))
      sum += x[(int64_t(i / across) * a.width + i % across) * a.channels];
  partial[thread_id] = sum;
  BARRIER();
  if (thread_id >= 32 || c >= a.channels) return;
  for (uint32_t warp = 1; warp < threads / 32; ++warp) sum += partial[warp * 32 + thread_id];
  a.out[((int64_t(block.z) * a.rows + row) * a.columns + column) * a.channels + c] =
      sum / float(down * across);
}

// A warp for a pixel, here and where nothing else is said.
KERNEL(place_channels, PlaceChannels) {
  const int pixel = int(block.x * (threads / 32) + thread_id / 32);
  if (pixel >= a.pixels) return;
  DEVICE const float* x = a.x + int64_t(pixel) * a.channels;
  DEVICE float* out = a.out + int64_t(pixel) * a.all;
  for (int c = int(thread_id % 32); c < a.channels; c += 32) out[c] = x[c];
}

KERNEL(norm_channels, NormChannels) {
  const int pixel = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (pixel >= a.pixels) return;
  DEVICE const float* x = a.x + int64_t(pixel) * a.channels;
  DEVICE float* out = a.out + int64_t(pixel) * a.channels;
  const Spread spread = spread_of(x, a.channels, lane, a.epsilon);
  for (int c = lane; c < a.channels; c += 32)
    out[c] = activated(fused((x[c] - spread.mean) * spread.scale, a.weight[c], a.bias[c]), a.activation);
}

KERNEL(unfold_map, UnfoldMap) {
  const int i = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (i >= a.pixels) return;
  const int pixel = a.first + i, row = pixel / a.width % a.height, column = pixel % a.width;
  DEVICE Half* out = a.out + int64_t(i) * a.window * a.window * a.channels;
  for (int tap = 0; tap < a.window * a.window; ++tap, out += a.channels) {
    const int down = tap / a.window - a.window / 2, across = tap % a.window - a.window / 2;
    const bool exists =
        row + down >= 0 && row + down < a.height && column + across >= 0 && column + across < a.width;
    DEVICE const float* x = a.x + (int64_t(pixel) + down * a.width + across) * a.channels;
    for (int c = lane; c < a.channels; c += 32) out[c] = to_half(exists ? x[c] : 0.0f);
  }
}

KERNEL(place_quarters, PlaceQuarters) {
  const int i = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (i >= a.pixels) return;
  const int pixel = a.first + i, column = pixel % a.width, row = pixel / a.width;  // of all images
  DEVICE const float* products = a.products + int64_t(i) * 4 * a.channels;
  for (int quarter = 0; quarter < 4; ++quarter, products += a.channels) {
    DEVICE float* out =
        a.out + ((2 * int64_t(row) + quarter / 2) * 2 * a.width + 2 * column + quarter % 2) * a.channels;
    for (int c = lane; c < a.channels; c += 32)
      out[c] = activated(products[c] + (a.bias == nullptr ? 0.0f : a.bias[c]), a.activation);
  }
}

// A block for a bin of a box; blocks are (boxes, bins).
KERNEL(align_rois, AlignRois) {
  const RoiPlace place = a.indices[block.x];
  const int height = a.heights[place.level], width = a.widths[place.level];
  DEVICE const float* map = a.maps[place.level];
  const float top = place.start[0] + float(int(block.y) / a.side) * place.width[0];
  const float left = place.start[1] + float(int(block.y) % a.side) * place.width[1];
  const int count = place.samples[0] * place.samples[1];
  for (int c = int(thread_id); c < a.channels; c += int(threads)) {
    float sum = 0.0f;
    for (int v = 0; v < place.samples[0]; ++v) {
      float y = top + (float(v) + 0.5f) * place.width[0] / float(place.samples[0]);
      if (y < -1.0f || y > float(height)) continue;
      y = y < 0.0f ? 0.0f : y > float(height - 1) ? float(height - 1) : y;
      const int upper = int(y), lower = upper + 1 < height ? upper + 1 : upper;
      const float down = y - float(upper);
      for (int u = 0; u < place.samples[1]; ++u) {
        float x = left + (float(u) + 0.5f) * place.width[1] / float(place.samples[1]);
        if (x < -1.0f || x > float(width)) continue;
        x = x < 0.0f ? 0.0f : x > float(width - 1) ? float(width - 1) : x;
        const int first = int(x), second = first + 1 < width ? first + 1 : first;
        const float across = x - float(first);
        DEVICE const float* upper_row = map + int64_t(upper) * width * a.channels + c;
        DEVICE const float* lower_row = map + int64_t(lower) * width * a.channels + c;
        const int at = first * a.channels, next = second * a.channels;
        sum += (1.0f - down) * ((1.0f - across) * upper_row[at] + across * upper_row[next]) +
               down * ((1.0f - across) * lower_row[at] + across * lower_row[next]);
      }
    }
    a.out[(int64_t(block.x) * a.side * a.side + block.y) * a.channels + c] =
        count > 0 ? sum / float(count) : 0.0f;
  }
}

// A warp for 32 channels of a pixel, a block for neighbouring columns, which read the same taps. Blocks are
// (channels of a group of columns after another, rows, images).
KERNEL(add_resized_taps, AddResizedTaps) {
  const int groups = (a.channels + 31) / 32;
  const int c = int(block.x) % groups * 32 + int(thread_id % 32);
  const int column = int(block.x) / groups * int(threads / 32) + int(thread_id / 32), row = int(block.y);
  if (c >= a.channels || column >= a.columns) return;
  DEVICE const float* taps = a.taps + int64_t(block.z) * a.height * a.width * 9 * a.channels + c;
  DEVICE float* out = a.out + ((int64_t(block.z) * a.rows + row) * a.columns + column) * a.channels + c;
  float sum = *out;
  for (int i = 0; i < 3; ++i) {
    if (row + i < 1 || row + i > a.rows) continue;
    const Between y = between(row + i - 1, a.height, a.rows);
    for (int j = 0; j < 3; ++j) {
      if (column + j < 1 || column + j > a.columns) continue;
      const Between x = between(column + j - 1, a.width, a.columns);
      DEVICE const float* tap = taps + (3 * i + j) * a.channels;
      DEVICE const float* upper = tap + int64_t(y.first) * a.width * 9 * a.channels;
      DEVICE const float* lower = tap + int64_t(y.second) * a.width * 9 * a.channels;
      const int left = x.first * 9 * a.channels, right = x.second * 9 * a.channels;
      sum += (1.0f - y.share) * ((1.0f - x.share) * upper[left] + x.share * upper[right]) +
             y.share * ((1.0f - x.share) * lower[left] + x.share * lower[right]);
    }
  }
  *out = activated(sum, a.activation);
}

constexpr CONSTANT int kLabelClasses = 8;  // that a thread of label_pixels sums at a time

// A warp for a pixel, a lane for every 32nd class.
KERNEL(label_pixels, LabelPixels) {
  const int i = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (i >= a.pixels) return;
  const Between down = between(a.first_row + i / a.width, a.picture_height, a.height);
  const Between across = between(i % a.width, a.picture_width, a.width);
  DEVICE const int32_t* lefts = a.starts + a.tops;
  float best = 0.0f, best_class = -1.0f;  // a float, as it is exchanged
  for (int first = lane; first < a.channels; first += 32 * kLabelClasses) {
    float sums[kLabelClasses];
    UNROLL for (int k = 0; k < kLabelClasses; ++k) sums[k] = 0.0f;
    for (int corner = 0; corner < 4; ++corner) {
      const int y = corner < 2 ? down.first : down.second, x = corner % 2 == 0 ? across.first : across.second;
      int deep = 0, wide = 0;  // windows above one another, and beside one another
      for (int t = 0; t < a.tops; ++t) deep += y >= a.starts[t] && y < a.starts[t] + a.side ? 1 : 0;
      for (int l = 0; l < a.lefts; ++l) wide += x >= lefts[l] && x < lefts[l] + a.side ? 1 : 0;
      const float share = (corner < 2 ? 1.0f - down.share : down.share) *
                          (corner % 2 == 0 ? 1.0f - across.share : across.share) / float(deep * wide);
      for (int t = 0; t < a.tops; ++t) {
        if (y < a.starts[t] || y >= a.starts[t] + a.side) continue;
        const Between v = between(y - a.starts[t], a.map_height, a.side);
        for (int l = 0; l < a.lefts; ++l) {
          if (x < lefts[l] || x >= lefts[l] + a.side) continue;
          const Between u = between(x - lefts[l], a.map_width, a.side);
          DEVICE const float* map =
              a.maps + (int64_t(t) * a.lefts + l) * a.map_height * a.map_width * a.channels;
          for (int cell = 0; cell < 4; ++cell) {
            const float weight =
                share * (cell < 2 ? 1.0f - v.share : v.share) * (cell % 2 == 0 ? 1.0f - u.share : u.share);
            const int row = cell < 2 ? v.first : v.second, column = cell % 2 == 0 ? u.first : u.second;
            DEVICE const float* scores = map + (int64_t(row) * a.map_width + column) * a.channels + first;
            UNROLL for (int k = 0; k < kLabelClasses; ++k) {
              if (first + 32 * k < a.channels) sums[k] = fused(weight, scores[32 * k], sums[k]);
            }
          }
        }
      }
    }
    UNROLL for (int k = 0; k < kLabelClasses; ++k) {
      if (first + 32 * k >= a.channels || (best_class >= 0.0f && sums[k] <= best)) continue;
      best = sums[k];
      best_class = float(first + 32 * k);
    }
  }
  for (uint32_t mask = 16; mask > 0; mask /= 2) {
    const float other = exchange(best, mask), other_class = exchange(best_class, mask);
    if (other_class < 0.0f) continue;
    if (best_class >= 0.0f && (other < best || (other == best && other_class > best_class))) continue;
    best = other;
    best_class = other_class;
  }
  if (lane == 0) a.classes[i] = uint16_t(best_class);
}

}  // namespace gpu
}  // namespace winnow
