// JavaScript values <-> C++ values: what every part of the binding needs.
#pragma once

#include <napi.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "model/picture.h"
#include "ops/result.h"

namespace winnow {

// An error with the code that the app knows.
Napi::Error to_javascript(Napi::Env env, const Error& error);
[[noreturn]] void refuse(Napi::Env env, const std::string& message);

// Runs `work` on a worker thread, then `finish` on JavaScript's to settle the promise, and `always` before
// it, whatever came out. Values in `alive` are kept from the garbage collector until then.
class Task : public Napi::AsyncWorker {
 public:
  using Work = std::function<Status()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise start(
      Napi::Env env, std::vector<Napi::Object> alive, Work work, Finish finish,
      std::function<void()> always = [] {});

  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

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

// Each refuses, naming the argument, what is of another kind.
int whole_number(const Napi::Value& value, const char* name);
double number(const Napi::Value& value, const char* name);
std::string text(const Napi::Value& value, const char* name);
std::string optional_text(const Napi::Value& value, const char* name);  // empty where it is undefined
Napi::Object object(const Napi::Value& value, const char* name);
PictureSize picture_size(const Napi::Value& value, const char* name);
// A view of at least `least` bytes that JavaScript holds; no copy.
Napi::Uint8Array bytes(const Napi::Value& value, std::size_t least, const char* name);
// RGB bytes of a picture that JavaScript holds; no copy.
Napi::Uint8Array picture(const Napi::Value& value, PictureSize size, const char* name);

template <typename Array, typename T>
Array to_array(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace winnow
