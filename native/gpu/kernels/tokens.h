// From pixels to tokens, norms, and what moves tokens. One thread for a value, or one warp for a row.
#pragma once

#include "gpu/kernels/dialect.h"

namespace winnow {
namespace gpu {

KERNEL(normalise_pixels, NormalisePixels) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const int channel = i / a.area % 3, image = i / (3 * a.area), pixel = i % a.area;
  a.out[i] =
      fused(float(a.pixels[(image * a.area + pixel) * 3 + channel]), a.scale[channel], a.shift[channel]);
}

KERNEL(unfold_patches, UnfoldPatches) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const int inputs = 3 * a.patch * a.patch, patches = a.grid * a.grid;
  const int row = i / inputs, input = i % inputs;
  const int image = row / patches, patch = row % patches;
  const int channel = input / (a.patch * a.patch), pixel = input % (a.patch * a.patch);
  const int y = patch / a.grid * a.stride + pixel / a.patch, x = patch % a.grid * a.stride + pixel % a.patch;
  a.out[i] = to_half(a.images[((image * 3 + channel) * a.side + y) * a.side + x]);
}

KERNEL(place_tokens, PlaceTokens) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const int tokens = a.patches + a.tokens.count;
  const int d = i % a.dim, row = i / a.dim % tokens, image = i / a.dim / tokens;
  const int before = special_before(a.tokens, row);
  if (is_special(a.tokens, row)) {
    a.stream[i] = a.special[before * a.dim + d];
  } else {
    const int patch = row - before;
    a.stream[i] =
        a.products[(image * a.patches + patch) * a.dim + d] + a.bias[d] + a.position[patch * a.dim + d];
  }
}

KERNEL(norm_rows, NormRows) {
  const int row = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (row >= a.count) return;
  DEVICE const float* values = a.rows + int64_t(row) * a.dim;
  DEVICE Half* out = a.out + int64_t(row) * a.dim;
  if (a.weight == nullptr) {
    for (int d = lane; d < a.dim; d += 32) out[d] = to_half(values[d]);
    return;
  }
  const float scale = rms_scale(values, a.dim, lane, a.epsilon);
  for (int d = lane; d < a.dim; d += 32) out[d] = to_half(values[d] * scale * a.weight[d]);
}

KERNEL(norm_special, NormSpecial) {
  const int lane = int(thread_id), index = int(block.x), image = int(block.y);  // a warp of its own
  DEVICE const float* values =
      a.stream + (int64_t(image) * a.tokens + a.special.first + index * a.special.step) * a.dim;
  DEVICE float* out = a.out + (int64_t(image) * a.special.count + index) * a.dim;
  const float scale = rms_scale(values, a.dim, lane, a.epsilon);
  for (int d = lane; d < a.dim; d += 32) out[d] = values[d] * scale * a.weight[d];
}

KERNEL(norm_patches, NormPatches) {
  const int i = int(block.x * (threads / 32) + thread_id / 32), lane = int(thread_id % 32);
  if (i >= a.rows) return;
  const int image = i / a.patches, patch = i % a.patches;
  const int row = image * (a.patches + a.special.count) + row_of_patch(a.special, patch);
  DEVICE const float* values = a.stream + int64_t(row) * a.dim;
  DEVICE float* out = a.out + int64_t(i) * a.dim;
  const Spread spread = spread_of(values, a.dim, lane, a.epsilon);
  for (int d = lane; d < a.dim; d += 32)
    out[d] = fused((values[d] - spread.mean) * spread.scale, a.weight[d], a.bias[d]);
}

KERNEL(activate, Activate) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const float bias = a.bias == nullptr ? 0.0f : a.bias[i % a.dim];
  a.rows[i] = activated(a.rows[i] + bias, a.activation);
}

KERNEL(add_rows, AddRows) {
  const int i = int(block.x * threads + thread_id);
  if (i < a.count) a.to[i] += a.from[i];
}

KERNEL(gather_tokens, GatherTokens) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const int rows = a.keep + a.moved.count;
  const int d = i % a.dim, row = i / a.dim % rows, image = i / a.dim / rows;
  const int before = special_before(a.moved, row);
  const int source = is_special(a.moved, row)
                         ? a.special.first + before * a.special.step
                         : row_of_patch(a.special, a.kept[image * a.keep + row - before]);
  a.out[i] = a.stream[(int64_t(image) * a.tokens + source) * a.dim + d];
}

KERNEL(scatter_tokens, ScatterTokens) {
  const int i = int(block.x * threads + thread_id);
  if (i >= a.count) return;
  const int d = i % a.dim, row = i / a.dim, image = row / a.keep;
  a.out[(int64_t(image) * a.patches + a.indices[row]) * a.dim + d] = a.tokens[i];
}

// One thread for a pair of values.
KERNEL(rotate_tokens, RotateTokens) {
  const int i = int(block.x * threads + thread_id), quarter = a.dim / 4;
  if (i >= a.rows * 2 * quarter) return;
  const int row = i / (2 * quarter), pair = i % (2 * quarter), index = a.indices[row];
  const int position = pair < quarter ? index / a.grid : index % a.grid;
  const float cosine = a.cosines[position * quarter + pair % quarter];
  const float sine = a.sines[position * quarter + pair % quarter];
  DEVICE float* values = a.tokens + int64_t(row) * a.dim + 2 * pair;
  const float first = values[0], second = values[1];
  values[0] = first * cosine - second * sine;
  values[1] = second * cosine + first * sine;
}

}  // namespace gpu
}  // namespace winnow
