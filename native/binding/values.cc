#include "binding/values.h"

#include <exception>

namespace winnow {

Napi::Error to_javascript(Napi::Env env, const Error& error) {
  Napi::Error value = Napi::Error::New(env, error.message);
  value.Set("code", kErrorNames[static_cast<std::size_t>(error.code)]);
  return value;
}

void refuse(Napi::Env env, const std::string& message) {
  throw to_javascript(env, Error{ErrorCode::bad_argument, message});
}

Napi::Promise Task::start(Napi::Env env, std::vector<Napi::Object> alive, Work work, Finish finish,
                          std::function<void()> always) {
  auto* task = new Task(env, std::move(work), std::move(finish), std::move(always));
  for (Napi::Object& value : alive) task->alive_.push_back(Napi::Persistent(value));
  task->Queue();
  return task->deferred_.Promise();
}

void Task::Execute() {
  try {
    status_ = work_();
  } catch (const std::exception& problem) {
    status_ = Error{ErrorCode::engine,
                    std::string("Expected the engine to do its work, but: ") + problem.what() + "."};
  }
}

void Task::OnOK() {
  Napi::HandleScope scope(Env());
  always_();
  if (!status_) return deferred_.Reject(to_javascript(Env(), status_.error()).Value());
  deferred_.Resolve(finish_(Env()));
}

void Task::OnError(const Napi::Error& error) {
  always_();
  deferred_.Reject(error.Value());
}

int whole_number(const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  if (!(number >= 0.0 && number <= 1e9 && number == static_cast<int>(number)))
    refuse(value.Env(), std::string("Expected ") + name + " to be a whole number of 0 or more.");
  return static_cast<int>(number);
}

double number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value.Env(), std::string("Expected ") + name + " to be a number.");
  return value.As<Napi::Number>().DoubleValue();
}

std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) refuse(value.Env(), std::string("Expected ") + name + " to be a text.");
  return value.As<Napi::String>().Utf8Value();
}

std::string optional_text(const Napi::Value& value, const char* name) {
  return value.IsUndefined() ? std::string() : text(value, name);
}

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

Napi::Uint8Array picture(const Napi::Value& value, PictureSize size, const char* name) {
  return bytes(value, 3ull * size.width * size.height, name);
}

}  // namespace winnow
