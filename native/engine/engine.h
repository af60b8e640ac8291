// The engine's interface: load a model package on a device, predict, segment or detect, cancel.
//
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/device_info.h"
#include "model/detection/detector.h"
#include "model/dyvm.h"
#include "model/segmentation/segmenter.h"
#include "ops/backend.h"
#include "ops/result.h"

namespace winnow {

// Devices that this build knows without a driver; see list_gpus for the others.
std::vector<DeviceInfo> list_devices();

// Names as the app uses them: "fp32", "bf16", "int8".
const char* precision_name(Precision precision);
Result<Precision> precision_of(const std::string& name);

// `threads`: 0 for one per core. Fails with bad_argument for an unknown device or a precision that it does
// not compute natively, engine for an unusable one. `device` may name a GPU: 'cuda:1', or 'cuda' for the
// first.
Result<std::unique_ptr<Backend>> make_backend(const std::string& device, int threads,
                                              Precision precision = Precision::fp32);

// Where a block of a classifier looks in one picture.
struct Attention {
  std::vector<float> patches;  // [M]: see hidden_attention; 0 where the patch is gone by then
  int stages = 0;              // pruning stages in front of the block
  Outputs outputs;
};

// A loaded model. One call at a time, of those of its task: the others fail with bad_argument. All, and load,
// fail with engine when the device does, out_of_memory when its memory is too small, and device_lost when it
// is gone.
class Engine {
 public:
  // `input_size`: side in pixels that a segmentation or detection model sees its pictures at; 0 for the
  // trained one. `features`: logits are what the head of a classifier is applied to; see make_feature_model.
  static Result<std::unique_ptr<Engine>> load(const std::string& package_path, const std::string& device,
                                              int threads, Precision precision = Precision::fp32,
                                              int input_size = 0, bool features = false);

  // pixels [images, S, S, 3]: RGB bytes. See DyvmModel::predict.
  Status predict(const std::uint8_t* pixels, int images, const DynamicOptions& options, Outputs& outputs);
  // pixels [S, S, 3]: RGB bytes; `layer` from 0. Reads the block's weights from the package again. Fails with
  // bad_argument for a layer that the model does not have, and like predict and load.
  Status attend(const std::uint8_t* pixels, int layer, const DynamicOptions& options, Attention& attention);
  // pixels [height, width, 3]: RGB bytes. See Segmenter::segment and Detector::detect.
  Status segment(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                 const SegmentationOptions& options, Segmentation& segmentation);
  Status detect(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                const DetectionOptions& options, Detections& detections);

  const DyvmConfig& config() const { return config_; }

 private:
  Engine() = default;
  // compute(model) where the model's type is Model.
  template <typename Model, typename Compute>
  Status run(const char* wanted, Compute compute);

  std::unique_ptr<Backend> backend_;  // outlives the model
  DyvmConfig config_;
  std::string package_path_;
  std::variant<std::unique_ptr<DyvmModel>, std::unique_ptr<Segmenter>, std::unique_ptr<Detector>> model_;
};

}  // namespace winnow
