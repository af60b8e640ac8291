// A loaded model, as NativeModel of electron/engine/addon.ts.
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "binding/binding.h"
#include "binding/values.h"
#include "engine/engine.h"

namespace winnow {
namespace {

class Model : public Napi::ObjectWrap<Model> {
 public:
  explicit Model(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Model>(info) {}
  ~Model() { count_memory(-bytes_); }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Model",
                       {InstanceMethod<&Model::predict>("predict"), InstanceMethod<&Model::attend>("attend"),
                        InstanceMethod<&Model::segment>("segment"), InstanceMethod<&Model::detect>("detect"),
                        InstanceMethod<&Model::cancel>("cancel")});
  }

  // `bytes`: of its package, about what the model takes. JavaScript hears of them, else it would see no
  // reason to collect models, each with its threads and its memory on a device, that nobody holds any more.
  void own(std::unique_ptr<Engine> engine, std::int64_t bytes) {
    engine_ = std::move(engine);
    bytes_ = bytes;
    count_memory(bytes_);
  }

 private:
  void count_memory(std::int64_t bytes) const {
    if (bytes != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), bytes);
  }

  Napi::Value predict(const Napi::CallbackInfo& info) {
    refuse_while_busy(info.Env());
    const int count = whole_number(info[1], "count");
    const std::size_t side = engine_->config().image_size;
    const Napi::Uint8Array pixels = bytes(info[0], count * side * side * 3, "pixels");
    const DynamicOptions dynamic = dial(object(info[2], "options"));
    return start(
        info, pixels,
        [this, data = pixels.Data(), count, dynamic] {
          return engine_->predict(data, count, dynamic, outputs_);
        },
        &Model::batch);
  }

  Napi::Value attend(const Napi::CallbackInfo& info) {
    refuse_while_busy(info.Env());
    const int layer = whole_number(info[1], "layer");
    const std::size_t side = engine_->config().image_size;
    const Napi::Uint8Array pixels = bytes(info[0], side * side * 3, "pixels");
    return start(
        info, pixels,
        [this, data = pixels.Data(), layer, dynamic = dial(object(info[2], "options"))] {
          return engine_->attend(data, layer, dynamic, attention_);
        },
        &Model::attended);
  }

  Napi::Value segment(const Napi::CallbackInfo& info) {
    refuse_while_busy(info.Env());
    const PictureSize size = picture_size(info[1], "size");
    const Napi::Uint8Array pixels = picture(info[0], size, "pixels");
    const Napi::Object given = object(info[2], "options");
    SegmentationOptions options;
    options.slide_stride = whole_number(given.Get("slideStride"), "slideStride");
    options.target = picture_size(given.Get("target"), "target");
    return start(
        info, pixels,
        [this, data = pixels.Data(), size, dynamic = dial(given), options] {
          return engine_->segment(data, size, dynamic, options, segmentation_);
        },
        &Model::regions);
  }

  Napi::Value detect(const Napi::CallbackInfo& info) {
    refuse_while_busy(info.Env());
    const PictureSize size = picture_size(info[1], "size");
    const Napi::Uint8Array pixels = picture(info[0], size, "pixels");
    const Napi::Object given = object(info[2], "options");
    DetectionOptions options;
    options.min_score = given.Get("minScore").ToNumber().FloatValue();
    options.nms_iou = given.Get("nmsIou").ToNumber().FloatValue();
    options.max_detections = whole_number(given.Get("maxDetections"), "maxDetections");
    options.target = picture_size(given.Get("target"), "target");
    return start(
        info, pixels,
        [this, data = pixels.Data(), size, dynamic = dial(given), options] {
          return engine_->detect(data, size, dynamic, options, detections_);
        },
        &Model::found);
  }

  void refuse_while_busy(Napi::Env env) const {
    if (busy_) refuse(env, "Expected one prediction at a time, but the last one is still running.");
  }

  DynamicOptions dial(const Napi::Object& options) {
    DynamicOptions dynamic;
    const Napi::Value ratios = options.Get("tokenKeep");
    if (!ratios.IsArray()) refuse(options.Env(), "Expected tokenKeep to be a list of numbers.");
    for (std::uint32_t i = 0; i < ratios.As<Napi::Array>().Length(); ++i)
      dynamic.token_keep.push_back(ratios.As<Napi::Array>().Get(i).ToNumber().DoubleValue());
    dynamic.block_threshold = options.Get("blockThreshold").ToNumber().FloatValue();
    dynamic.cancel = &cancelled_;
    return dynamic;
  }

