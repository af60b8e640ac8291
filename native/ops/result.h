// Errors as values: native code neither throws across its parts nor ends the process.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace winnow {

// The codes that native code finds, and their names in electron/shared/errors.ts;
// test/electron/engine/hosts/error-codes.test.ts compares the two lists.
#define WINNOW_ERROR_CODES(code)                                                               \
  code(bad_argument, "BAD_ARGUMENT") code(bad_model, "BAD_MODEL") code(cancelled, "CANCELLED") \
      code(device_lost, "DEVICE_LOST") code(disk_full, "DISK_FULL") code(diverged, "DIVERGED") \
          code(engine, "ENGINE") code(file_system, "FILE_SYSTEM") code(out_of_memory, "OUT_OF_MEMORY")

#define WINNOW_ENUMERATOR(code, name) code,
enum class ErrorCode { WINNOW_ERROR_CODES(WINNOW_ENUMERATOR) };
#undef WINNOW_ENUMERATOR
#define WINNOW_NAME(code, name) name,
inline constexpr const char* kErrorNames[] = {WINNOW_ERROR_CODES(WINNOW_NAME)};  // in the enumerators' order
#undef WINNOW_NAME

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
