#include "engine/engine.h"

#include <algorithm>
#include <exception>

#include "engine/gpu_devices.h"
#include "gpu/gpu_backend.h"
#include "model/feature_model.h"
#include "ops/shortened.h"
#include "reference/hidden_attention.h"
#include "reference/reference_backend.h"
#ifdef WINNOW_CPU
#include "cpu/cpu_backend.h"
#endif

namespace winnow {

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices;
#ifdef WINNOW_CPU
  devices.push_back({"cpu", describe_cpu(), "", cpu_precisions(), {}});
#endif
  devices.push_back(
      {"reference", "one thread, slow and obvious: for checking the others", "", {Precision::fp32}, {}});
  return devices;
}

const char* precision_name(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return "bf16";
    case Precision::int8:
      return "int8";
    case Precision::fp32:
      break;
  }
  return "fp32";
}

Result<Precision> precision_of(const std::string& name) {
  for (Precision precision : {Precision::fp32, Precision::bf16, Precision::int8})
    if (name == precision_name(precision)) return precision;
  return Error{ErrorCode::bad_argument,
               "Expected a precision of fp32, bf16 or int8, but it is " + shortened(name) + "."};
}

namespace {

Status check_precision(const std::string& device, const std::vector<Precision>& known, Precision precision) {
  if (std::find(known.begin(), known.end(), precision) != known.end()) return ok();
  return Error{ErrorCode::bad_argument, "Expected a precision that " + device + " computes here, but " +
                                            precision_name(precision) + " is none; the nearest is " +
                                            precision_name(known.back()) + "."};
}

Result<std::unique_ptr<Backend>> make_gpu(const std::string& name, Precision precision) {
  if (const Status checked = check_precision(name, {Precision::bf16}, precision); !checked)
    return checked.error();
  const auto gpu = find_gpu(name);
  if (!gpu) return gpu.error();
  return make_gpu_backend(*gpu->library, gpu->index);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_backend(const std::string& name, int threads, Precision precision) {
  if (is_gpu_name(name)) return make_gpu(name, precision);
  std::string names;
  for (const DeviceInfo& device : list_devices()) {
    names += device.name + ", ";
    if (device.name != name) continue;
    if (const Status checked = check_precision(name, device.precisions, precision); !checked)
      return checked.error();
    if (name == "reference") return make_reference_backend();
#ifdef WINNOW_CPU
    return make_cpu_backend(threads, precision);
#else
    (void)threads;
#endif
  }
  return Error{ErrorCode::bad_argument,
               "Expected a device of this build (" + names + "or a GPU), but it is " + shortened(name) + "."};
}

Result<std::unique_ptr<Engine>> Engine::load(const std::string& package_path, const std::string& device,
                                             int threads, Precision precision, int input_size,
                                             bool features) {
  try {
    auto backend = make_backend(device, threads, precision);
    if (!backend) return backend.error();
    auto weights = Weights::open(package_path);
    if (!weights) return weights.error();
    const auto trained = read_manifest(weights->metadata("winnow"));
    if (!trained) return trained.error();
    auto config = with_input_size(*trained, input_size > 0 ? input_size : trained->trained_size);
    if (config && features) config = make_feature_model(*config, *weights);
    if (!config) return config.error();
    std::unique_ptr<Engine> engine(new Engine);
    const auto keep = [&](auto model) -> Status {
      if (!model) return model.error();
      engine->model_ = std::move(*model);
      return ok();
    };
    const Status made = config->detection      ? keep(Detector::create(*config, *weights, **backend))
                        : config->segmentation ? keep(Segmenter::create(*config, *weights, **backend))
                                               : keep(DyvmModel::create(*config, *weights, **backend));
    if (!made) return made.error();
    engine->backend_ = std::move(*backend);
    engine->config_ = *config;
    engine->package_path_ = package_path;
    return engine;
  } catch (const std::exception& problem) {
    return Error{ErrorCode::engine, "Expected to load " + package_path + ", but: " + problem.what() + "."};
  }
}

template <typename Model, typename Compute>
Status Engine::run(const char* wanted, Compute compute) {
  static constexpr const char* kTasks[] = {"classifies", "segments",
                                           "detects"};  // as the variant orders them
  auto* model = std::get_if<std::unique_ptr<Model>>(&model_);
  if (model == nullptr)
    return Error{ErrorCode::bad_argument, std::string("Expected a model that ") + wanted + ", but this one " +
                                              kTasks[model_.index()] + "."};
  try {
    return compute(**model);
  } catch (const std::exception& problem) {
    return Error{ErrorCode::engine,
                 std::string("Expected a prediction, but the engine failed: ") + problem.what() + "."};
  }
}

Status Engine::predict(const std::uint8_t* pixels, int images, const DynamicOptions& options,
                       Outputs& outputs) {
  return run<DyvmModel>("classifies",
                        [&](DyvmModel& model) { return model.predict(pixels, images, options, outputs); });
}

Status Engine::attend(const std::uint8_t* pixels, int layer, const DynamicOptions& options,
                      Attention& attention) {
  if (layer < 0 || layer >= config_.depth)
    return Error{ErrorCode::bad_argument, "Expected a layer from 0 to " + std::to_string(config_.depth - 1) +
                                              ", but it is " + std::to_string(layer) + "."};
  DynamicOptions probed = options;
  StreamProbe probe;
  probe.layer = layer;
  probed.probe = &probe;
  Outputs& outputs = attention.outputs;
  if (const Status done = predict(pixels, 1, probed, outputs); !done) return done;
  auto weights = Weights::open(package_path_);
  if (!weights) return weights.error();
  TensorReader read(*weights);
  const auto tensor = [&](const std::string& name, const Weights::Shape& shape) { return read(name, shape); };
  const BlockWeights block = block_weights(config_, block_tensors<const float*>(config_, layer, tensor));
  if (!read.status) return read.status;
  const SpecialTokens special = config_.special_tokens(probe.patches);
  const std::vector<double> rows = hidden_attention(block, special, probe.stream.data(),
                                                    probe.patches + special.count, outputs.directions[layer]);
  attention.stages = static_cast<int>(
      std::ranges::count_if(config_.pruning_layers, [&](int pruned) { return pruned <= layer; }));
  attention.patches.assign(outputs.survived.size(), 0.0f);
  int patch = 0;
  for (std::size_t i = 0; i < outputs.survived.size(); ++i)
    if (outputs.survived[i] >= attention.stages)
      attention.patches[i] = static_cast<float>(rows[special.row_of_patch(patch++)]);
  return ok();
}

Status Engine::segment(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                       const SegmentationOptions& options, Segmentation& segmentation) {
  return run<Segmenter>("segments", [&](Segmenter& model) {
    return model.segment(pixels, size, dynamic, options, segmentation);
  });
}

Status Engine::detect(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                      const DetectionOptions& options, Detections& detections) {
  return run<Detector>(
      "detects", [&](Detector& model) { return model.detect(pixels, size, dynamic, options, detections); });
}

}  // namespace winnow
