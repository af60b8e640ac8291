// What follows the backbone of a detector: from its map of features to boxes, classes and masks.
#pragma once

#include <span>
#include <vector>

#include "model/detection/best_boxes.h"
#include "model/detection/detection_layers.h"
#include "model/detection/proposals.h"
#include "model/picture.h"
#include "model/prediction.h"
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

// Milliseconds of a detection's parts.
struct DetectionTimes {
  double backbone = 0.0, pyramid = 0.0, proposals = 0.0, boxes = 0.0, masks = 0.0;
};

struct DetectionTrace {
  std::vector<float> feature;              // [grid, grid, embed_dim]
  std::vector<std::vector<float>> levels;  // of the pyramid, finest first: [H, W, width]
  std::vector<ScoredBox> boxes;            // of the detections, in the resized picture
  // Of Mask R-CNN.
  std::vector<Proposal> proposals;
  std::vector<float> mask_probabilities;  // [detections, kMaskSide, kMaskSide]
  // Of a one-stage head, as OneStageOutputs has them; prototypes [H, W, count], where masks are drawn.
  std::vector<float> class_logits, predictions, prototypes;
  Outputs receipt;  // of the backbone
};

// One picture of a call.
struct DetectionCall {
  PictureSize size;  // of the resized picture, at the upper left of the input's square
  const DynamicOptions& dynamic;
  const DetectionOptions& options;
  DetectionTimes& times;  // gets those of the parts
};

inline Error detection_cancelled() { return {ErrorCode::cancelled, "The prediction was cancelled."}; }

class DetectionNetwork {
 public:
  virtual ~DetectionNetwork() = default;

  // Reads its tensors; a failure stays in the reader.
  virtual void load(LayerReader& layers) = 0;
  // Takes the tensors of a run; call it inside Workspace::lay_out.
  virtual void plan(Workspace& workspace) = 0;
  // What is found on feature [1, g, g, D], best first, with boxes in pixels of the resized picture. Fails
  // with cancelled, or as Backend::wait.
  virtual Result<std::vector<ScoredBox>> find(Tensor feature, const DetectionCall& call) = 0;
  // The masks of what was found, in pixels of the target, one for each; none of a network without masks.
  // Fails likewise.
  virtual Result<std::vector<Mask>> draw(std::span<const ScoredBox> found, const DetectionCall& call) = 0;
  // What lies between, of the last picture.
  virtual void record(DetectionTrace& trace) const = 0;
};

}  // namespace winnow
