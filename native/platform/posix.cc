// Linux and macOS.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "platform/files.h"
#include "platform/shared_library.h"

namespace winnow {
namespace {

constexpr mode_t kMode = 0666;  // less the umask

}  // namespace

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  const auto unreadable = [](const char* reason) { return Error{ErrorCode::engine, reason}; };
  // Opening a pipe would wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return unreadable(std::strerror(errno));
  std::unique_ptr<MappedFile> file(new MappedFile);
  struct stat facts{};
  const bool regular = fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
  if (regular && facts.st_size > 0) {
    file->size_ = static_cast<std::size_t>(facts.st_size);
    void* data = mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data != MAP_FAILED) file->data_ = static_cast<const unsigned char*>(data);
  }
  ::close(descriptor);
  if (!regular) return unreadable("it is not a regular file");
  if (file->data_ == nullptr) return unreadable("it is empty or cannot be mapped");
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<unsigned char*>(data_), size_);
}

NewFile::NewFile(const std::string& path) : path_(path), part_(path + ".part") {
  descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (descriptor_ < 0) problem_ = errno;
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!finished_) ::unlink(part_.c_str());
}

std::ptrdiff_t NewFile::write_some(int descriptor, const void* bytes, std::size_t size) {
  return ::write(descriptor, bytes, size);
}

Status NewFile::finish() {
  if (problem_ == 0 && ::fsync(descriptor_) != 0) problem_ = errno;
  if (problem_ == 0 && ::rename(part_.c_str(), path_.c_str()) != 0) problem_ = errno;
  if (problem_ != 0) return failure(problem_);
  finished_ = true;
  // The new name, too, is on the disk then. Where a file system cannot say so, the file is still whole.
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  if (const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC); opened >= 0) {
    ::fsync(opened);
    ::close(opened);
  }
  return ok();
}

SharedLibrary::SharedLibrary(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files) {
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) {
      name_ = file.string();
      return;
    }
    problem_ = dlerror();
  }
}

void* SharedLibrary::address_of(const char* name) const { return dlsym(handle_, name); }

std::string library_file(const std::string& name) {
#ifdef __APPLE__
  return "lib" + name + ".dylib";
#else
  return "lib" + name + ".so";
#endif
}

std::filesystem::path folder_of_code() {
  Dl_info own{};
  if (dladdr(reinterpret_cast<const void*>(&folder_of_code), &own) == 0) return {};
  std::error_code missing;
  return std::filesystem::weakly_canonical(own.dli_fname, missing).parent_path();
}

}  // namespace winnow
