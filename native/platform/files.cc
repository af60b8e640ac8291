// What of files is the same on all systems.
#include "platform/files.h"

#include <cerrno>

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

}  // namespace winnow
