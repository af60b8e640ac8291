// Files as this system has them; their paths are UTF-8.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "ops/result.h"

namespace winnow {

// A regular file in memory, read only.
class MappedFile {
 public:
  // Fails with engine; the message is the reason alone, such as "No such file or directory".
  static Result<std::unique_ptr<MappedFile>> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  MappedFile() = default;
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

// A file that is there whole or as it was before: it is written as `path`.part, synced to disk and renamed.
class NewFile {
 public:
  explicit NewFile(const std::string& path);
  ~NewFile();  // removes what was not finished
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  void write(const void* data, std::size_t size);  // `finish` says what fails
  // Fails with disk_full where the disk has no more room, or this person's share of it, and else with
  // file_system.
  Status finish();

 private:
  // How many of the bytes, at least one, were written; below 0, with errno, where none were.
  static std::ptrdiff_t write_some(int descriptor, const void* bytes, std::size_t size);
  // Why the file is not there: `reason`, of the system.
  Error failure(bool disk_full, const std::string& reason) const;
  // The same from a number of errno.
  Error failure(int problem) const;

  std::string path_, part_;
  int descriptor_ = -1, problem_ = 0;
  bool finished_ = false;
};

}  // namespace winnow
