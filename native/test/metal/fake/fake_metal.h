// Apple's frameworks as far as native/metal uses them, on this machine's processor: kernels run as
// gpu/host/host_kernels.h does, with fp16 numbers, and products are loops. What is committed is done when it
// is waited for, as late as Metal may do it, and what Metal would end the process for ends it here.
#pragma once

#include <cstddef>

namespace winnow::gpu {

struct FakeMetal {
  std::size_t memory_bytes = static_cast<std::size_t>(1) << 40;
  bool is_apples = true;                   // and not another maker's GPU
  bool adds_in_fp16 = false;               // in products
  long long commands_before = -1;          // a command fails; none where it is negative
  long failure = 8;                        // how: MTLCommandBufferErrorOutOfMemory
  long long products = 0, dispatches = 0;  // counted
};

// As it is for what comes next; a test changes it.
FakeMetal& fake_metal();

}  // namespace winnow::gpu
