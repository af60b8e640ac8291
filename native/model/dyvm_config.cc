#include "model/dyvm_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/bounded_json.h"
#include "model/quoted_json.h"

namespace winnow {
namespace {

using nlohmann::json;

Error bad(std::string message) { return Error{ErrorCode::bad_model, std::move(message)}; }

constexpr int kLargest = 1 << 20;  // beyond any width, depth or side that fits in memory
constexpr int kMostRegisters = 1024;
constexpr int kMostPools = 8;
constexpr std::size_t kUperNetTaps = 4;
constexpr int kMostTowerLayers = 16, kMostPrototypes = 256;
constexpr int kInputStep = 32, kLargestInput = 2048;  // pixels

bool is_size(const json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= kLargest;
}

// MambaReg's registers and its head, into `config`, whose sizes are known.
Status read_registers(const json& manifest, DyvmConfig& config) {
  const json registers = manifest.value("registers", json()),
             reduction = manifest.value("registerReduction", json());
  if (!is_size(registers) || registers == 0 || registers > kMostRegisters)
    return bad("Manifest: expected registers to be a whole number from 1 to " +
               std::to_string(kMostRegisters) + ", but it is " + quoted(registers) + ".");
  if (!is_size(reduction) || reduction == 0 || config.embed_dim % reduction.get<int>() != 0)
    return bad("Manifest: expected registerReduction to divide embedDim " + std::to_string(config.embed_dim) +
               ", but it is " + quoted(reduction) + ".");
  config.registers = registers.get<int>();
  config.register_reduction = reduction.get<int>();
  return ok();
}

Error bad_field(const std::string& name, const std::string& expected, const json& value) {
  return bad("Manifest: expected " + name + " to be " + expected + ", but it is " + quoted(value) + ".");
}

// "a", "b" or "c": the names of the families for which `is_meant`.
template <typename IsMeant>
std::string names_of_families(IsMeant is_meant) {
  std::vector<std::string> names;
  for (const Family& family : families())
    if (is_meant(family)) names.push_back(quoted(family.architecture));
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

Status read_size(const json& object, const std::string& path, const char* name, int& target) {
  const json value = object.is_object() ? object.value(name, json()) : json();
  if (!is_size(value) || value == 0) return bad_field(path + name, "a positive whole number", value);
  target = value.get<int>();
  return ok();
}

Status read_flag(const json& object, const std::string& path, const char* name, bool& target) {
  const json value = object.is_object() ? object.value(name, json()) : json();
  if (!value.is_boolean()) return bad_field(path + name, "true or false", value);
  target = value.get<bool>();
  return ok();
}

Status read_segmentation(const json& head, DyvmConfig& config) {
  SegmentationHead& segmentation = config.segmentation.emplace();
  for (const auto& [name, target] :
       {std::pair{"width", &segmentation.width}, std::pair{"slideStride", &segmentation.slide_stride}})
    if (const Status read = read_size(head, "head.", name, *target); !read) return read;
  if (segmentation.slide_stride > config.image_size)
    return bad_field("head.slideStride", "at most imageSize, so that windows cover the picture",
                     segmentation.slide_stride);
  const json kind = head.value("kind", json());
  if (kind == "convolutions") {
    segmentation.kind = SegmentationHead::Kind::convolutions;
    return ok();
  }
  if (!kind.is_null()) return bad_field("head.kind", "\"convolutions\", or not there for UperNet", kind);
  const json taps = head.value("taps", json()), scales = head.value("poolScales", json());
  if (!taps.is_array() || taps.size() != kUperNetTaps)
    return bad_field("head.taps", "the numbers of four blocks", taps);
  int before = -1;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    if (!is_size(taps[i]) || taps[i] >= config.depth || taps[i].get<int>() <= before)
      return bad_field("head.taps", "ascending and below depth", taps);
    segmentation.taps.push_back(before = taps[i].get<int>());
  }
  if (!scales.is_array() || scales.empty() || scales.size() > kMostPools)
    return bad_field("head.poolScales", "1 to " + std::to_string(kMostPools) + " numbers", scales);
  for (const json& scale : scales) {
    if (!is_size(scale) || scale == 0) return bad_field("head.poolScales", "positive whole numbers", scales);
    segmentation.pool_scales.push_back(scale.get<int>());
  }
  return ok();
}

Status read_one_stage(const json& head, DyvmConfig& config) {
  OneStageHead one_stage;
  const std::string path = "head.";
  for (const auto& [name, target] :
       {std::pair{"width", &one_stage.width}, std::pair{"layers", &one_stage.layers}})
    if (const Status read = read_size(head, path, name, *target); !read) return read;
  if (one_stage.layers > kMostTowerLayers)
    return bad_field("head.layers", "at most " + std::to_string(kMostTowerLayers), one_stage.layers);
  if (head.contains("prototypes")) {
    if (const Status read = read_size(head, path, "prototypes", one_stage.prototypes); !read) return read;
    if (one_stage.prototypes > kMostPrototypes)
      return bad_field("head.prototypes", "at most " + std::to_string(kMostPrototypes), one_stage.prototypes);
    if (one_stage.width % 2 != 0)
      return bad_field("head.width", "even in a model that draws masks", one_stage.width);
  }
  if (config.grid() < 2 || config.stride != config.patch_size || config.embed_dim % 2 != 0)
    return bad(
        "Manifest: expected at least 2 x 2 patches side by side and an even embedDim in a model with " +
        std::string("a one-stage head."));
  config.detection = one_stage;
  return ok();
}

Status read_detection(const json& head, DyvmConfig& config) {
  const json kind = head.value("kind", json());
  if (kind == "one-stage") return read_one_stage(head, config);
  if (!kind.is_null()) return bad_field("head.kind", "\"one-stage\" or not there", kind);
  MaskRcnnHead detection;
  for (const auto& [name, target] :
       {std::pair{"width", &detection.width}, std::pair{"boxWidth", &detection.box_width},
        std::pair{"stages", &detection.stages}})
    if (const Status read = read_size(head, "head.", name, *target); !read) return read;
  if (detection.stages != 1 && detection.stages != 3)
    return bad_field("head.stages", "1 or 3", detection.stages);
  if (const Status read = read_flag(head, "head.", "boxPerClass", detection.box_per_class); !read)
    return read;
  config.detection = detection;
  return ok();
}

// What segmentation and detection models have, into `config`, whose sizes are known.
Status read_dense(const json& manifest, bool segments, DyvmConfig& config) {
  for (const auto& [name, target] :
       {std::pair{"halveDirections", &config.halve_directions}, std::pair{"rotary", &config.rotary}})
    if (const Status read = read_flag(manifest, "", name, *target); !read) return read;
  if (config.rotary && config.embed_dim % 4 != 0)
    return bad_field("embedDim", "a multiple of 4 in a model whose tokens are rotated", config.embed_dim);
  const json head = manifest.value("head", json());
  if (!head.is_object()) return bad_field("head", "an object", head);
  return segments ? read_segmentation(head, config) : read_detection(head, config);
}

}  // namespace

Result<DyvmConfig> read_manifest(const std::string& text) {
  const json manifest = parse_json(text);
  if (!manifest.is_object())
    return bad("Expected a Winnow manifest in the package's metadata, but there is none.");
  const auto field = [&](const char* name) { return manifest.contains(name) ? manifest[name] : json(); };
  if (field("format") != 1)
    return bad("Manifest: expected format 1, but it is " + quoted(field("format")) + ".");
  const json task = field("task");
  if (task != "classification" && task != "segmentation" && task != "detection")
    return bad_field("task", "\"classification\", \"segmentation\" or \"detection\"", task);

  DyvmConfig config;
  const json architecture = field("architecture");
  config.family = architecture.is_string() ? find_family(architecture.get<std::string>()) : nullptr;
  const auto any = [](const Family&) { return true; };
  const auto backbone = [](const Family& family) { return family.is_backbone; };
  if (config.family == nullptr) return bad_field("architecture", names_of_families(any), architecture);
  if (task != "classification" && !config.family->is_backbone)
    return bad_field("architecture", names_of_families(backbone) + " in a model that draws maps or boxes",
                     architecture);
  config.halve_directions = config.family->halve_directions;

  const std::pair<const char*, int*> sizes[] = {
      {"imageSize", &config.image_size}, {"patchSize", &config.patch_size}, {"stride", &config.stride},
      {"embedDim", &config.embed_dim},   {"depth", &config.depth},          {"stateDim", &config.state_dim},
      {"convWidth", &config.conv_width}, {"dtRank", &config.dt_rank},       {"classes", &config.classes}};
  for (const auto& [name, target] : sizes)
    if (const Status read = read_size(manifest, "", name, *target); !read) return read.error();
  config.trained_size = config.image_size;
  if (config.patch_size > config.image_size)
    return bad("Manifest: expected patchSize to be at most imageSize, but it is " +
               std::to_string(config.patch_size) + ".");

  if (config.family->has_registers)
    if (const Status read = read_registers(manifest, config); !read) return read.error();
  if (task != "classification")
    if (const Status read = read_dense(manifest, task == "segmentation", config); !read) return read.error();
  if (const Status read = read_flag(manifest, "", "blockSelection", config.block_selection); !read)
    return read.error();

  const json layers = field("pruningLayers"), ratios = field("tokenKeep");
  if (!layers.is_array() || !ratios.is_array() || layers.size() != ratios.size())
    return bad("Manifest: expected pruningLayers and tokenKeep to be lists of the same length.");
  for (const json& layer : layers) {
    if (!is_size(layer) || layer >= config.depth ||
        (!config.pruning_layers.empty() && layer.get<int>() <= config.pruning_layers.back()))
      return bad("Manifest: expected ascending pruningLayers below depth, but one is " + quoted(layer) + ".");
    config.pruning_layers.push_back(layer.get<int>());
  }
  for (const json& ratio : ratios) {
    if (!ratio.is_number())
      return bad("Manifest: expected tokenKeep to hold numbers, but one is " + quoted(ratio) + ".");
    config.token_keep.push_back(ratio.get<double>());
  }
  if (const auto kept = kept_patches(config, config.token_keep); !kept)
    return bad("Manifest: " + kept.error().message);

  const json preprocessing = field("preprocessing");
  for (const auto& [name, target] : {std::pair{"mean", config.mean}, std::pair{"std", config.std}}) {
    const json values =
        preprocessing.is_object() && preprocessing.contains(name) ? preprocessing[name] : json();
    if (!values.is_array() || values.size() != 3 ||
        !std::all_of(values.begin(), values.end(), [](const json& v) { return v.is_number(); }))
      return bad(std::string("Manifest: expected preprocessing.") + name + " to be three numbers.");
    for (int c = 0; c < 3; ++c) target[c] = values[c].get<float>();
  }
  for (float deviation : config.std)
    if (!(deviation > 0.0f)) return bad("Manifest: expected preprocessing.std to be positive.");
  return config;
}

Result<DyvmConfig> with_input_size(const DyvmConfig& config, int size) {
  if (size == config.trained_size) return config;
  const auto wrong = [&](const std::string& expected) {
    return Error{ErrorCode::bad_argument,
                 "Expected " + expected + ", but the input size is " + std::to_string(size) + "."};
  };
  const std::string trained = std::to_string(config.trained_size) + " pixels as this model was trained";
  if (!config.dense()) return wrong(trained + ": only segmentation and detection models have others");
  if (config.trained_size % kInputStep != 0 || config.stride != config.patch_size) return wrong(trained);
  if (size < kInputStep || size > kLargestInput || size % kInputStep != 0)
    return wrong("a multiple of " + std::to_string(kInputStep) + " up to " + std::to_string(kLargestInput));
  DyvmConfig changed = config;
  changed.image_size = size;
  return changed;
}

Result<std::vector<int>> kept_patches(const DyvmConfig& config, const std::vector<double>& token_keep) {
  const auto wrong = [](std::string message) { return Error{ErrorCode::bad_argument, std::move(message)}; };
  if (token_keep.size() != config.pruning_layers.size())
    return wrong("Expected one token keep ratio for each of the " +
                 std::to_string(config.pruning_layers.size()) + " pruning stages, but there are " +
                 std::to_string(token_keep.size()) + ".");
  std::vector<int> kept;
  double before = 1.0;
  for (double ratio : token_keep) {
    if (!(ratio > 0.0 && ratio <= before))
      return wrong(
          "Expected token keep ratios above 0, at most 1 and none above the one before, but one is " +
          std::to_string(ratio) + ".");
    kept.push_back(std::max(1, static_cast<int>(ratio * config.patches())));
    before = ratio;
  }
  return kept;
}

}  // namespace winnow
