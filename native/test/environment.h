// Variables of the environment that a test sets.
#pragma once

#include <cstdlib>

namespace winnow {

// An empty value takes the variable away: Windows has no empty ones.
inline void set_variable(const char* name, const char* value) {
#ifdef _WIN32
  _putenv_s(name, value);
#else
  if (*value == '\0') {
    unsetenv(name);
  } else {
    setenv(name, value, 1);
  }
#endif
}

}  // namespace winnow
