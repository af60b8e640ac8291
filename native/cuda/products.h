// Matrix products by cuBLASLt, opened at run time: neither its header nor its library is there when Winnow is
// built, so the few functions, numbers and structures that are used are declared here, as its documentation
// has them (cuBLAS 11 to 13).
#pragma once

#include <cuda.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "gpu/gpu_library.h"

namespace winnow::cuda {

struct CublasLt;

// The machine's cuBLASLt, or in `reason` why there is none. WINNOW_CUBLASLT names another file for tests.
const CublasLt* find_cublaslt(std::string& reason);
// "cuBLASLt 13.1"
std::string describe(const CublasLt& library);

// Products on one stream of the current context.
class Products {
 public:
  // Null where cuBLASLt does not start. workspace: device memory of workspace_bytes.
  static std::unique_ptr<Products> create(const CublasLt& library, CUstream stream, CUdeviceptr workspace,
                                          std::size_t workspace_bytes, bool half_is_fp16);
  ~Products();

  // False where it cannot compute this one, because of its shape or at all: nothing has been done then.
  bool multiply(const WinnowGpuProduct& product);

 private:
  struct Plan;
  using Key = std::array<std::int64_t, 8>;

  Products(const CublasLt& library, void* handle, CUstream stream, CUdeviceptr workspace,
           std::size_t workspace_bytes, bool half_is_fp16);
  std::unique_ptr<Plan> make_plan(const WinnowGpuProduct& product) const;

  const CublasLt& library_;
  void* handle_;
  CUstream stream_;
  CUdeviceptr workspace_;
  std::size_t workspace_bytes_;
  bool half_is_fp16_;
  std::map<Key, std::unique_ptr<Plan>> plans_;  // null: it has no way for this shape
};

}  // namespace winnow::cuda
