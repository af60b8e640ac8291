// Every kernel by its name. The order is part of the interface: WINNOW_GPU_VERSION changes with it.
#pragma once

// clang-format off
#define WINNOW_KERNELS(each)                                                                     \
  each(normalise_pixels) each(unfold_patches) each(place_tokens)                                 \
  each(norm_rows) each(norm_special) each(norm_patches) each(activate) each(add_rows)            \
  each(convolve_sequences_2) each(convolve_sequences_3) each(convolve_sequences_4)               \
  each(scan_sequences_8) each(scan_sequences_16) each(scan_sequences_32)                         \
  each(scan_long_sequences_8) each(scan_long_sequences_16) each(scan_long_sequences_32)          \
  each(decide_directions) each(pool_second_half) each(keep_scores) each(keep_best)               \
  each(gather_tokens) each(scatter_tokens) each(rotate_tokens) each(multiply)                    \
  each(max_pool) each(subsample) each(average_pool) each(resize_map) each(place_channels)        \
  each(norm_channels) each(unfold_map) each(place_quarters) each(align_rois)                     \
  each(add_resized_taps) each(label_pixels) each(exponentiate)
// clang-format on

namespace winnow {
namespace gpu {

enum class Kernel {
#define WINNOW_KERNEL(name) name,
  WINNOW_KERNELS(WINNOW_KERNEL)
#undef WINNOW_KERNEL
      count
};

constexpr const char* kKernelNames[] = {
#define WINNOW_KERNEL(name) #name,
    WINNOW_KERNELS(WINNOW_KERNEL)
#undef WINNOW_KERNEL
};

}  // namespace gpu
}  // namespace winnow
