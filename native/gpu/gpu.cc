#include "gpu/gpu.h"

#include "gpu/half.h"

namespace winnow::gpu {

Result<Gpu> Gpu::open(const WinnowGpuLibrary& library, int index) {
  char reason[WINNOW_GPU_TEXT] = "";
  const int count = library.list(nullptr, 0, reason);
  std::vector<WinnowGpuInfo> infos(static_cast<std::size_t>(count > 0 ? count : 0));
  library.list(infos.data(), count, reason);
  if (index < 0 || index >= count)
    return Error{ErrorCode::engine, count > 0 ? "Expected one of " + std::to_string(count) +
                                                    " GPUs, but it is number " + std::to_string(index) + "."
                                              : std::string(reason)};
  WinnowGpu* device = library.open(index, reason);
  if (device == nullptr) return Error{ErrorCode::engine, reason};
  return Gpu(&library, device, infos[index]);
}

Status Gpu::take_failure() {
  const WinnowGpuStatus failure = failure_;
  if (failure == WINNOW_GPU_OK) return ok();
  if (failure == WINNOW_GPU_LOST) {
    const std::string why = library_->failure(device_);
    return Error{ErrorCode::device_lost,
                 std::string(info_.name) + " was lost" + (why.empty() ? "" : ": " + why) + "."};
  }
  failure_ = WINNOW_GPU_OK;
  return Error{ErrorCode::out_of_memory, "Expected " + std::to_string((wanted_ >> 20) + 1) +
                                             " MB of free memory on " + info_.name +
                                             ", but there is less: use a smaller batch."};
}

void Gpu::note(WinnowGpuStatus status, std::size_t bytes) {
  if (status == WINNOW_GPU_OK || failure_ == WINNOW_GPU_LOST) return;
  failure_ = status;
  wanted_ = bytes;
}

void* Gpu::allocate(std::size_t bytes) {
  ++memory_version_;
  void* memory = library_->allocate(device_, bytes);
  if (memory == nullptr)
    note(*library_->failure(device_) == '\0' ? WINNOW_GPU_OUT_OF_MEMORY : WINNOW_GPU_LOST, bytes);
  return memory;
}

void Gpu::release(void* memory) {
  ++memory_version_;
  library_->release(device_, memory);
}

void Gpu::write(void* target, const void* source, std::size_t bytes) {
  if (failure_ == WINNOW_GPU_OK) note(library_->write(device_, target, source, bytes));
}

void Gpu::read(void* target, const void* source, std::size_t bytes) {
  if (failure_ == WINNOW_GPU_OK) note(library_->read(device_, target, source, bytes));
}

void Gpu::clear(void* target, std::size_t bytes) {
  if (failure_ == WINNOW_GPU_OK) note(library_->clear(device_, target, bytes));
}

void Gpu::launch_bytes(Kernel kernel, Blocks blocks, int threads, const void* arguments, std::size_t bytes,
                       std::size_t shared_bytes) {
  if (failure_ != WINNOW_GPU_OK || blocks.x * blocks.y * blocks.z == 0) return;
  const WinnowGpuLaunch launch{static_cast<std::int32_t>(kernel),
                               {static_cast<std::uint32_t>(blocks.x), static_cast<std::uint32_t>(blocks.y),
                                static_cast<std::uint32_t>(blocks.z)},
                               static_cast<std::uint32_t>(threads),
                               static_cast<std::uint32_t>(shared_bytes),
                               arguments,
                               bytes};
  note(library_->launch(device_, &launch));
}

void Gpu::multiply(const WinnowGpuProduct& product) {
  if (failure_ == WINNOW_GPU_OK) note(library_->multiply(device_, &product));
}

void Gpu::activate(float* rows, const float* bias, Activation activation, std::size_t count, int dim) {
  if (bias == nullptr && activation == Activation::none) return;
  launch_each(Kernel::activate, count,
              Activate{.rows = rows,
                       .bias = bias,
                       .activation = static_cast<std::int32_t>(activation),
                       .count = static_cast<std::int32_t>(count),
                       .dim = dim});
}

void Gpu::begin_recording() {
  if (failure_ == WINNOW_GPU_OK) note(library_->begin_recording(device_));
}

void* Gpu::end_recording() { return library_->end_recording(device_); }

void Gpu::replay(void* recording) {
  if (failure_ == WINNOW_GPU_OK) note(library_->replay(device_, recording));
}

std::vector<Half> halves(const WinnowGpuInfo& info, const float* values, std::size_t count) {
  std::vector<Half> result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i].bits = info.half_is_fp16 != 0 ? fp16_bits(values[i]) : bf16_bits(values[i]);
  return result;
}

}  // namespace winnow::gpu
