// A product as a launch of the built-in kernel.
#pragma once

#include <cstdint>

#include "gpu/gpu_library.h"
#include "gpu/kernels/arguments.h"
#include "gpu/kernels/list.h"

namespace winnow::gpu {

// `launch` points to `arguments`, so it stays where it was made.
struct BuiltInProduct {
  explicit BuiltInProduct(const WinnowGpuProduct& p)
      : arguments{static_cast<const Half*>(p.x),
                  static_cast<const Half*>(p.w),
                  p.out,
                  p.x_step,
                  p.w_step,
                  p.out_step,
                  p.scale,
                  p.keep,
                  p.rows,
                  p.inputs,
                  p.outputs,
                  p.out_is_fp32},
        launch{static_cast<std::int32_t>(Kernel::multiply),
               {tiles(p.outputs), tiles(p.rows), static_cast<std::uint32_t>(p.count)},
               256,
               0,
               &arguments,
               sizeof arguments} {}
  BuiltInProduct(const BuiltInProduct&) = delete;
  BuiltInProduct& operator=(const BuiltInProduct&) = delete;

  Multiply arguments;
  WinnowGpuLaunch launch;

 private:
  static std::uint32_t tiles(std::int32_t count) {
    return static_cast<std::uint32_t>((count + kProductTile - 1) / kProductTile);
  }
};

}  // namespace winnow::gpu
