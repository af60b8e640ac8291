#include "model/rle.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace winnow {
namespace {

// Pixels i >= 0 below `size` whose centre samples a map of `side` cells, spread over low .. high, at (i + 1/2
// - low) / (high - low) side - 1/2.
struct PasteAxis {
  PasteAxis(double low, double high, int side, int size)
      : low(low),
        scale(side / (high - low)),
        first(std::clamp<int>(static_cast<int>(std::clamp(std::floor(low) - 1.0, 0.0, 1.0 * size)), 0, size)),
        end(static_cast<int>(std::clamp(std::ceil(high) + 1.0, 1.0 * first, 1.0 * size))) {}
  double source(int i) const { return (i + 0.5 - low) * scale - 0.5; }
  // The first pixel whose source is at least `cell`.
  int first_at(int cell) const {
    int i = static_cast<int>(std::clamp(std::ceil((cell + 0.5) / scale + low - 0.5), 1.0 * first, 1.0 * end));
    while (i > first && source(i - 1) >= cell) --i;
    while (i < end && source(i) < cell) ++i;
    return i;
  }

  double low, scale;
  int first, end;
};

float between(float a, float b, double share) { return static_cast<float>(a + (b - a) * share); }

}  // namespace

void MaskEncoder::add_ones(std::int64_t begin, std::int64_t end) {
  if (begin >= end) return;
  if (begin != end_) {
    end_run();
    begin_ = begin;
  }
  end_ = end;
}

void MaskEncoder::end_run() {
  if (begin_ == end_) return;
  add_count(begin_ - written_);
  add_count(end_ - begin_);
  mask_.area += end_ - begin_;
  written_ = end_;
}

Mask MaskEncoder::finish(std::int64_t pixels) {
  end_run();
  if (written_ < pixels) add_count(pixels - written_);
  return std::move(mask_);
}

Status decode_runs(const std::string& counts, std::int64_t pixels,
                   const std::function<void(std::int64_t, std::int64_t)>& visit) {
  const auto wrong = [&](const char* problem) {
    return Error{ErrorCode::bad_argument, "Expected the run lengths of a mask of " + std::to_string(pixels) +
                                              " pixels, but " + problem + "."};
  };
  constexpr int kMostBits = 45;  // of a count: beyond any picture, and far from an overflow
  std::vector<std::int64_t> runs;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < counts.size();) {
    std::int64_t value = 0;
    for (int shift = 0;; shift += 5) {
      if (i == counts.size()) return wrong("they end in the middle of a number");
      const int digit = counts[i++] - 48;
      if (digit < 0 || digit > 63 || shift > kMostBits) return wrong("they are no run lengths");
      value |= static_cast<std::int64_t>(digit & 31) << shift;
      if ((digit & 32) != 0) continue;
      if ((digit & 16) != 0) value -= std::int64_t{1} << (shift + 5);
      break;
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    if (value < 0 || value > pixels - sum) return wrong("they are of another size");
    sum += value;
    runs.push_back(value);
  }
  if (sum != pixels) return wrong("they are of another size");
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i % 2 == 1 && runs[i] > 0) visit(begin, begin + runs[i]);
    begin += runs[i];
  }
  return ok();
}

// Five bits per character, the lowest first, bit 5 where more follow; from the fourth count on the difference
// to the one before the last.
void MaskEncoder::add_count(std::int64_t count) {
  std::int64_t rest = counts_ > 2 ? count - before_[0] : count;
  while (true) {
    const int bits = static_cast<int>(rest & 31);
    rest >>= 5;
    const bool more = (bits & 16) != 0 ? rest != -1 : rest != 0;
    mask_.counts.push_back(static_cast<char>(48 + bits + (more ? 32 : 0)));
    if (!more) break;
  }
  before_[0] = before_[1];
  before_[1] = count;
  ++counts_;
}

