// Shared libraries that may not be there, and their functions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace winnow {

// Stays open to the end of the process: drivers may crash when they are unloaded. Opening again is the same.
class SharedLibrary {
 public:
  // The first that can be opened: names without a folder are looked for where the system keeps libraries.
  explicit SharedLibrary(const std::vector<std::filesystem::path>& files);

  bool is_open() const { return handle_ != nullptr; }
  const std::string& name() const { return name_; }        // of the open one
  const std::string& problem() const { return problem_; }  // why the last file cannot be opened

  // False, and no change, where it has no such function.
  template <typename Function>
  bool find(const char* name, Function*& function) const {
    void* const found = address_of(name);
    if (found != nullptr) function = reinterpret_cast<Function*>(found);
    return found != nullptr;
  }

 private:
  void* address_of(const char* name) const;

  void* handle_ = nullptr;
  std::string name_, problem_;
};

// How a library that the build calls `name` is called on disk: libname.so, libname.dylib or name.dll.
std::string library_file(const std::string& name);

// Where the file lies that this code is in: the addon's or the program's.
std::filesystem::path folder_of_code();

}  // namespace winnow
