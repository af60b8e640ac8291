// Semantic segmentation: windows slide over a picture, a Vim backbone and a head score each, and every pixel
// gets the class that is best on average.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/dense_backbone.h"
#include "model/picture.h"
#include "model/rle.h"
#include "model/segmentation/map_head.h"
#include "model/weights.h"

namespace winnow {

struct SegmentationTrace;

struct SegmentationOptions {
  int slide_stride = 0;                // pixels between two windows, at the trained image size
  PictureSize target;                  // that regions are for: the upright original
  SegmentationTrace* trace = nullptr;  // gets what lies between, for comparing with a recorded run
};

// All pixels of one class.
struct Region {
  int class_index = 0;
  Mask mask;
};

// Milliseconds of a segmentation's parts, all windows together.
struct SegmentationTimes {
  double backbone = 0.0, head = 0.0, labels = 0.0;
};

// The regions of a picture, largest first, and what they took.
struct Segmentation {
  std::vector<Region> regions;
  std::vector<std::uint8_t> directions;  // [windows, depth]; as in Outputs
  std::vector<std::uint8_t> survived;    // [windows, patches]
  double milliseconds = 0.0;
  SegmentationTimes times;
};

struct SegmentationTrace {
  // In place of the best patches, for each window as in DynamicOptions.
  std::vector<std::vector<std::vector<std::int32_t>>> replay;
  std::vector<Outputs> windows;
  std::vector<std::vector<float>> features;  // of the last window, per tap [g, g, D]
  std::vector<std::vector<float>> pyramid;   // of the last window, [H, W, D]
  SlidingWindows layout;
  std::vector<float> scores;           // [windows, side, side, classes]
  std::vector<std::uint16_t> classes;  // [target height, target width]
};

class Segmenter {
 public:
  // Checks every tensor against the config and hands it to the backend, which outlives the segmenter. Fails
  // with bad_model, naming the tensor that is missing, unexpected, of a wrong shape or not finite.
  static Result<std::unique_ptr<Segmenter>> create(const DyvmConfig& config, Weights& weights,
                                                   Backend& backend);

  // pixels [height, width, 3]: RGB bytes, sides of up to four times the config's image size. What a picture
  // lacks to a window is zeros after normalisation. Fails with bad_argument, cancelled, engine when memory is
  // short, or as Backend::wait.
  Status segment(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                 const SegmentationOptions& options, Segmentation& segmentation);

  const DyvmConfig& config() const { return config_; }

 private:
  Segmenter(const DyvmConfig& config, Backend& backend)
      : config_(config),
        backend_(backend),
        workspace_(backend),
        pictures_(backend),
        head_(make_map_head(config, backend)) {}
  Status load(Weights& weights);
  // Where the windows lie. Fails with bad_argument.
  Result<SlidingWindows> place_windows(PictureSize size, const SegmentationOptions& options) const;
  // The scores of all windows into scores_.
  Status score_windows(const std::uint8_t* pixels, PictureSize size, const SlidingWindows& windows,
                       const DynamicOptions& dynamic, SegmentationTrace* trace, Segmentation& segmentation);
  Status find_regions(const SlidingWindows& windows, const DynamicOptions& dynamic, PictureSize target,
                      SegmentationTrace* trace, Segmentation& segmentation);
  void record(SegmentationTrace& trace) const;
  std::vector<Tensor> features() const;

  DyvmConfig config_;
  Backend& backend_;
  Workspace workspace_;  // of a window
  Workspace pictures_;   // of a picture
  std::unique_ptr<DenseBackbone> backbone_;
  std::unique_ptr<MapHead> head_;
  Tensor scores_;                      // [windows, side, side, classes]
  TensorView<std::uint16_t> classes_;  // [rows, target width]
  std::vector<float> input_;           // [3, S, S]
  std::vector<std::uint16_t> labels_;  // host copy of classes_
  Outputs receipt_;
};

}  // namespace winnow
