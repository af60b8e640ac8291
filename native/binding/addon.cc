// The addon's functions that need no object, and its face as a whole.
#include "binding/binding.h"
#include "binding/values.h"
#include "engine/engine.h"
#include "engine/gpu_devices.h"
#include "image/resize_crop.h"

namespace winnow {
namespace {

Napi::Object gpu_facts(Napi::Env env, const GpuFacts& facts) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", facts.id);
  object.Set("backend", facts.backend);
  object.Set("driver", facts.driver);
  object.Set("products", facts.products);
  object.Set("memoryBytes", static_cast<double>(facts.memory_bytes));
  object.Set("freeBytes", static_cast<double>(facts.free_bytes));
  return object;
}

// devices(withGpus)
Napi::Value devices(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  std::vector<DeviceInfo> found;
  if (info[0].ToBoolean()) found = list_gpus();
  for (DeviceInfo& device : list_devices()) found.push_back(std::move(device));
  for (const DeviceInfo& device : found) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", device.name);
    entry.Set("description", device.description);
    entry.Set("available", device.reason.empty());
    entry.Set("reason", device.reason.empty() ? env.Undefined() : Napi::String::New(env, device.reason));
    Napi::Array precisions = Napi::Array::New(env);
    for (Precision precision : device.precisions)
      precisions.Set(precisions.Length(), precision_name(precision));
    entry.Set("precisions", precisions);
    if (device.gpu) entry.Set("gpu", gpu_facts(env, *device.gpu));
    list.Set(list.Length(), entry);
  }
  return list;
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
  data->model = Napi::Persistent(define_model(env));
  data->trainer = Napi::Persistent(define_trainer(env));
  env.SetInstanceData(data);
  Napi::Array codes = Napi::Array::New(env);
  for (const char* name : kErrorNames) codes.Set(codes.Length(), name);
  exports.Set("errorCodes", codes);
  exports.Set("devices", Napi::Function::New<devices>(env, "devices"));
  exports.Set("loadModel", Napi::Function::New<load_model>(env, "loadModel"));
  exports.Set("createTrainer", Napi::Function::New<create_trainer>(env, "createTrainer"));
  exports.Set("solveHead", Napi::Function::New<solve_head>(env, "solveHead"));
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
