#include "train/session/training_file.h"

#include <nlohmann/json.hpp>

#include "model/bounded_json.h"
#include "model/quoted_json.h"
#include "platform/files.h"

namespace winnow::train {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;                            // of a state
constexpr const char* kStateKey = "winnow-training";  // of a state's metadata
constexpr std::size_t kHeaderStep = 8;                // so that mapped tensors are aligned

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

// A tensor to be written; its values are somebody else's.
struct Tensor {
  std::string name;
  Weights::Shape shape;
  const float* values;
  std::size_t size;
};

Status write_safetensors(const std::string& path, const std::vector<Tensor>& tensors, const json& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t begin = 0;
  for (const Tensor& tensor : tensors) {
    const std::uint64_t end = begin + tensor.size * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kHeaderStep - 1) / kHeaderStep * kHeaderStep, ' ');
  const std::uint64_t size = text.size();
  NewFile file(path);
  file.write(&size, sizeof size);
  file.write(text.data(), text.size());
  for (const Tensor& tensor : tensors) file.write(tensor.values, tensor.size * sizeof(float));
  return file.finish();
}

// What a dense model's head is made of; null of a classifier.
json describe_head(const DyvmConfig& c) {
  if (c.segmentation) {
    const auto& [taps, width, scales, stride, kind] = *c.segmentation;
    const bool uper = kind == SegmentationHead::Kind::uper_net;
    return {{"task", "segmentation"},
            {"kind", uper ? "uper-net" : "convolutions"},
            {"taps", taps},
            {"width", width},
            {"poolScales", scales}};
  }
  if (!c.detection) return nullptr;
  if (const auto* head = std::get_if<OneStageHead>(&*c.detection))
    return {{"task", "detection"},
            {"kind", "one-stage"},
            {"width", head->width},
            {"layers", head->layers},
            {"prototypes", head->prototypes}};
  const auto& head = std::get<MaskRcnnHead>(*c.detection);
  return {{"task", "detection"},        {"kind", "mask-rcnn"},   {"width", head.width},
          {"boxWidth", head.box_width}, {"stages", head.stages}, {"boxPerClass", head.box_per_class}};
}

// What decides how many parameters a model has and what they mean.
json describe(const DyvmConfig& c) {
  return {{"head", describe_head(c)},
          {"architecture", c.family->architecture},
          {"imageSize", c.image_size},
          {"patchSize", c.patch_size},
          {"stride", c.stride},
          {"embedDim", c.embed_dim},
          {"depth", c.depth},
          {"stateDim", c.state_dim},
          {"convWidth", c.conv_width},
          {"dtRank", c.dt_rank},
          {"classes", c.classes},
          {"blockSelection", c.block_selection},
          {"pruningLayers", c.pruning_layers}};
}

struct Part {
  const char* name;
  std::vector<float> OptimiserState::* values;
};
constexpr Part kParts[] = {{"weights", &OptimiserState::weights},
                           {"first_moment", &OptimiserState::first_moment},
                           {"second_moment", &OptimiserState::second_moment},
                           {"average", &OptimiserState::average}};

}  // namespace

Status save_state(const std::string& path, const DyvmConfig& config, const OptimiserState& state) {
  std::vector<Tensor> tensors;
  for (const Part& part : kParts) {
    const std::vector<float>& values = state.*part.values;
    tensors.push_back({part.name, {static_cast<std::int64_t>(values.size())}, values.data(), values.size()});
  }
  const json training = {{"format", kFormat}, {"steps", state.steps}, {"model", describe(config)}};
  return write_safetensors(path, tensors, {{kStateKey, training.dump()}});
}

Result<OptimiserState> load_state(const std::string& path, const DyvmConfig& config, std::size_t parameters) {
  auto file = Weights::open(path);
  if (!file) return bad_argument("Expected a training's state, but: " + file.error().message);
  const json training = parse_json(file->metadata(kStateKey));
  if (!training.is_object() || training.value("format", json()) != kFormat ||
      !training.value("steps", json()).is_number_unsigned() || !training.value("model", json()).is_object())
    return bad_argument("Expected a training's state of format " + std::to_string(kFormat) + " in " + path +
                        ", but it is none.");
  const json own = describe(config), model = training["model"];
  for (const auto& [name, value] : own.items())
    if (model.value(name, json()) != value)
      return bad_argument("Expected the state of a training of this model, but that in " + path +
                          " belongs to another: its " + name + " is " + quoted(model.value(name, json())) +
                          " and not " + quoted(value) + ".");
  OptimiserState state;
  state.steps = training["steps"].get<std::int64_t>();
  const auto size = static_cast<std::int64_t>(parameters);
  for (const Part& part : kParts) {
    const auto values = file->tensor(part.name, {size});
    if (!values)
      return bad_argument("Expected a whole state in " + path + ", but: " + values.error().message);
    (state.*part.values).assign(*values, *values + size);
  }
  return state;
}

Status save_weights(const std::string& path, const ParameterTable& table, const std::vector<float>& values) {
  std::vector<Tensor> tensors;
  for (const Parameter& parameter : table.parameters())
    tensors.push_back({parameter.name, parameter.shape, values.data() + parameter.offset, parameter.size});
  return write_safetensors(path, tensors, {});
}

}  // namespace winnow::train
