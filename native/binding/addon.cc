// JavaScript values <-> C++ values, nothing else. The face is typed in electron/engine/addon.ts.
#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "image/resize_crop.h"

namespace winnow {
namespace {

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_argument:
      return "BAD_ARGUMENT";
    case ErrorCode::bad_model:
      return "BAD_MODEL";
    case ErrorCode::cancelled:
      return "CANCELLED";
    case ErrorCode::engine:
      break;
  }
  return "ENGINE";
}

Napi::Error to_javascript(Napi::Env env, const Error& error) {
  Napi::Error value = Napi::Error::New(env, error.message);
  value.Set("code", code_name(error.code));
  return value;
}

[[noreturn]] void refuse(Napi::Env env, const std::string& message) {
  throw to_javascript(env, Error{ErrorCode::bad_argument, message});
}

// Runs `work` on a worker thread, then `finish` on JavaScript's to settle the promise. Values in `alive` are
// kept from the garbage collector until then.
class Task : public Napi::AsyncWorker {
 public:
  using Work = std::function<Status()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise start(
      Napi::Env env, std::vector<Napi::Object> alive, Work work, Finish finish,
      std::function<void()> always = [] {}) {
    auto* task = new Task(env, std::move(work), std::move(finish), std::move(always));
    for (Napi::Object& value : alive) task->alive_.push_back(Napi::Persistent(value));
    task->Queue();
    return task->deferred_.Promise();
  }

  void Execute() override { status_ = work_(); }
  void OnOK() override {
    Napi::HandleScope scope(Env());
    always_();
    if (!status_) return deferred_.Reject(to_javascript(Env(), status_.error()).Value());
    deferred_.Resolve(finish_(Env()));
  }
  void OnError(const Napi::Error& error) override {
    always_();
    deferred_.Reject(error.Value());
  }

 private:
  Task(Napi::Env env, Work work, Finish finish, std::function<void()> always)
      : Napi::AsyncWorker(env),
        deferred_(env),
        work_(std::move(work)),
        finish_(std::move(finish)),
        always_(std::move(always)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  std::function<void()> always_;
  Status status_ = ok();
  std::vector<Napi::ObjectReference> alive_;
};

int whole_number(const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  if (!(number >= 0.0 && number <= 1e9 && number == static_cast<int>(number)))
    refuse(value.Env(), std::string("Expected ") + name + " to be a whole number of 0 or more.");
  return static_cast<int>(number);
}

// A view of at least `least` bytes that JavaScript holds; no copy.
Napi::Uint8Array bytes(const Napi::Value& value, std::size_t least, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array ||
      value.As<Napi::Uint8Array>().ElementLength() < least)
    refuse(value.Env(), std::string("Expected ") + name + " to hold " + std::to_string(least) + " bytes.");
  return value.As<Napi::Uint8Array>();
}

Napi::Object object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value.Env(), std::string("Expected ") + name + " to be an object.");
  return value.As<Napi::Object>();
}

PictureSize picture_size(const Napi::Value& value, const char* name) {
  const Napi::Object size = object(value, name);
  return {whole_number(size.Get("width"), "width"), whole_number(size.Get("height"), "height")};
}

// RGB bytes of a picture that JavaScript holds; no copy.
Napi::Uint8Array picture(const Napi::Value& value, PictureSize size, const char* name) {
  return bytes(value, 3ull * size.width * size.height, name);
}

