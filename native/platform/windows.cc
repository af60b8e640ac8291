// Windows.
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "platform/atomic_wait.h"
#include "platform/files.h"
#include "platform/shared_library.h"

namespace winnow {
namespace {

constexpr std::size_t kLargestWrite = 1 << 30;

// A path as functions of Windows take it whatever its length: an absolute one of 260 characters and more (248
// for a folder) only in the form \\?\C:\folder or \\?\UNC\server\share, in which nothing is resolved any
// more.
std::wstring windows_path(const std::string& path) {
  constexpr std::size_t kLongestPlain = 247;
  const std::wstring wide = std::filesystem::path(std::u8string(path.begin(), path.end())).wstring();
  if (wide.size() <= kLongestPlain || wide.starts_with(L"\\\\?\\")) return wide;
  std::wstring whole(32768, L'\0');  // the longest that there is
  const DWORD length =
      GetFullPathNameW(wide.c_str(), static_cast<DWORD>(whole.size()), whole.data(), nullptr);
  if (length == 0 || length >= whole.size()) return wide;
  whole.resize(length);
  return whole.starts_with(L"\\\\") ? L"\\\\?\\UNC\\" + whole.substr(2) : L"\\\\?\\" + whole;
}

// Of the last call into the system.
std::string last_problem() { return std::system_category().message(static_cast<int>(GetLastError())); }

// The module that this code is in.
HMODULE own_module() {
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&own_module), &module);
  return module;
}

}  // namespace

Result<std::unique_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  const auto unreadable = [](std::string reason) { return Error{ErrorCode::engine, std::move(reason)}; };
  const HANDLE handle =
      CreateFileW(windows_path(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return unreadable(last_problem());
  std::unique_ptr<MappedFile> file(new MappedFile);
  LARGE_INTEGER size{};
  const bool regular = GetFileType(handle) == FILE_TYPE_DISK && GetFileSizeEx(handle, &size) != 0;
  if (regular && size.QuadPart > 0) {
    // The view keeps both the mapping and the file.
    if (const HANDLE mapping = CreateFileMappingW(handle, nullptr, PAGE_READONLY, 0, 0, nullptr)) {
      file->size_ = static_cast<std::size_t>(size.QuadPart);
      file->data_ = static_cast<const unsigned char*>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
      CloseHandle(mapping);
    }
  }
  CloseHandle(handle);
  if (!regular) return unreadable("it is not a regular file");
  if (file->data_ == nullptr) return unreadable("it is empty or cannot be mapped");
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
}

NewFile::NewFile(const std::string& path) : path_(path), part_(path + ".part") {
  descriptor_ = _wopen(windows_path(part_).c_str(),
                       _O_WRONLY | _O_CREAT | _O_TRUNC | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
  if (descriptor_ < 0) problem_ = errno;
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) _close(descriptor_);
  if (!finished_) _wunlink(windows_path(part_).c_str());
}

std::ptrdiff_t NewFile::write_some(int descriptor, const void* bytes, std::size_t size) {
  return _write(descriptor, bytes, static_cast<unsigned>(std::min(size, kLargestWrite)));
}

Status NewFile::finish() {
  if (problem_ == 0 && _commit(descriptor_) != 0) problem_ = errno;
  if (descriptor_ >= 0) _close(descriptor_);  // an open file cannot be renamed
  descriptor_ = -1;
  if (problem_ != 0) return failure(problem_);
  if (MoveFileExW(windows_path(part_).c_str(), windows_path(path_).c_str(),
                  MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0) {
    const DWORD problem = GetLastError();
    return failure(problem == ERROR_DISK_FULL || problem == ERROR_HANDLE_DISK_FULL, last_problem());
  }
  finished_ = true;
  return ok();
}

SharedLibrary::SharedLibrary(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files) {
    handle_ = LoadLibraryW(file.c_str());
    if (handle_ != nullptr) {
      name_ = file.string();
      return;
    }
    problem_ = last_problem();
  }
}

void* SharedLibrary::address_of(const char* name) const {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name));
}

std::string library_file(const std::string& name) { return name + ".dll"; }

std::filesystem::path folder_of_code() {
  std::wstring file(MAX_PATH, L'\0');
  DWORD length = GetModuleFileNameW(own_module(), file.data(), static_cast<DWORD>(file.size()));
  while (length == file.size()) {  // it did not fit
    file.resize(2 * file.size());
    length = GetModuleFileNameW(own_module(), file.data(), static_cast<DWORD>(file.size()));
  }
  file.resize(length);
  return std::filesystem::path(file).parent_path();
}

void wait_on_address(const void* address, const void* old, std::size_t bytes) {
  WaitOnAddress(const_cast<void*>(address), const_cast<void*>(old), bytes, INFINITE);
}

void wake_by_address(const void* address) { WakeByAddressAll(const_cast<void*>(address)); }

}  // namespace winnow
