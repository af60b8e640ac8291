// A training under way, as NativeTrainer of electron/engine/addon.ts, and the solution of a head.
#include <memory>

#include "binding/binding.h"
#include "binding/values.h"
#include "train/session/session.h"
#include "train/trainer/few_shot.h"
#include "train/trainer/losses.h"

namespace winnow {
namespace {

using train::Session;
using train::SessionSetup;
using train::StepResult;
using train::TrainingExample;
using train::TrainingPicture;

// Numbers that JavaScript holds; no copy.
template <typename Array>
Array numbers(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    refuse(value.Env(), std::string("Expected ") + name + " to be an array of numbers of its kind.");
  return value.As<Array>();
}

std::uint64_t seed_of(const Napi::Object& options) {
  const double seed = number(options.Get("seed"), "seed");
  if (!(seed >= 0.0 && seed <= 9007199254740991.0 &&
        seed == static_cast<double>(static_cast<std::uint64_t>(seed))))
    refuse(options.Env(), "Expected a seed to be a whole number of 0 or more.");
  return static_cast<std::uint64_t>(seed);
}

// An object that is marked in a picture, as NativeMarkedObject.
train::MarkedObject marked_object(const Napi::Value& value) {
  const Napi::Object given = object(value, "a marked object");
  train::MarkedObject marked;
  marked.label = whole_number(given.Get("label"), "a label");
  marked.counts = optional_text(given.Get("counts"), "counts");
  if (given.Get("box").IsUndefined()) return marked;
  const auto box = object(given.Get("box"), "a box");
  const auto edge = [&](const char* name) { return static_cast<float>(number(box.Get(name), name)); };
  marked.box = {edge("left"), edge("top"), edge("right"), edge("bottom")};
  return marked;
}

// As NativeExample.
TrainingExample example_of(const Napi::Object& entry, const TrainingPicture& picture) {
  TrainingExample example{picture, 0, 0, 0, {}};
  if (entry.Get("marked").IsUndefined()) {
    example.label = whole_number(entry.Get("label"), "a label");
    return example;
  }
  const Napi::Object marked = object(entry.Get("marked"), "what is marked");
  const PictureSize size = picture_size(marked, "what is marked");
  example.width = size.width;
  example.height = size.height;
  if (!marked.Get("objects").IsArray()) refuse(entry.Env(), "Expected the marked objects to be a list.");
  const auto objects = marked.Get("objects").As<Napi::Array>();
  for (std::uint32_t i = 0; i < objects.Length(); ++i)
    example.objects.push_back(marked_object(objects.Get(i)));
  return example;
}

class Trainer : public Napi::ObjectWrap<Trainer> {
 public:
  explicit Trainer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Trainer>(info) {}

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Trainer",
        {InstanceMethod<&Trainer::step>("step"), InstanceMethod<&Trainer::save_state>("saveState"),
         InstanceMethod<&Trainer::save_weights>("saveWeights")});
  }

  void own(std::unique_ptr<Session> session) { session_ = std::move(session); }

 private:
  Napi::Value step(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!info[0].IsArray()) refuse(env, "Expected the pictures of a step to be a list.");
    const auto list = info[0].As<Napi::Array>();
    std::vector<Napi::Object> alive{Value()};
    std::vector<TrainingExample> examples;
    for (std::uint32_t i = 0; i < list.Length(); ++i) {
      const Napi::Object entry = object(list.Get(i), "a picture");
      const PictureSize size = picture_size(entry, "a picture");
      const Napi::Uint8Array pixels = picture(entry.Get("pixels"), size, "pixels");
      examples.push_back(example_of(entry, {pixels.Data(), size.width, size.height}));
      alive.push_back(pixels);
    }
    const Napi::Object options = object(info[1], "options");
    const double rate = number(options.Get("learningRate"), "learningRate");
    return start(
        env, std::move(alive),
        [this, examples, rate, seed = seed_of(options)]() -> Status {
          auto result = session_->step(examples, rate, seed);
          if (!result) return result.error();
          result_ = *result;
          return ok();
        },
        [this](Napi::Env env) { return report(env); });
  }

  Napi::Value save_state(const Napi::CallbackInfo& info) {
    return start(
        info.Env(), {Value()}, [this, path = text(info[0], "a path")] { return session_->save_state(path); },
        nothing);
  }

  Napi::Value save_weights(const Napi::CallbackInfo& info) {
    return start(
        info.Env(), {Value()},
        [this, path = text(info[0], "a path"), averaged = info[1].ToBoolean().Value()] {
          return session_->save_weights(path, averaged);
        },
        nothing);
  }

  Napi::Promise start(Napi::Env env, std::vector<Napi::Object> alive, Task::Work work, Task::Finish finish) {
    if (busy_) refuse(env, "Expected one call of a training at a time, but the last one is still running.");
    busy_ = true;
    return Task::start(env, std::move(alive), std::move(work), std::move(finish), [this] { busy_ = false; });
  }

  static Napi::Value nothing(Napi::Env env) { return env.Undefined(); }

  Napi::Value report(Napi::Env env) const {
    const train::Losses& parts = result_.losses;
    Napi::Object losses = Napi::Object::New(env);
    losses.Set("total", parts.total);
    losses.Set("classification", parts.classification);
    losses.Set("tokenRatio", parts.token_ratio);
    losses.Set("blockRatio", parts.block_ratio);
    losses.Set("distillClass", parts.distill_class);
    losses.Set("distillToken", parts.distill_token);
    losses.Set("boxes", parts.boxes);
    losses.Set("quality", parts.quality);
    losses.Set("masks", parts.masks);
    Napi::Object result = Napi::Object::New(env);
    result.Set("losses", losses);
    result.Set("gradientNorm", result_.gradient_norm);
    result.Set("accuracy", result_.accuracy);
    result.Set("tokensKept", result_.tokens_kept);
    result.Set("directionsKept", result_.directions_kept);
    return result;
  }

  std::unique_ptr<Session> session_;
  StepResult result_;
  bool busy_ = false;
};

}  // namespace

