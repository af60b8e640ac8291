#include "model/dyvm_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace winnow {
namespace {

using nlohmann::json;

Error bad(std::string message) { return Error{ErrorCode::bad_model, std::move(message)}; }

constexpr int kLargest = 1 << 20;  // beyond any width, depth or side that fits in memory
constexpr int kMostRegisters = 1024;

bool is_size(const json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= kLargest;
}

// MambaReg's registers and its head, into `config`, whose sizes are known.
Status read_registers(const json& manifest, DyvmConfig& config) {
  const json registers = manifest.value("registers", json()),
             reduction = manifest.value("registerReduction", json());
  if (!is_size(registers) || registers == 0 || registers > kMostRegisters)
    return bad("Manifest: expected registers to be a whole number from 1 to " +
               std::to_string(kMostRegisters) + ", but it is " + registers.dump() + ".");
  if (!is_size(reduction) || reduction == 0 || config.embed_dim % reduction.get<int>() != 0)
    return bad("Manifest: expected registerReduction to divide embedDim " + std::to_string(config.embed_dim) +
               ", but it is " + reduction.dump() + ".");
  config.registers = registers.get<int>();
  config.register_reduction = reduction.get<int>();
  return ok();
}

}  // namespace

Result<DyvmConfig> read_manifest(const std::string& text) {
  const json manifest = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object())
    return bad("Expected a Winnow manifest in the package's metadata, but there is none.");
  const auto field = [&](const char* name) { return manifest.contains(name) ? manifest[name] : json(); };
  if (field("format") != 1)
    return bad("Manifest: expected format 1, but it is " + field("format").dump() + ".");
  if (field("task") != "classification")
    return bad("Manifest: expected task \"classification\", but it is " + field("task").dump() + ".");

  DyvmConfig config;
  const json architecture = field("architecture");
  if (architecture != "vim" && architecture != "videomamba" && architecture != "mambareg")
    return bad("Manifest: expected architecture \"vim\", \"videomamba\" or \"mambareg\", but it is " +
               architecture.dump() + ".");
  config.class_token_first = architecture == "videomamba";
  config.halve_directions = architecture != "videomamba";

  const std::pair<const char*, int*> sizes[] = {
      {"imageSize", &config.image_size}, {"patchSize", &config.patch_size}, {"stride", &config.stride},
      {"embedDim", &config.embed_dim},   {"depth", &config.depth},          {"stateDim", &config.state_dim},
      {"convWidth", &config.conv_width}, {"dtRank", &config.dt_rank},       {"classes", &config.classes}};
  for (const auto& [name, target] : sizes) {
    const json value = field(name);
    if (!is_size(value) || value == 0)
      return bad(std::string("Manifest: expected ") + name + " to be a positive whole number, but it is " +
                 value.dump() + ".");
    *target = value.get<int>();
  }
  if (config.patch_size > config.image_size)
    return bad("Manifest: expected patchSize to be at most imageSize, but it is " +
               std::to_string(config.patch_size) + ".");

  if (architecture == "mambareg")
    if (const Status read = read_registers(manifest, config); !read) return read.error();

  const json selection = field("blockSelection");
  if (!selection.is_boolean()) return bad("Manifest: expected blockSelection to be true or false.");
  config.block_selection = selection.get<bool>();

  const json layers = field("pruningLayers"), ratios = field("tokenKeep");
  if (!layers.is_array() || !ratios.is_array() || layers.size() != ratios.size())
    return bad("Manifest: expected pruningLayers and tokenKeep to be lists of the same length.");
  for (const json& layer : layers) {
    if (!is_size(layer) || layer >= config.depth ||
        (!config.pruning_layers.empty() && layer.get<int>() <= config.pruning_layers.back()))
      return bad("Manifest: expected ascending pruningLayers below depth, but one is " + layer.dump() + ".");
    config.pruning_layers.push_back(layer.get<int>());
  }
  for (const json& ratio : ratios) {
    if (!ratio.is_number())
      return bad("Manifest: expected tokenKeep to hold numbers, but one is " + ratio.dump() + ".");
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
