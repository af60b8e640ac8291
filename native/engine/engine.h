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
  std::string name;         // 'cpu', 'reference'
  std::string description;  // processor, instruction set, threads
  std::string reason;       // why it cannot be used; empty when it can
};

// Devices that this build knows.
std::vector<DeviceInfo> list_devices();

// `threads`: 0 for one per core. Fails with bad_argument for an unknown device, engine for an unusable one.
Result<std::unique_ptr<Backend>> make_backend(const std::string& device, int threads);

// A loaded model. One call at a time.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> load(const std::string& package_path, const std::string& device,
                                              int threads);

  // pixels [images, S, S, 3]: RGB bytes. See DyvmModel::predict; engine when the device fails.
  Status predict(const std::uint8_t* pixels, int images, const DynamicOptions& options, Outputs& outputs);

  const DyvmConfig& config() const { return model_->config(); }

 private:
  Engine() = default;
  std::unique_ptr<Backend> backend_;  // outlives the model
  std::unique_ptr<DyvmModel> model_;
};

}  // namespace winnow