template <typename Array, typename T>
Array to_array(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

class Model : public Napi::ObjectWrap<Model> {
 public:
  explicit Model(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Model>(info) {}

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Model",
        {InstanceMethod<&Model::predict>("predict"), InstanceMethod<&Model::segment>("segment"),
         InstanceMethod<&Model::detect>("detect"), InstanceMethod<&Model::cancel>("cancel")});
  }

  void own(std::unique_ptr<Engine> engine) { engine_ = std::move(engine); }

 private:
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

  static Napi::Object masked(Napi::Env env, int class_index, const Mask& mask) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("classIndex", class_index);
    object.Set("area", static_cast<double>(mask.area));
    object.Set("counts", mask.counts);
    return object;
  }

  Napi::Value regions(Napi::Env env) {
    Napi::Object result = receipt(env, segmentation_);
    Napi::Array list = Napi::Array::New(env, segmentation_.regions.size());
    for (std::size_t i = 0; i < segmentation_.regions.size(); ++i) {
      Napi::HandleScope scope(env);
      const Region& region = segmentation_.regions[i];
      list.Set(static_cast<std::uint32_t>(i), masked(env, region.class_index, region.mask));
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
      Napi::Object entry = masked(env, detection.class_index, detection.mask);
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

  void cancel(const Napi::CallbackInfo&) { cancelled_ = true; }

  std::unique_ptr<Engine> engine_;
  Outputs outputs_;
  Segmentation segmentation_;
  Detections detections_;
  bool busy_ = false;
  std::atomic<bool> cancelled_ = false;
};

struct AddonData {
  Napi::FunctionReference model;
};

Napi::Value devices(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  for (const DeviceInfo& device : list_devices()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", device.name);
    entry.Set("description", device.description);
    entry.Set("available", device.reason.empty());
    entry.Set("reason", device.reason.empty() ? env.Undefined() : Napi::String::New(env, device.reason));
    Napi::Array precisions = Napi::Array::New(env);
    for (Precision precision : device.precisions)
      precisions.Set(precisions.Length(), precision_name(precision));
    entry.Set("precisions", precisions);
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Value load_model(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = object(info[1], "options");
  if (!info[0].IsString() || !options.Get("device").IsString())
    refuse(env, "Expected the path of a model package and a device by name.");
  const auto precision = precision_of(options.Get("precision").ToString().Utf8Value());
  if (!precision) throw to_javascript(env, precision.error());
  auto loaded = std::make_shared<std::unique_ptr<Engine>>();
  const Napi::Value input_size = options.Get("inputSize");
  const auto work = [loaded, path = info[0].As<Napi::String>().Utf8Value(),
                     device = options.Get("device").As<Napi::String>().Utf8Value(),
                     threads = whole_number(options.Get("threads"), "threads"), precision = *precision,
                     size =
                         input_size.IsUndefined() ? 0 : whole_number(input_size, "inputSize")]() -> Status {
    auto engine = Engine::load(path, device, threads, precision, size);
    if (!engine) return engine.error();
    *loaded = std::move(*engine);
    return ok();
  };
  const auto finish = [loaded](Napi::Env env) -> Napi::Value {
    const Napi::Object model = env.GetInstanceData<AddonData>()->model.New({});
    Model::Unwrap(model)->own(std::move(*loaded));
    return model;
  };
  return Task::start(env, {}, work, finish);
}

Napi::Value resize_and_crop_task(const Napi::CallbackInfo& info) {
  const int width = whole_number(info[1], "width"), height = whole_number(info[2], "height");
  const Napi::Object shape = object(info[3], "shape");
  const int resize = whole_number(shape.Get("resize"), "resize"),
            crop = whole_number(shape.Get("crop"), "crop");
  const std::size_t offset = whole_number(info[5], "offset");
  const Napi::Uint8Array source = bytes(info[0], 3ull * width * height, "source");
  Napi::Uint8Array target = bytes(info[4], offset + 3ull * crop * crop, "target");
  return Task::start(
      info.Env(), {source, target},
      [=, from = source.Data(), to = target.Data() + offset] {
        return resize_and_crop(from, width, height, resize, crop, to);
      },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value resize_task(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PictureSize size = picture_size(info[1], "size"), target_size = picture_size(info[3], "targetSize");
  const Napi::Uint8Array source = picture(info[0], size, "source");
  Napi::Uint8Array target = picture(info[2], target_size, "target");
  const std::string filter = info[4].ToString().Utf8Value();
  if (filter != "smooth" && filter != "sampled")
    refuse(env, "Expected a filter of smooth or sampled, but it is " + filter + ".");
  return Task::start(
      env, {source, target},
      [=, from = source.Data(), to = target.Data(),
       kind = filter == "smooth" ? ResizeFilter::smooth : ResizeFilter::sampled] {
        return resize(from, size.width, size.height, target_size.width, target_size.height, kind, to);
      },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  data->model = Napi::Persistent(Model::define(env));
  env.SetInstanceData(data);
  exports.Set("devices", Napi::Function::New<devices>(env, "devices"));
  exports.Set("loadModel", Napi::Function::New<load_model>(env, "loadModel"));
  exports.Set("resizeAndCrop", Napi::Function::New<resize_and_crop_task>(env, "resizeAndCrop"));
  exports.Set("resize", Napi::Function::New<resize_task>(env, "resize"));
  return exports;
}

}  // namespace
}  // namespace winnow

static Napi::Object initialise_addon(Napi::Env env, Napi::Object exports) {
  return winnow::initialise(env, exports);
}
NODE_API_MODULE(winnow, initialise_addon)
