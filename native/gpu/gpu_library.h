// The interface of a GPU library: one shared library per maker's driver (winnow-cuda, winnow-metal), loaded
// at run time, so that the app starts on machines that have no such driver. Plain C, with a version, as the
// library may have been built by another compiler. It knows nothing of models: it has memory, launches the
// kernels of gpu/kernels, multiplies matrices and records what it was told to do.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define WINNOW_GPU_EXPORT __declspec(dllexport)
#else
#define WINNOW_GPU_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Of this interface and of the kernels' arguments together: a library of another version is not used.
enum { WINNOW_GPU_VERSION = 1 };

enum { WINNOW_GPU_TEXT = 512 };  // bytes of every text below, its end included

typedef struct {
  char name[WINNOW_GPU_TEXT];    // "NVIDIA H200"
  char driver[WINNOW_GPU_TEXT];  // "driver 580.65, CUDA 13.0"
  char
      products[WINNOW_GPU_TEXT];  // what multiplies matrices: "cuBLASLt 13.1", or the built-in kernel and why
  char reason[WINNOW_GPU_TEXT];   // one sentence, why it cannot be used; empty when it can
  uint64_t memory_bytes, free_bytes;
  char id[64];            // stays with the device when others are added or removed
  int32_t half_is_fp16;   // its 16-bit numbers: 0 for bf16, 1 for fp16
  uint32_t shared_bytes;  // that a block of threads can have beside what its kernel declares itself
} WinnowGpuInfo;

typedef enum {
  WINNOW_GPU_OK = 0,
  WINNOW_GPU_OUT_OF_MEMORY = 1,  // the device goes on working
  WINNOW_GPU_LOST = 2,           // the device, or this process's use of it, is at an end
} WinnowGpuStatus;

typedef struct WinnowGpu WinnowGpu;  // an opened device, with one stream of work in order

// out[b] = scale x[b] w[b]^T + keep out[b], of row-major matrices; sums in fp32.
typedef struct {
  const void* x;  // 16-bit [rows, inputs]
  const void* w;  // 16-bit [outputs, inputs]
  void* out;      // [rows, outputs], 16-bit or fp32
  int32_t rows, inputs, outputs;
  int32_t count;                     // of products
  int64_t x_step, w_step, out_step;  // elements from one product's matrix to the next one's
  float scale, keep;
  int32_t out_is_fp32;
} WinnowGpuProduct;

// A kernel's launch: the arguments are a struct of gpu/kernels/arguments.h.
typedef struct {
  int32_t kernel;  // of the list in gpu/kernels/list.h
  uint32_t blocks[3];
  uint32_t threads;       // of a block: a multiple of 32
  uint32_t shared_bytes;  // beside what the kernel declares itself
  const void* arguments;
  size_t argument_bytes;
} WinnowGpuLaunch;

// Operations return at once and are done in order; `read` waits. A failure of an earlier operation is
// returned by `read` and by everything after it.
typedef struct {
  // Fills up to `capacity` infos and returns how many devices there are; where there are none, `reason` is
  // one sentence that says why.
  int32_t (*list)(WinnowGpuInfo* infos, int32_t capacity, char reason[WINNOW_GPU_TEXT]);
  // Null with a sentence in `reason` where it cannot be used.
  WinnowGpu* (*open)(int32_t index, char reason[WINNOW_GPU_TEXT]);
  void (*close)(WinnowGpu* gpu);

  // Aligned to 256 bytes; null where there is too little memory, or where the device is lost.
  void* (*allocate)(WinnowGpu* gpu, size_t bytes);
  void (*release)(WinnowGpu* gpu, void* memory);
  WinnowGpuStatus (*write)(WinnowGpu* gpu, void* target, const void* source, size_t bytes);
  WinnowGpuStatus (*read)(WinnowGpu* gpu, void* target, const void* source, size_t bytes);
  WinnowGpuStatus (*clear)(WinnowGpu* gpu, void* target, size_t bytes);  // to zeros

  WinnowGpuStatus (*launch)(WinnowGpu* gpu, const WinnowGpuLaunch* launch);
  WinnowGpuStatus (*multiply)(WinnowGpu* gpu, const WinnowGpuProduct* product);

  // Launches and products between the two are recorded in place of done. Null where the device cannot.
  WinnowGpuStatus (*begin_recording)(WinnowGpu* gpu);
  void* (*end_recording)(WinnowGpu* gpu);
  WinnowGpuStatus (*replay)(WinnowGpu* gpu, void* recording);
  void (*drop_recording)(WinnowGpu* gpu, void* recording);

  // Seconds of work that the device has done since its last call, by its own clock; waits.
  double (*seconds)(WinnowGpu* gpu);
  // What ended the device: one sentence, empty while it works.
  const char* (*failure)(WinnowGpu* gpu);
} WinnowGpuLibrary;

// The library's only symbol, "winnow_gpu_library". Null for a version that it does not have.
typedef const WinnowGpuLibrary* (*WinnowGpuEntry)(int32_t version);

#ifdef __cplusplus
}
#endif