  // Runs `work`, which reads `pixels`; then `result` makes the promise's value.
  Napi::Promise start(const Napi::CallbackInfo& info, const Napi::Uint8Array& pixels, Task::Work work,
                      Napi::Value (Model::*result)(Napi::Env)) {
    busy_ = true;
    cancelled_ = false;
    return Task::start(
        info.Env(), {Value(), pixels}, std::move(work),
        [this, result](Napi::Env env) { return (this->*result)(env); }, [this] { busy_ = false; });
  }

  // What every kind of result says about what it took.
  template <typename Result>
  static Napi::Object receipt(Napi::Env env, const Result& result) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("directions", to_array<Napi::Uint8Array>(env, result.directions));
    object.Set("survived", to_array<Napi::Uint8Array>(env, result.survived));
    object.Set("milliseconds", result.milliseconds);
    return object;
  }

  static Napi::Object of_class(Napi::Env env, int class_index, const Mask* mask) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("classIndex", class_index);
    if (mask == nullptr) return object;
    object.Set("area", static_cast<double>(mask->area));
    object.Set("counts", mask->counts);
    return object;
  }

  Napi::Value regions(Napi::Env env) {
    Napi::Object result = receipt(env, segmentation_);
    Napi::Array list = Napi::Array::New(env, segmentation_.regions.size());
    for (std::size_t i = 0; i < segmentation_.regions.size(); ++i) {
      Napi::HandleScope scope(env);
      const Region& region = segmentation_.regions[i];
      list.Set(static_cast<std::uint32_t>(i), of_class(env, region.class_index, &region.mask));
    }
    result.Set("regions", list);
    return result;
  }

  Napi::Value found(Napi::Env env) {
    Napi::Object result = receipt(env, detections_);
    Napi::Array list = Napi::Array::New(env, detections_.found.size());
    for (std::size_t i = 0; i < detections_.found.size(); ++i) {
      Napi::HandleScope scope(env);
      const Detection& detection = detections_.found[i];
      Napi::Object entry = of_class(env, detection.class_index, detection.mask ? &*detection.mask : nullptr);
      entry.Set("score", detection.score);
      entry.Set("box",
                to_array<Napi::Float32Array>(env, std::vector<float>{detection.box.x0, detection.box.y0,
                                                                     detection.box.x1, detection.box.y1}));
      list.Set(static_cast<std::uint32_t>(i), entry);
    }
    result.Set("detections", list);
    return result;
  }

  Napi::Value batch(Napi::Env env) {
    Napi::Object result = receipt(env, outputs_);
    result.Set("logits", to_array<Napi::Float32Array>(env, outputs_.logits));
    return result;
  }

  Napi::Value attended(Napi::Env env) {
    Napi::Object result = receipt(env, attention_.outputs);
    result.Set("attention", to_array<Napi::Float32Array>(env, attention_.patches));
    result.Set("stages", attention_.stages);
    return result;
  }

  void cancel(const Napi::CallbackInfo&) { cancelled_ = true; }

  std::unique_ptr<Engine> engine_;
  std::int64_t bytes_ = 0;
  Outputs outputs_;
  Attention attention_;
  Segmentation segmentation_;
  Detections detections_;
  bool busy_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

Napi::Function define_model(Napi::Env env) { return Model::define(env); }

Napi::Value load_model(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = object(info[1], "options");
  if (!info[0].IsString() || !options.Get("device").IsString())
    refuse(env, "Expected the path of a model package and a device by name.");
  const auto precision = precision_of(options.Get("precision").ToString().Utf8Value());
  if (!precision) throw to_javascript(env, precision.error());
  struct Loaded {
    std::unique_ptr<Engine> engine;
    std::int64_t bytes = 0;
  };
  const auto loaded = std::make_shared<Loaded>();
  const Napi::Value input_size = options.Get("inputSize");
  const auto work = [loaded, path = info[0].As<Napi::String>().Utf8Value(),
                     device = options.Get("device").As<Napi::String>().Utf8Value(),
                     threads = whole_number(options.Get("threads"), "threads"), precision = *precision,
                     size = input_size.IsUndefined() ? 0 : whole_number(input_size, "inputSize"),
                     features = options.Get("features").ToBoolean().Value()]() -> Status {
    auto engine = Engine::load(path, device, threads, precision, size, features);
    if (!engine) return engine.error();
    loaded->engine = std::move(*engine);
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(path, unknown);
    if (!unknown) loaded->bytes = static_cast<std::int64_t>(bytes);
    return ok();
  };
  const auto finish = [loaded](Napi::Env env) -> Napi::Value {
    const Napi::Object model = env.GetInstanceData<AddonData>()->model.New({});
    Model::Unwrap(model)->own(std::move(loaded->engine), loaded->bytes);
    return model;
  };
  return Task::start(env, {}, work, finish);
}

}  // namespace winnow