// Down a column the value is linear between two cells, so that it crosses the threshold at most once: only
// the ends of each stretch and the crossing are computed.
Mask paste_map(const MaskMap& map, const float crop[4], int width, int height, float threshold) {
  MaskEncoder encoder;
  const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
  const auto& [values, rows, columns, place] = map;
  if (!(place[2] > place[0]) || !(place[3] > place[1])) return encoder.finish(pixels);
  const PasteAxis across(place[0], place[2], columns, width), down(place[1], place[3], rows, height);
  // Pixels from the first on whose centre is at `edge` or behind it.
  const auto first_behind = [](float edge, int size) {
    return static_cast<int>(std::clamp(std::ceil(edge - 0.5), 0.0, 1.0 * size));
  };
  const int first_row = first_behind(crop[1], height), end_row = first_behind(crop[3], height);
  const int end_column = std::min(across.end, first_behind(crop[2], width));
  if (first_row >= end_row) return encoder.finish(pixels);
  std::vector<int> starts(rows + 2);  // first row of pixels between cells i - 1 and i
  for (int i = 0; i < rows + 2; ++i) starts[i] = std::clamp(down.first_at(i - 1), first_row, end_row);
  std::vector<float> column(rows + 2, 0.0f);  // the column's cells, a zero at both ends
  for (int x = std::max(across.first, first_behind(crop[0], width)); x < end_column; ++x) {
    const double source = across.source(x);
    const int cell = static_cast<int>(std::floor(source));
    if (cell < -1 || cell >= columns) continue;
    for (int i = 0; i < rows; ++i) {
      const float left = cell >= 0 ? values[i * columns + cell] : 0.0f;
      const float right = cell + 1 < columns ? values[i * columns + cell + 1] : 0.0f;
      column[i + 1] = between(left, right, source - cell);
    }
    const std::int64_t top = static_cast<std::int64_t>(x) * height;
    for (int i = 0; i + 1 < rows + 2; ++i) {
      const int begin = starts[i], end = starts[i + 1];
      if (begin == end) continue;
      const auto inside = [&](int y) {
        return between(column[i], column[i + 1], down.source(y) - (i - 1)) >= threshold;
      };
      const bool first = inside(begin), last = inside(end - 1);
      int low = begin, high = end - 1;  // the crossing is between them
      while (first != last && high - low > 1) {
        const int middle = (low + high) / 2;
        (inside(middle) == first ? low : high) = middle;
      }
      if (first) encoder.add_ones(top + begin, top + (last ? end : low + 1));
      if (!first && last) encoder.add_ones(top + high, top + end);
    }
  }
  return encoder.finish(pixels);
}

Mask paste_mask(const float* probabilities, int side, const float box[4], int width, int height,
                float threshold) {
  const float whole[] = {0.0f, 0.0f, static_cast<float>(width), static_cast<float>(height)};
  return paste_map({probabilities, side, side, {box[0], box[1], box[2], box[3]}}, whole, width, height,
                   threshold);
}

ClassMapEncoder::ClassMapEncoder(int width) : last_(width), columns_(width) {}

void ClassMapEncoder::add_row(const std::uint16_t* classes) {
  for (std::size_t x = 0; x < columns_.size(); ++x)
    if (rows_ == 0 || classes[x] != last_[x]) columns_[x].push_back({rows_, classes[x]});
  std::copy_n(classes, last_.size(), last_.begin());
  ++rows_;
}

std::vector<std::pair<int, Mask>> ClassMapEncoder::finish() {
  std::map<int, MaskEncoder> encoders;
  for (std::size_t x = 0; x < columns_.size(); ++x) {
    const std::int64_t top = static_cast<std::int64_t>(x) * rows_;
    for (std::size_t i = 0; i < columns_[x].size(); ++i) {
      const Change& change = columns_[x][i];
      const int end = i + 1 < columns_[x].size() ? columns_[x][i + 1].row : rows_;
      encoders[change.to].add_ones(top + change.row, top + end);
    }
  }
  std::vector<std::pair<int, Mask>> masks;
  const std::int64_t pixels = static_cast<std::int64_t>(columns_.size()) * rows_;
  for (auto& [index, encoder] : encoders) masks.emplace_back(index, encoder.finish(pixels));
  return masks;
}

}  // namespace winnow
