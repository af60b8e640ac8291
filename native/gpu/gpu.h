// An opened device of a GPU library, its memory, and the launches of kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gpu/gpu_library.h"
#include "gpu/kernels/arguments.h"
#include "gpu/kernels/list.h"
#include "ops/backend.h"
#include "ops/result.h"

namespace winnow::gpu {

class Gpu {
 public:
  // Device `index` of the library, which outlives it. Fails with engine.
  static Result<Gpu> open(const WinnowGpuLibrary& library, int index);
  Gpu(Gpu&& other) noexcept
      : library_(other.library_), device_(std::exchange(other.device_, nullptr)), info_(other.info_) {}
  Gpu& operator=(Gpu&&) = delete;
  ~Gpu() {
    if (device_ != nullptr) library_->close(device_);
  }

  const WinnowGpuInfo& info() const { return info_; }
  // ok, or out_of_memory or device_lost since the last call that answered so; memory may be there again then.
  Status take_failure();
  // Changes whenever memory is allocated or released, after which no recording is valid.
  std::uint64_t memory_version() const { return memory_version_; }

  // Null, and a failure, where there is too little.
  void* allocate(std::size_t bytes);
  void release(void* memory);
  void write(void* target, const void* source, std::size_t bytes);
  void read(void* target, const void* source, std::size_t bytes);
  void wait() { read(nullptr, nullptr, 0); }
  void clear(void* target, std::size_t bytes);

  struct Blocks {
    std::size_t x, y = 1, z = 1;
  };
  // Does nothing for no blocks.
  template <typename Arguments>
  void launch(Kernel kernel, Blocks blocks, int threads, const Arguments& arguments,
              std::size_t shared_bytes = 0) {
    launch_bytes(kernel, blocks, threads, &arguments, sizeof arguments, shared_bytes);
  }
  // A thread for each of `count` values.
  template <typename Arguments>
  void launch_each(Kernel kernel, std::size_t count, const Arguments& arguments) {
    launch(kernel, {(count + kThreads - 1) / kThreads}, kThreads, arguments);
  }
  // A warp for each of `count` rows.
  template <typename Arguments>
  void launch_rows(Kernel kernel, std::size_t count, const Arguments& arguments) {
    launch(kernel, {(count + kThreads / 32 - 1) / (kThreads / 32)}, kThreads, arguments);
  }
  void multiply(const WinnowGpuProduct& product);
  // out = scale x w^T + keep out; x [rows, inputs], w [outputs, inputs], out [rows, outputs].
  void multiply(const Half* x, const Half* w, float* out, std::size_t rows, int inputs, int outputs,
                float scale = 1.0f, float keep = 0.0f) {
    multiply(one(x, w, out, rows, inputs, outputs, scale, keep, true));
  }
  void multiply(const Half* x, const Half* w, Half* out, std::size_t rows, int inputs, int outputs) {
    multiply(one(x, w, out, rows, inputs, outputs, 1.0f, 0.0f, false));
  }
  // rows [count / dim, dim] = activation(rows + bias), with bias [dim] or null.
  void activate(float* rows, const float* bias, Activation activation, std::size_t count, int dim);

  void begin_recording();
  void* end_recording();  // null where it cannot
  void replay(void* recording);
  void drop_recording(void* recording) { library_->drop_recording(device_, recording); }

  double seconds() { return library_->seconds(device_); }

 private:
  static constexpr int kThreads = 256;

  Gpu(const WinnowGpuLibrary* library, WinnowGpu* device, const WinnowGpuInfo& info)
      : library_(library), device_(device), info_(info) {}
  void launch_bytes(Kernel kernel, Blocks blocks, int threads, const void* arguments, std::size_t bytes,
                    std::size_t shared_bytes);
  static WinnowGpuProduct one(const Half* x, const Half* w, void* out, std::size_t rows, int inputs,
                              int outputs, float scale, float keep, bool out_is_fp32) {
    return {.x = x,
            .w = w,
            .out = out,
            .rows = static_cast<std::int32_t>(rows),
            .inputs = inputs,
            .outputs = outputs,
            .count = 1,
            .x_step = 0,
            .w_step = 0,
            .out_step = 0,
            .scale = scale,
            .keep = keep,
            .out_is_fp32 = out_is_fp32 ? 1 : 0};
  }
  void note(WinnowGpuStatus status, std::size_t bytes = 0);

  const WinnowGpuLibrary* library_;
  WinnowGpu* device_;
  WinnowGpuInfo info_;
  WinnowGpuStatus failure_ = WINNOW_GPU_OK;
  std::size_t wanted_ = 0;  // bytes that were not there
  std::uint64_t memory_version_ = 0;
};

// Device memory of its own.
template <typename T>
class Buffer {
 public:
  explicit Buffer(Gpu& gpu) : gpu_(&gpu) {}
  Buffer(Buffer&& other) noexcept
      : gpu_(other.gpu_), data_(std::exchange(other.data_, nullptr)), capacity_(other.capacity_) {}
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { release(); }

  T* data() const { return data_; }
  // At least `count` elements, null where there is too little memory; what they held is lost when it grows.
  T* reserve(std::size_t count) {
    if (count > capacity_) {
      release();
      data_ = static_cast<T*>(gpu_->allocate(count * sizeof(T)));
      capacity_ = data_ == nullptr ? 0 : count;
    }
    return data_;
  }
  void release() {
    if (data_ != nullptr) gpu_->release(std::exchange(data_, nullptr));
    capacity_ = 0;
  }
  // Holds a copy of `values`.
  void hold(const std::vector<T>& values) {
    if (!values.empty() && reserve(values.size()) != nullptr)
      gpu_->write(data_, values.data(), values.size() * sizeof(T));
  }
  void hold(const T* values, std::size_t count) {
    if (values != nullptr) hold(std::vector<T>(values, values + count));
  }

 private:
  Gpu* gpu_;
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

// The device's 16-bit numbers.
std::vector<Half> halves(const WinnowGpuInfo& info, const float* values, std::size_t count);

}  // namespace winnow::gpu