Napi::Function define_trainer(Napi::Env env) { return Trainer::define(env); }

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  const Napi::Object options = object(info[0], "options");
  SessionSetup setup;
  setup.settings = text(options.Get("settings"), "settings");
  setup.parent = optional_text(options.Get("parent"), "parent");
  setup.teacher = optional_text(options.Get("teacher"), "teacher");
  setup.state = optional_text(options.Get("state"), "state");
  setup.seed = seed_of(options);
  setup.device = text(options.Get("device"), "device");
  setup.threads = whole_number(options.Get("threads"), "threads");
  auto opened = std::make_shared<std::unique_ptr<Session>>();
  return Task::start(
      info.Env(), {},
      [opened, setup]() -> Status {
        auto session = Session::open(setup);
        if (!session) return session.error();
        *opened = std::move(*session);
        return ok();
      },
      [opened](Napi::Env env) -> Napi::Value {
        const Napi::Object trainer = env.GetInstanceData<AddonData>()->trainer.New({});
        Trainer::Unwrap(trainer)->own(std::move(*opened));
        return trainer;
      });
}

namespace {

const char* name_of(train::HeadKind kind) {
  switch (kind) {
    case train::HeadKind::logistic:
      return "logistic";
    case train::HeadKind::class_mean:
      return "class-mean";
    case train::HeadKind::cosine:
      return "cosine";
  }
  return "";
}

// As HeadChoice of electron/shared/training.ts.
Napi::Value choice_value(Napi::Env env, const train::ChosenHead& chosen) {
  Napi::Object choice = Napi::Object::New(env);
  choice.Set("kind", name_of(chosen.kind));
  choice.Set("folds", chosen.folds);
  Napi::Array trials = Napi::Array::New(env);
  for (const auto& [kind, accuracy, loss] : chosen.trials) {
    Napi::Object trial = Napi::Object::New(env);
    trial.Set("kind", name_of(kind));
    trial.Set("accuracy", accuracy);
    trial.Set("loss", loss);
    trials.Set(trials.Length(), trial);
  }
  choice.Set("trials", trials);
  return choice;
}

}  // namespace

Napi::Value solve_head(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto features = numbers<Napi::Float32Array>(info[0], napi_float32_array, "features");
  const auto given = numbers<Napi::Int32Array>(info[1], napi_int32_array, "labels");
  const Napi::Object options = object(info[2], "options");
  const std::vector<int> labels(given.Data(), given.Data() + given.ElementLength());
  const int classes = whole_number(options.Get("classes"), "classes");
  if (labels.empty() || features.ElementLength() == 0 || features.ElementLength() % labels.size() != 0)
    refuse(env, "Expected as many features for every label, but there are " +
                    std::to_string(features.ElementLength()) + " for " + std::to_string(labels.size()) +
                    " labels.");
  for (int label : labels)
    if (label < 0 || label >= classes)
      refuse(env, "Expected labels below " + std::to_string(classes) + ", but one is " +
                      std::to_string(label) + ".");
  train::HeadSettings settings;
  settings.decay = number(options.Get("decay"), "decay");
  auto solved = std::make_shared<train::ChosenHead>();
  return Task::start(
      env, {features},
      [=, values = features.Data(), dim = static_cast<int>(features.ElementLength() / labels.size()),
       smoothing = number(options.Get("smoothing"), "smoothing"),
       compare = options.Get("compare").ToBoolean().Value(), device = text(options.Get("device"), "device"),
       threads = whole_number(options.Get("threads"), "threads")]() -> Status {
        const auto operations = train::make_operations(device, threads);
        if (!operations) return operations.error();
        if (compare) {
          auto chosen = train::choose_head(**operations, values, labels, dim, classes, smoothing, settings);
          if (!chosen) return chosen.error();
          *solved = std::move(*chosen);
          return ok();
        }
        const std::vector<float> targets = train::smooth_labels(labels, classes, smoothing);
        auto head = train::train_head(**operations, values, targets.data(), static_cast<int>(labels.size()),
                                      dim, classes, settings);
        if (!head) return head.error();
        solved->head = std::move(*head);
        return ok();
      },
      [solved](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("weight", to_array<Napi::Float32Array>(env, solved->head.weight));
        result.Set("bias", to_array<Napi::Float32Array>(env, solved->head.bias));
        result.Set("loss", solved->head.loss);
        result.Set("iterations", solved->head.iterations);
        if (!solved->trials.empty()) result.Set("choice", choice_value(env, *solved));
        return result;
      });
}

}  // namespace winnow
