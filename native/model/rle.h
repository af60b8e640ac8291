// Masks as COCO's compressed run lengths, built without a picture-sized bitmap per mask.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ops/result.h"

namespace winnow {

// Pixels are counted column by column, from the top left.
struct Mask {
  std::int64_t area;  // in pixels
  std::string
      counts;  // lengths of runs of zeros and ones in turn, zeros first, as pycocotools compresses them
};

// Compresses one mask from its runs of ones.
class MaskEncoder {
 public:
  // Pixels begin <= i < end are ones; not before the end of the last run. Adjacent runs become one.
  void add_ones(std::int64_t begin, std::int64_t end);
  // The mask of `pixels` pixels.
  Mask finish(std::int64_t pixels);

 private:
  void end_run();
  void add_count(std::int64_t count);

  Mask mask_{0, {}};
  std::int64_t written_ = 0;          // pixels that are in the counts
  std::int64_t begin_ = 0, end_ = 0;  // the run that may still grow
  std::int64_t before_[2] = {};       // the last counts, the earlier one first
  int counts_ = 0;
};

// Calls visit(begin, end) for every run of ones of compressed counts: pixels begin <= i < end of the `pixels`
// that there are. Fails with bad_argument, before any call, for counts that are none or are of another size.
Status decode_runs(const std::string& counts, std::int64_t pixels,
                   const std::function<void(std::int64_t, std::int64_t)>& visit);

// Values [rows, columns] that cover a rectangle of a picture, in its pixels.
struct MaskMap {
  const float* values;
  int rows, columns;
  float place[4];  // x0, y0, x1, y1
};

// The mask of one instance in a picture of width x height pixels: a pixel belongs to it where the map,
// bilinear at its centre and zero outside, reaches `threshold`, and its centre lies in `crop` (x0, y0, x1, y1
// in pixels: left and upper edge included).
Mask paste_map(const MaskMap& map, const float crop[4], int width, int height, float threshold);

// The mask of one instance in a picture of width x height pixels. probabilities [side, side] cover `box` (x0,
// y0, x1, y1 in pixels); a pixel belongs to the mask where they, bilinear at its centre and zero outside,
// reach `threshold`. Nothing further than a pixel outside of the box is looked at.
Mask paste_mask(const float* probabilities, int side, const float box[4], int width, int height,
                float threshold);

// The masks of all classes of a picture that comes row by row. Its memory grows with the number of places
// where the class changes from one row to the next, not with the number of classes.
class ClassMapEncoder {
 public:
  explicit ClassMapEncoder(int width);
  // classes [width].
  void add_row(const std::uint16_t* classes);
  // Each class that occurred and its mask, by class.
  std::vector<std::pair<int, Mask>> finish();

 private:
  struct Change {
    int row;
    std::uint16_t to;
  };
  std::vector<std::uint16_t> last_;           // [width]: the row before
  std::vector<std::vector<Change>> columns_;  // [width]: from the top down
  int rows_ = 0;
};

}  // namespace winnow
