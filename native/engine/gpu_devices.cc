#include "engine/gpu_devices.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "ops/shortened.h"
#include "platform/shared_library.h"

namespace winnow {
namespace {

struct Maker {
  const char* backend;
  const char* library;
};
constexpr Maker kMakers[] = {{"cuda", "winnow-cuda"}, {"metal", "winnow-metal"}};

constexpr int kMostDevices = 64;

std::filesystem::path library_path(const Maker& maker) {
  const char* other = std::getenv("WINNOW_GPU_LIBRARIES");
  return (other != nullptr ? std::filesystem::path(other) : folder_of_code()) / library_file(maker.library);
}

Result<const WinnowGpuLibrary*> open_library(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const SharedLibrary opened({path});
  if (!opened.is_open())
    return Error{ErrorCode::engine, "The library " + name + " cannot be opened: " + opened.problem() + "."};
  WinnowGpuEntry entry = nullptr;
  const WinnowGpuLibrary* library =
      opened.find("winnow_gpu_library", entry) ? entry(WINNOW_GPU_VERSION) : nullptr;
  if (library == nullptr)
    return Error{ErrorCode::engine, "The library " + name + " was made for another version of Winnow (not " +
                                        std::to_string(WINNOW_GPU_VERSION) + ")."};
  return library;
}

struct Listing {
  std::vector<WinnowGpuInfo> infos;
  std::string reason;  // why there are none
};

Listing list(const WinnowGpuLibrary& library) {
  Listing listing;
  listing.infos.resize(kMostDevices);
  char reason[WINNOW_GPU_TEXT] = "";
  const int count = library.list(listing.infos.data(), kMostDevices, reason);
  listing.infos.resize(std::clamp(count, 0, kMostDevices));
  listing.reason = reason;
  return listing;
}

std::string device_name(const Maker& maker, int index) {
  return std::string(maker.backend) + ":" + std::to_string(index);
}

DeviceInfo describe(const Maker& maker, int index, const WinnowGpuInfo& info) {
  std::string description = info.name;
  if (info.products[0] != '\0') description += std::string("; ") + info.products;
  if (info.half_is_fp16) description += "; fp16 in place of bf16";
  GpuFacts facts{info.id, maker.backend, info.driver, info.products, info.memory_bytes, info.free_bytes};
  return {device_name(maker, index), description, info.reason, {Precision::bf16}, facts};
}

// `name` without ':' and number, which `index` gets: 0 where there is none, -1 where it is no number.
const Maker* maker_of(const std::string& name, int& index) {
  const std::size_t colon = name.find(':');
  const std::string number = colon == std::string::npos ? "0" : name.substr(colon + 1);
  const char* end = number.data() + number.size();
  index = -1;
  if (int value = -1; std::from_chars(number.data(), end, value).ptr == end && value >= 0) index = value;
  for (const Maker& maker : kMakers)
    if (name.substr(0, colon) == maker.backend) return &maker;
  return nullptr;
}

}  // namespace

std::vector<DeviceInfo> list_gpus() {
  std::vector<DeviceInfo> devices;
  for (const Maker& maker : kMakers) {
    const std::filesystem::path path = library_path(maker);
    if (std::error_code error; !std::filesystem::exists(path, error)) continue;
    const auto without = [&](const std::string& reason) {
      devices.push_back({maker.backend, "", reason, {Precision::bf16}, {}});
    };
    const auto library = open_library(path);
    if (!library) {
      without(library.error().message);
      continue;
    }
    const Listing found = list(**library);
    if (found.infos.empty()) without(found.reason.empty() ? "No GPU was found." : found.reason);
    for (std::size_t i = 0; i < found.infos.size(); ++i)
      devices.push_back(describe(maker, static_cast<int>(i), found.infos[i]));
  }
  return devices;
}

bool is_gpu_name(const std::string& name) {
  int index = 0;
  return maker_of(name, index) != nullptr;
}

Result<Gpu> find_gpu(const std::string& name) {
  int index = 0;
  const Maker* maker = maker_of(name, index);
  if (maker == nullptr || index < 0)
    return Error{ErrorCode::bad_argument,
                 "Expected a GPU such as cuda:0, but it is " + shortened(name) + "."};
  const auto library = open_library(library_path(*maker));
  if (!library) return library.error();
  const Listing found = list(**library);
  const int count = static_cast<int>(found.infos.size());
  if (count == 0) return Error{ErrorCode::engine, found.reason.empty() ? "No GPU was found." : found.reason};
  if (index >= count)
    return Error{ErrorCode::bad_argument, "Expected a GPU from " + device_name(*maker, 0) + " to " +
                                              device_name(*maker, count - 1) + ", but it is " +
                                              shortened(name) + "."};
  if (found.infos[index].reason[0] != '\0') return Error{ErrorCode::engine, found.infos[index].reason};
  return Gpu{*library, index};
}

}  // namespace winnow
