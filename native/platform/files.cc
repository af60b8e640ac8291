// What of files is the same on all systems.
#include "platform/files.h"

#include <cerrno>
#include <cstring>

namespace winnow {

void NewFile::write(const void* data, std::size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0 && problem_ == 0) {
    const std::ptrdiff_t written = write_some(descriptor_, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      problem_ = errno;
    } else {
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }
}

Error NewFile::failure(bool disk_full, const std::string& reason) const {
  return {disk_full ? ErrorCode::disk_full : ErrorCode::file_system,
          "The file " + path_ + " cannot be written: " + (disk_full ? "the disk is full" : reason)};
}

Error NewFile::failure(int problem) const {
  bool disk_full = problem == ENOSPC;
#ifdef EDQUOT
  disk_full = disk_full || problem == EDQUOT;
#endif
  return failure(disk_full, std::strerror(problem));
}

}  // namespace winnow
