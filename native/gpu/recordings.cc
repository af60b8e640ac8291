#include "gpu/recordings.h"

namespace winnow::gpu {
namespace {

constexpr std::size_t kMost = 32;  // kept: of the batches and ratios of a run, and of a calibration

}  // namespace

Status Recordings::repeat(const std::vector<std::int64_t>& key, const std::function<Status()>& operations) {
  if (memory_version_ != gpu_.memory_version() || recorded_.size() > kMost) drop_all();
  memory_version_ = gpu_.memory_version();
  const auto [entry, is_new] = recorded_.try_emplace(key, nullptr);
  if (is_new) return operations();
  if (entry->second == nullptr) {
    gpu_.begin_recording();
    const Status done = operations();
    void* recording = gpu_.end_recording();
    if (!done || recording == nullptr) {
      if (recording != nullptr) gpu_.drop_recording(recording);
      return done ? operations() : done;
    }
    entry->second = recording;
  }
  gpu_.replay(entry->second);
  return ok();
}

void Recordings::drop_all() {
  for (const auto& [key, recording] : recorded_)
    if (recording != nullptr) gpu_.drop_recording(recording);
  recorded_.clear();
}

}  // namespace winnow::gpu
