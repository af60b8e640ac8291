#include "engine/engine.h"

#include <exception>

#include "reference/reference_backend.h"
#ifdef WINNOW_CPU
#include "cpu/cpu_backend.h"
#endif

namespace winnow {

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices;
#ifdef WINNOW_CPU
  devices.push_back({"cpu", describe_cpu(), ""});
#endif
  devices.push_back({"reference", "one thread, slow and obvious: for checking the others", ""});
  return devices;
}

Result<std::unique_ptr<Backend>> make_backend(const std::string& device, int threads) {
  if (device == "reference") return make_reference_backend();
#ifdef WINNOW_CPU
  if (device == "cpu") return make_cpu_backend(threads);
#endif
  std::string names;
  for (const DeviceInfo& known : list_devices()) names += (names.empty() ? "" : ", ") + known.name;
  return Error{ErrorCode::bad_argument,
               "Expected a device of this build (" + names + "), but it is " + device + "."};
}

Result<std::unique_ptr<Engine>> Engine::load(const std::string& package_path, const std::string& device,
                                             int threads) {
  try {
    auto backend = make_backend(device, threads);
    if (!backend) return backend.error();
    auto weights = Weights::open(package_path);
    if (!weights) return weights.error();
    const auto config = read_manifest(weights->metadata("winnow"));
    if (!config) return config.error();
    auto model = DyvmModel::create(*config, *weights, **backend);
    if (!model) return model.error();
    std::unique_ptr<Engine> engine(new Engine);
    engine->backend_ = std::move(*backend);
    engine->model_ = std::move(*model);
    return engine;
  } catch (const std::exception& problem) {
    return Error{ErrorCode::engine, "Expected to load " + package_path + ", but: " + problem.what() + "."};
  }
}

Status Engine::predict(const std::uint8_t* pixels, int images, const DynamicOptions& options,
                       Outputs& outputs) {
  try {
    return model_->predict(pixels, images, options, outputs);
  } catch (const std::exception& problem) {
    return Error{ErrorCode::engine,
                 std::string("Expected a prediction, but the engine failed: ") + problem.what() + "."};
  }
}

}  // namespace winnow
