// The stages of a cascade (Cascade R-CNN, arXiv 1712.00726) that give proposals a class and move them, or the
// one stage of Faster R-CNN.
#pragma once

#include <vector>

#include "model/detection/boxes.h"
#include "model/detection/detection_layers.h"
#include "model/detection/proposals.h"
#include "model/dyvm_config.h"
#include "model/prediction.h"

namespace winnow {

// What R proposals became.
struct ClassifiedBoxes {
  int proposals = 0;  // R
  // [R], or [R, classes] where every class has corrections of its own; inside the picture unless not finite.
  std::vector<Box> boxes;
  std::vector<float> scores;  // [R, classes + 1]: probabilities, the last of them that it is nothing
};

class BoxHead {
 public:
  void load(LayerReader& layers, const MaskRcnnHead& head, int classes);
  // Values that a scratch tensor needs.
  std::size_t scratch_size() const;
  // Takes the tensors of a run; call it inside Workspace::lay_out.
  void plan(Workspace& workspace);
  // levels [1, H, W, width], of strides 4, 8, 16 and 32. Fails with cancelled, looked at before every batch
  // of proposals, or as Backend::wait.
  Status run(Backend& backend, std::span<const Tensor> levels, std::span<const Proposal> proposals,
             PictureSize picture, const DynamicOptions& dynamic, const Scratch& scratch,
             ClassifiedBoxes& result);

 private:
  struct Stage {
    NormedConvolution convolutions[4];
    std::unique_ptr<Convolution> hidden;
    std::unique_ptr<Linear> classes, corrections;
    CorrectionWeights weights;
  };
  // Class logits and corrections of a batch of boxes, into logits_ and corrections_.
  Status predict(Backend& backend, const Stage& stage, std::span<const Tensor> levels,
                 std::span<const Box> boxes, const Scratch& scratch);

  int width_ = 0, hidden_width_ = 0, classes_ = 0;
  bool per_class_ = false;
  std::vector<Stage> stages_;
  Tensor hidden_, class_logits_, box_corrections_;  // of a batch of proposals
  std::vector<Box> proposals_;                      // of a stage
  std::vector<Box> aligned_;                        // host: a batch's boxes, and their levels
  std::vector<int> levels_;
  std::vector<float> logits_, corrections_;  // host copies
};

}  // namespace winnow
