// Waiting until an atomic number changes, as std::atomic::wait does. On Windows the system's own functions:
// the library of GCC 12 looks at the number before it takes the lock that it waits with there, so a
// notification that comes in between is lost.
#pragma once

#include <atomic>
#include <cstddef>

namespace winnow {

#ifdef _WIN32
void wait_on_address(const void* address, const void* old, std::size_t bytes);
void wake_by_address(const void* address);
#endif

// Blocks while `value` is `old`; may return early. For numbers of 4 bytes.
template <typename T>
void wait_for_change(const std::atomic<T>& value, T old) {
  static_assert(sizeof(std::atomic<T>) == 4);
#ifdef _WIN32
  wait_on_address(&value, &old, sizeof old);
#else
  value.wait(old, std::memory_order_acquire);
#endif
}

// Wakes all who wait for `value`, which has changed.
template <typename T>
void wake_all(std::atomic<T>& value) {
#ifdef _WIN32
  wake_by_address(&value);
#else
  value.notify_all();
#endif
}

}  // namespace winnow
