#include "train/session/training_settings.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "model/bounded_json.h"
#include "model/quoted_json.h"

namespace winnow::train {
namespace {

using nlohmann::json;

constexpr double kAnything = std::numeric_limits<double>::max();
constexpr int kMostOperations = 15;  // of RandAugment: as many as there are

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

// Fields of an object; keeps the first failure. `parent` is an object, too.
class Fields {
 public:
  Fields(const json& parent, const std::string& path, const char* name, Status& status)
      : path_(path.empty() ? name : path + "." + name), status_(status) {
    const json value = parent.value(name, json());
    if (value.is_object())
      object_ = value;
    else
      fail(path_, "an object", value);
  }

  double number(const char* name, double least, double most) {
    const json value = object_.value(name, json());
    const bool good = value.is_number() && value.get<double>() >= least && value.get<double>() <= most;
    if (good) return value.get<double>();
    fail(path_ + "." + name,
         most == kAnything ? "a number of " + text(least) + " or more"
                           : "a number from " + text(least) + " to " + text(most),
         value);
    return least;
  }
  int whole(const char* name, int most) {
    const json value = object_.value(name, json());
    if (value.is_number() && value.get<double>() >= 0.0 && value.get<double>() <= most &&
        value.get<double>() == static_cast<int>(value.get<double>()))
      return static_cast<int>(value.get<double>());
    fail(path_ + "." + name, "a whole number from 0 to " + std::to_string(most), value);
    return 0;
  }
  bool flag(const char* name, const json& otherwise = json()) {
    const json value = object_.value(name, otherwise);
    if (!value.is_boolean()) fail(path_ + "." + name, "true or false", value);
    return value.is_boolean() && value.get<bool>();
  }
  std::vector<double> numbers(const char* name) {
    const json value = object_.value(name, json());
    std::vector<double> out;
    for (const json& entry : value.is_array() ? value : json::array())
      if (entry.is_number()) out.push_back(entry.get<double>());
    if (!value.is_array() || out.size() != value.size()) fail(path_ + "." + name, "a list of numbers", value);
    return out;
  }
  json field(const char* name) const { return object_.value(name, json()); }
  Fields object(const char* name) const { return {object_, path_, name, status_}; }
  void fail(const std::string& name, const std::string& expected, const json& value) {
    if (status_)
      status_ =
          bad_argument("Expected " + name + " to be " + expected + ", but it is " + quoted(value) + ".");
  }

 private:
  static std::string text(double value) { return json(value).dump(); }

  std::string path_;
  json object_ = json::object();
  Status& status_;
};

LossSettings read_losses(Fields fields) {
  LossSettings losses;
  losses.classification = fields.number("classification", 0.0, kAnything);
  losses.token_ratio = fields.number("tokenRatio", 0.0, kAnything);
  losses.block_ratio = fields.number("blockRatio", 0.0, kAnything);
  losses.distill_class = fields.number("distillClass", 0.0, kAnything);
  losses.distill_token = fields.number("distillToken", 0.0, kAnything);
  losses.token_keep = fields.numbers("tokenKeep");
  losses.block_keep = fields.number("blockKeep", 0.0, 1.0);
  return losses;
}

OptimiserSettings read_optimiser(Fields fields) {
  OptimiserSettings optimiser;
  optimiser.weight_decay = fields.number("weightDecay", 0.0, kAnything);
  optimiser.largest_norm = fields.number("largestNorm", 0.0, kAnything);
  optimiser.average_decay = fields.number("averageDecay", 0.0, 1.0);
  optimiser.freezes_backbone = fields.flag("freezesBackbone", false);
  return optimiser;
}

Augmentation read_augmentation(Fields fields, int side) {
  Augmentation augmentation;
  Fields crop = fields.object("crop"), rand_augment = fields.object("randAugment");
  const json kind = crop.field("kind");
  if (kind == "resized") {
    augmentation.crop = Augmentation::Crop::resized;
    augmentation.least_area = crop.number("leastArea", 0.0, 1.0);
  } else if (kind == "shifted") {
    augmentation.crop = Augmentation::Crop::shifted;
    augmentation.shift = crop.whole("pixels", side);
  } else if (kind == "window") {
    augmentation.crop = Augmentation::Crop::window;
    augmentation.least_scale = crop.number("leastScale", 0.1, 1.0);
    augmentation.largest_scale = crop.number("largestScale", 1.0, 10.0);
  } else if (kind != "centre") {
    crop.fail("augmentation.crop.kind", "\"resized\", \"shifted\", \"window\" or \"centre\"", kind);
  }
  augmentation.flip = fields.flag("flip");
  augmentation.colour_jitter = fields.number("colourJitter", 0.0, 1.0);
  augmentation.operations = rand_augment.whole("operations", kMostOperations);
  augmentation.magnitude = rand_augment.number("magnitude", 0.0, 10.0);
  augmentation.erasing = fields.number("erasing", 0.0, 1.0);
  augmentation.mixup = fields.number("mixup", 0.0, kAnything);
  augmentation.cut_mix = fields.number("cutMix", 0.0, kAnything);
  augmentation.smoothing = fields.number("smoothing", 0.0, 1.0);
  return augmentation;
}

Result<Preprocessing> read_preprocessing(const json& manifest, const DyvmConfig& config) {
  Status status = ok();
  Fields fields(manifest, "manifest", "preprocessing", status);
  const Preprocessing preprocessing{fields.whole("resize", 1 << 16), fields.whole("crop", 1 << 16)};
  if (!status) return status.error();
  if (preprocessing.crop != config.image_size || preprocessing.resize < preprocessing.crop)
    return bad_argument("Expected manifest.preprocessing.crop to be imageSize " +
                        std::to_string(config.image_size) + " and resize no less, but they are " +
                        std::to_string(preprocessing.crop) + " and " + std::to_string(preprocessing.resize) +
                        ".");
  return preprocessing;
}

}  // namespace

Result<TrainingSettings> read_training_settings(const std::string& text) {
  const json settings = parse_json(text);
  if (!settings.is_object())
    return bad_argument("Expected a training's settings to be a JSON object, but they are none.");
  json manifest = settings.value("manifest", json());
  if (manifest.is_string()) manifest = parse_json(manifest.get<std::string>());
  const auto config = read_manifest(manifest.is_object() ? manifest.dump() : std::string());
  if (!config) return config.error();
  TrainingSettings read{*config, {}, {}, {}};
  if (!config->dense()) {
    const auto preprocessing = read_preprocessing(manifest, *config);
    if (!preprocessing) return preprocessing.error();
    read.preprocessing = *preprocessing;
  }
  Status status = ok();
  read.trainer.losses = read_losses({settings, "", "losses", status});
  read.trainer.optimiser = read_optimiser({settings, "", "optimiser", status});
  read.augmentation = read_augmentation({settings, "", "augmentation", status}, config->image_size);
  if (!status) return status.error();
  if (read.trainer.optimiser.freezes_backbone && !config->dense())
    return bad_argument(
        "Expected optimiser.freezesBackbone to be false for a classifier, whose head alone is solved at "
        "once.");
  if (config->dense() != (read.augmentation.crop == Augmentation::Crop::window))
    return bad_argument(
        "Expected augmentation.crop.kind to be \"window\" for segmentation and detection models, and for no "
        "others.");
  if (const auto kept = kept_patches(*config, read.trainer.losses.token_keep); !kept)
    return bad_argument("losses.tokenKeep: " + kept.error().message);
  return read;
}

}  // namespace winnow::train
