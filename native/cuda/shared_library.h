// A shared library that may not be there, and its functions.
#pragma once

#include <string>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace winnow {

// Stays open to the end of the process: drivers do not like to go.
class SharedLibrary {
 public:
  // The first of the names that can be opened.
  template <typename Names>
  explicit SharedLibrary(const Names& names) {
    for (const std::string& name : names) {
#ifdef _WIN32
      handle_ = LoadLibraryA(name.c_str());
#else
      handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
#endif
      if (handle_ == nullptr) continue;
      name_ = name;
      return;
    }
  }

  bool is_open() const { return handle_ != nullptr; }
  const std::string& name() const { return name_; }
  // False, and no change, where it has no such function.
  template <typename Function>
  bool find(const char* name, Function*& function) const {
#ifdef _WIN32
    void* found = reinterpret_cast<void*>(GetProcAddress(handle_, name));
#else
    void* found = dlsym(handle_, name);
#endif
    if (found != nullptr) function = reinterpret_cast<Function*>(found);
    return found != nullptr;
  }

 private:
#ifdef _WIN32
  HMODULE handle_ = nullptr;
#else
  void* handle_ = nullptr;
#endif
  std::string name_;
};

}  // namespace winnow
