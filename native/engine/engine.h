// What the rest of the world does with a model: load a package on a device, predict batches, cancel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/dyvm.h"
#include "ops/backend.h"
#include "ops/result.h"

namespace winnow {

struct DeviceInfo {
  std::string name;                   // 'cpu', 'reference'
  std::string description;            // processor, instruction set, threads
  std::string reason;                 // why it cannot be used; empty when it can
  std::vector<Precision> precisions;  // that it computes natively, most exact first
};

// Devices that this build knows.
std::vector<DeviceInfo> list_devices();

// Names as the app uses them: "fp32", "bf16", "int8".
const char* precision_name(Precision precision);
Result<Precision> precision_of(const std::string& name);

// `threads`: 0 for one per core. Fails with bad_argument for an unknown device or a precision that it does
// not compute natively, engine for an unusable one.
Result<std::unique_ptr<Backend>> make_backend(const std::string& device, int threads,
                                              Precision precision = Precision::fp32);

// A loaded model. One call at a time.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> load(const std::string& package_path, const std::string& device,
                                              int threads, Precision precision = Precision::fp32);

  // pixels [images, S, S, 3]: RGB bytes. See DyvmModel::predict; engine when the device fails.
  Status predict(const std::uint8_t* pixels, int images, const DynamicOptions& options, Outputs& outputs);

  const DyvmConfig& config() const { return model_->config(); }

 private:
  Engine() = default;
  std::unique_ptr<Backend> backend_;  // outlives the model
  std::unique_ptr<DyvmModel> model_;
};

}  // namespace winnow
