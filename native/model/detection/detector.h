// Detection: a Vim backbone, and a network that finds boxes and masks on its map.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/dense_backbone.h"
#include "model/detection/detection_network.h"

namespace winnow {

// Something that was found; box and mask are in pixels of the target.
struct Detection {
  int class_index = 0;
  float score = 0.0f;
  Box box;
  std::optional<Mask> mask;  // of a model that draws masks
};

// What was found, best first, and what it took.
struct Detections {
  std::vector<Detection> found;
  std::vector<std::uint8_t> directions;  // [depth]; as in Outputs
  std::vector<std::uint8_t> survived;    // [patches]
  double milliseconds = 0.0;
  DetectionTimes times;
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
  Detector(const DyvmConfig& config, Backend& backend);
  Status load(Weights& weights);

  DyvmConfig config_;
  Backend& backend_;
  Workspace constants_, workspace_;
  std::unique_ptr<DenseBackbone> backbone_;
  std::unique_ptr<DetectionNetwork> network_;
  std::vector<float> input_;  // [3, S, S]: the picture at the upper left of a square of zeros
  Outputs receipt_;
};

}  // namespace winnow
