// Runs kernels on the host as a GPU would: the blocks of a launch in turn, the threads of a block as fibres
// that meet at barriers. Slow and strict: it is there to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace winnow::gpu {

struct HostPlace {
  std::uint32_t x, y, z;
};

// A kernel of gpu/kernels as the host's compiler made it.
struct HostKernel {
  std::string name;
  bool is_fp16;  // of its 16-bit numbers
  std::size_t argument_bytes;
  std::uint32_t largest_block;  // threads
  void (*body)(const void* arguments, const HostPlace& block, std::uint32_t thread, std::uint32_t threads,
               float* scratch);

  struct Registration {
    explicit Registration(const HostKernel& kernel);
  };
  // Null where there is none.
  static const HostKernel* find(const std::string& name, bool is_fp16);

  // Every block, with `shared_bytes` of shared memory that hold NaN at first. Empty, or what went wrong:
  // threads that did not all come to a barrier, or memory that was written beyond its end.
  std::string launch(const HostPlace& blocks, std::uint32_t threads, std::size_t shared_bytes,
                     const void* arguments) const;
};

// What a running kernel's thread does with the others.
namespace HostThread {
void meet_block();
void meet_warp();
float exchange(float value, std::uint32_t mask);
}  // namespace HostThread

}  // namespace winnow::gpu
