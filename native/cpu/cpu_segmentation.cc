// What segmentation alone needs of the cpu backend.
#include <algorithm>

#include "cpu/cpu_maps.h"
#include "ops/neighbours.h"

namespace winnow::cpu {
namespace {

constexpr int kLabelRows = 16;  // of a task: neighbours share the rows of the picture that they lie between

// Row y of the windows' mean, [width, C]; `between` is memory for a row of a window's map.
void average_row(Tensor maps, const SlidingWindows& windows, int y, float* between, float* row) {
  const int columns = maps.extent(2), channels = maps.extent(3), side = windows.side;
  const std::size_t stride = static_cast<std::size_t>(columns) * channels;
  std::fill_n(row, static_cast<std::size_t>(windows.width) * channels, 0.0f);
  int deep = 0;  // windows above one another
  for (const int top : windows.tops) deep += y >= top && y < top + side;
  for (int i = 0; i < windows.count(); ++i) {
    if (y < windows.top(i) || y >= windows.top(i) + side) continue;
    const Neighbours down = Neighbours::of(y - windows.top(i), maps.extent(1), side);
    const Term rows[] = {{maps.at(i) + down.first * stride, 1.0f - down.share},
                         {maps.at(i) + down.second * stride, down.share}};
    weighted_sum(rows, 2, static_cast<int>(stride), false, between);
    const int left = windows.left(i), right = std::min(left + side, windows.width);
    for (int x = left; x < right; ++x) {
      const Neighbours across = Neighbours::of(x - left, columns, side);
      int wide = 0;  // windows beside one another
      for (const int other : windows.lefts) wide += x >= other && x < other + side;
      const float share = 1.0f / static_cast<float>(deep * wide);
      const Term pixels[] = {{between + across.first * channels, share * (1.0f - across.share)},
                             {between + across.second * channels, share * across.share}};
      weighted_sum(pixels, 2, channels, true, row + static_cast<std::size_t>(x) * channels);
    }
  }
}

}  // namespace

void CpuMaps::add_resized_taps(Tensor taps, Activation activation, Tensor out) {
  const int height = out.extent(1), width = out.extent(2), channels = out.extent(3);
  const int small_height = taps.extent(1), small_width = taps.extent(2);
  const std::size_t needed = 3ull * small_width * channels;
  float* const rows = rows_.reserve(pool_.threads() * needed);
  pool_.run(out.extent(0) * height, [&](int task, int thread) {
    OperationTimes::Task time(times_, thread);
    const int b = task / height, y = task % height;
    // First the rows of taps above one another, for each of the three positions beside one another.
    float* const sums = rows + thread * needed;
    Term terms[6];
    for (int x = 0; x < small_width; ++x)
      for (int shift = 0; shift < 3; ++shift) {
        int count = 0;
        for (int i = 0; i < 3; ++i) {
          if (y + i < 1 || y + i > height) continue;
          const Neighbours down = Neighbours::of(y + i - 1, small_height, height);
          const auto tap = [&](int row) {
            return taps.at(b) +
                   ((static_cast<std::size_t>(row) * small_width + x) * 9 + 3 * i + shift) * channels;
          };
          terms[count++] = {tap(down.first), 1.0f - down.share};
          terms[count++] = {tap(down.second), down.share};
        }
        weighted_sum(terms, count, channels, false, sums + (3ull * x + shift) * channels);
      }
    float* const target = out.at(b) + static_cast<std::size_t>(y) * width * channels;
    for (int x = 0; x < width; ++x) {
      int count = 0;
      for (int shift = 0; shift < 3; ++shift) {
        if (x + shift < 1 || x + shift > width) continue;
        const Neighbours across = Neighbours::of(x + shift - 1, small_width, width);
        terms[count++] = {sums + (3ull * across.first + shift) * channels, 1.0f - across.share};
        terms[count++] = {sums + (3ull * across.second + shift) * channels, across.share};
      }
      weighted_sum(terms, count, channels, true, target + static_cast<std::size_t>(x) * channels);
    }
    activate(activation, target, static_cast<std::size_t>(width) * channels);
    time.end(Operation::map_resize);
  });
}

void CpuMaps::label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                           TensorView<std::uint16_t> classes) {
  const int channels = maps.extent(3), rows = classes.extent(0);
  const std::size_t picture_row = static_cast<std::size_t>(windows.width) * channels;
  const std::size_t map_row = static_cast<std::size_t>(maps.extent(2)) * channels;
  const std::size_t needed = 3 * picture_row + map_row;
  float* const memory = rows_.reserve(pool_.threads() * needed);
  pool_.run((rows + kLabelRows - 1) / kLabelRows, [&](int task, int thread) {
    OperationTimes::Task time(times_, thread);
    float* const between = memory + thread * needed;
    float* const blended = between + map_row;
    // The rows of the windows' mean that are there, an even one first.
    float* const kept[] = {blended + picture_row, blended + 2 * picture_row};
    int numbers[] = {-1, -1};
    const auto mean = [&](int y) {
      float* row = kept[y % 2];
      if (numbers[y % 2] != y) average_row(maps, windows, y, between, row);
      numbers[y % 2] = y;
      return row;
    };
    for (int i = task * kLabelRows; i < std::min(rows, (task + 1) * kLabelRows); ++i) {
      const Neighbours down = Neighbours::of(first_row + i, windows.height, height);
      const Term terms[] = {{mean(down.first), 1.0f - down.share}, {mean(down.second), down.share}};
      weighted_sum(terms, 2, static_cast<int>(picture_row), false, blended);
      for (int x = 0; x < width; ++x) {
        const Neighbours across = Neighbours::of(x, windows.width, width);
        classes.at(i)[x] = static_cast<std::uint16_t>(best_between(
            blended + static_cast<std::size_t>(across.first) * channels,
            blended + static_cast<std::size_t>(across.second) * channels, across.share, channels));
      }
    }
    time.end(Operation::label);
  });
}

}  // namespace winnow::cpu
