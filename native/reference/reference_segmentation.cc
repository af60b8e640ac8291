// What segmentation alone needs of the reference backend.
#include <algorithm>
#include <vector>

#include "ops/neighbours.h"
#include "reference/formulas.h"
#include "reference/reference_maps.h"

namespace winnow {
namespace {

// sum += share * (value c of a map [height, width, C] at row y, column x of its resized form).
struct Resized {
  const float* map;
  int height, width, channels;  // of the map

  void add_to(std::vector<double>& sum, double share, int y, int x, int to_height, int to_width,
              int first_channel) const {
    const Neighbours down = Neighbours::of(y, height, to_height), across = Neighbours::of(x, width, to_width);
    for (const auto& [row, row_share] : {std::pair{down.first, 1.0 - down.share}, {down.second, down.share}})
      for (const auto& [column, column_share] :
           {std::pair{across.first, 1.0 - across.share}, {across.second, across.share}})
        for (std::size_t c = 0; c < sum.size(); ++c)
          sum[c] += share * row_share * column_share *
                    map[(static_cast<std::size_t>(row) * width + column) * channels + first_channel + c];
  }
};

// The windows' mean at a pixel of the picture, `share` of it added to `sum`.
void add_mean(Tensor maps, const SlidingWindows& windows, int y, int x, double share,
              std::vector<double>& sum) {
  std::vector<double> total(sum.size(), 0.0);
  int count = 0;
  for (int i = 0; i < windows.count(); ++i) {
    const int row = y - windows.top(i), column = x - windows.left(i);
    if (row < 0 || row >= windows.side || column < 0 || column >= windows.side) continue;
    const Resized window{maps.at(i), maps.extent(1), maps.extent(2), maps.extent(3)};
    window.add_to(total, 1.0, row, column, windows.side, windows.side, 0);
    ++count;
  }
  for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += share * total[c] / count;
}

}  // namespace

void ReferenceMaps::add_resized_taps(Tensor taps, Activation activation, Tensor out) {
  const int height = out.extent(1), width = out.extent(2), channels = out.extent(3);
  for (int b = 0; b < out.extent(0); ++b) {
    const Resized small{taps.at(b), taps.extent(1), taps.extent(2), taps.extent(3)};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        float* values = out.at(b) + (static_cast<std::size_t>(y) * width + x) * channels;
        std::vector<double> sum(values, values + channels);
        for (int tap = 0; tap < 9; ++tap) {
          const int row = y + tap / 3 - 1, column = x + tap % 3 - 1;
          if (row >= 0 && row < height && column >= 0 && column < width)
            small.add_to(sum, 1.0, row, column, height, width, tap * channels);
        }
        for (int c = 0; c < channels; ++c)
          values[c] = static_cast<float>(reference::activate(activation, sum[c]));
      }
  }
}

void ReferenceMaps::label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height,
                                 int first_row, TensorView<std::uint16_t> classes) {
  std::vector<double> scores(maps.extent(3));
  for (int i = 0; i < classes.extent(0); ++i)
    for (int x = 0; x < width; ++x) {
      const Neighbours down = Neighbours::of(first_row + i, windows.height, height);
      const Neighbours across = Neighbours::of(x, windows.width, width);
      std::fill(scores.begin(), scores.end(), 0.0);
      for (const auto& [row, row_share] :
           {std::pair{down.first, 1.0 - down.share}, {down.second, down.share}})
        for (const auto& [column, column_share] :
             {std::pair{across.first, 1.0 - across.share}, {across.second, across.share}})
          add_mean(maps, windows, row, column, row_share * column_share, scores);
      classes.at(i)[x] =
          static_cast<std::uint16_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    }
}

}  // namespace winnow
