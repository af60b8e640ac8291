// Detection: Mask R-CNN (arXiv 1703.06870) and Cascade Mask R-CNN (arXiv 1906.09756) over a Vim backbone and
// a simple feature pyramid, as detectron2 runs them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/dense_backbone.h"
#include "model/detection/best_boxes.h"
#include "model/detection/box_head.h"
#include "model/detection/feature_pyramid.h"
#include "model/detection/mask_head.h"
#include "model/detection/proposal_network.h"
#include "model/rle.h"

namespace winnow {

struct DetectionTrace;

struct DetectionOptions {
  float min_score = 0.05f;  // only what scores above it is found
  float nms_iou = 0.5f;     // of two boxes of a class that overlap more, the better one stays
  int max_detections = 100;
  PictureSize target;               // that boxes and masks are for: the upright original
  DetectionTrace* trace = nullptr;  // gets what lies between, for comparing with a recorded run
};

// Something that was found; box and mask are in pixels of the target.
struct Detection {
  int class_index = 0;
  float score = 0.0f;
  Box box;
  Mask mask;
};

// Milliseconds of a detection's parts.
struct DetectionTimes {
  double backbone = 0.0, pyramid = 0.0, proposals = 0.0, boxes = 0.0, masks = 0.0;
};

// What was found, best first, and what it took.
struct Detections {
  std::vector<Detection> found;
  std::vector<std::uint8_t> directions;  // [depth]; as in Outputs
  std::vector<std::uint8_t> survived;    // [patches]
  double milliseconds = 0.0;
  DetectionTimes times;
};

struct DetectionTrace {
  std::vector<float> feature;                 // [grid, grid, embed_dim]
  std::vector<float> levels[kPyramidLevels];  // [H, W, width]
  std::vector<Proposal> proposals;
  std::vector<ScoredBox> boxes;           // of the detections, in the resized picture
  std::vector<float> mask_probabilities;  // [detections, kMaskSide, kMaskSide]
};

class Detector {
 public:
  // Checks every tensor against the config and hands it to the backend, which outlives the detector. Fails
  // with bad_model, naming the tensor that is missing, unexpected, of a wrong shape or not finite.
  static Result<std::unique_ptr<Detector>> create(const DyvmConfig& config, Weights& weights,
                                                  Backend& backend);

  // pixels [height, width, 3]: RGB bytes of a picture no side of which is longer than the config's image
  // size. Fails with bad_argument, cancelled, engine when memory is short, or as Backend::wait.
  Status detect(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                const DetectionOptions& options, Detections& detections);

  const DyvmConfig& config() const { return config_; }

 private:
  Detector(const DyvmConfig& config, Backend& backend)
      : config_(config), backend_(backend), constants_(backend), workspace_(backend) {}
  Status load(Weights& weights);
  Status plan();
  void record(Tensor feature, std::span<const Proposal> proposals, DetectionTrace& trace);

  DyvmConfig config_;
  Backend& backend_;
  Workspace constants_, workspace_;
  std::unique_ptr<DenseBackbone> backbone_;
  FeaturePyramid pyramid_;
  ProposalNetwork proposals_;
  BoxHead boxes_;
  MaskHead masks_;
  Pyramid levels_;
  Scratch scratch_;
  Tensor anchor_outputs_;
  std::vector<float> input_;  // [3, S, S]: the picture at the upper left of a square of zeros
  Outputs receipt_;
  ClassifiedBoxes classified_;
  std::vector<float> probabilities_;  // of the masks
};

}  // namespace winnow
