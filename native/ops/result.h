// Errors as values: native code neither throws across its parts nor ends the process.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace winnow {

// Codes of electron/shared/errors.ts that native code can produce.
enum class ErrorCode { bad_argument, bad_model, engine, cancelled, out_of_memory, device_lost };

struct Error {
  ErrorCode code;
  std::string message;  // one sentence: what was expected, what came
};

// A value of type T or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// For functions that yield nothing but may fail.
using Status = Result<std::monostate>;
inline Status ok() { return std::monostate{}; }

}  // namespace winnow
