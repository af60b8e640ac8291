// Files and shared libraries as this system has them.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "platform/files.h"
#include "platform/shared_library.h"

using namespace winnow;

namespace {

// A folder that goes with the test, of a name that no code page has.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / std::filesystem::path(u8"winnow-платформа-図")) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const {
    const std::u8string path = (path_ / name).u8string();
    return {path.begin(), path.end()};
  }
  int files() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::string& path) {
  const auto file = MappedFile::open(path);
  REQUIRE(file);
  return {reinterpret_cast<const char*>((*file)->data()), (*file)->size()};
}

void write(const std::string& path, const std::string& text) {
  NewFile file(path);
  file.write(text.data(), text.size());
  REQUIRE(file.finish());
}

}  // namespace

TEST_CASE("a new file is there when it is finished, byte for byte, and in place of an older one") {
  const Folder folder;
  const std::string path = folder.file("weights"), text("two\r\n\nlines\0and a zero\x1a", 23);
  {
    NewFile file(path);
    file.write(text.data(), 10);
    file.write(text.data() + 10, text.size() - 10);
    CHECK(!MappedFile::open(path));
    REQUIRE(file.finish());
    CHECK(contents(path) == text);
  }
  write(path, "newer");
  CHECK(contents(path) == "newer");
  CHECK(folder.files() == 1);
}

TEST_CASE("a file that is not finished leaves nothing, and the older one as it was") {
  const Folder folder;
  const std::string path = folder.file("weights");
  write(path, "older");
  {
    NewFile file(path);
    file.write("newer", 5);
  }
  CHECK(contents(path) == "older");
  CHECK(folder.files() == 1);
}

TEST_CASE("what cannot be written is said once, at the end") {
  const Folder folder;
  const std::string path = folder.file("no such folder/weights");
  NewFile file(path);
  file.write("text", 4);
  const Status status = file.finish();
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::file_system);
  CHECK(status.error().message.rfind("The file " + path + " cannot be written: ", 0) == 0);
}

#ifdef __linux__
TEST_CASE("a full disk has a code of its own, and leaves the older file as it was") {
  const Folder folder;
  const std::string path = folder.file("weights");
  write(path, "older");
  std::filesystem::create_symlink("/dev/full", path + ".part");
  {
    NewFile file(path);
    file.write("newer", 5);
    const Status status = file.finish();
    REQUIRE(!status);
    CHECK(status.error().code == ErrorCode::disk_full);
    CHECK(status.error().message == "The file " + path + " cannot be written: the disk is full");
  }
  CHECK(contents(path) == "older");
  CHECK(folder.files() == 1);
}
#endif

TEST_CASE("a path may have more than 260 characters") {
  const Folder folder;
  const std::string deep = folder.file(std::string(140, 'a').c_str());
  std::filesystem::create_directory(std::u8string(deep.begin(), deep.end()));
  const std::string path = deep + "/" + std::string(150, 'b');
  write(path, "older");
  write(path, "text");
  CHECK(contents(path) == "text");
#ifdef _WIN32  // whose own calls find no such path
  const auto plain = std::filesystem::absolute(std::u8string(path.begin(), path.end())).make_preferred();
  CHECK(std::filesystem::remove(L"\\\\?\\" + plain.wstring()));
#endif
}

TEST_CASE("only regular files that have bytes are mapped") {
  const Folder folder;
  CHECK(!MappedFile::open(folder.file("missing")));
  CHECK(!MappedFile::open(folder.file(".")));
  write(folder.file("empty"), "");
  const auto empty = MappedFile::open(folder.file("empty"));
  REQUIRE(!empty);
  CHECK(empty.error().message == "it is empty or cannot be mapped");
}

TEST_CASE("a library that is not there says why, and this code knows its folder") {
  const SharedLibrary none({"winnow-no-such-library-1", "winnow-no-such-library-2"});
  CHECK(!none.is_open());
  CHECK(none.problem() != "");
  CHECK(std::filesystem::is_directory(folder_of_code()));
  CHECK(library_file("winnow-cuda").find("winnow-cuda.") != std::string::npos);
}
