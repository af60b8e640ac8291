#include "cuda/products.h"

#include <cstdlib>
#include <vector>

#include "platform/shared_library.h"

namespace winnow::cuda {
namespace {

using Handle = void*;
using Object = void*;  // a description of a product, of a matrix, or of preferences

struct Algorithm {
  std::uint64_t data[8];
};
struct Choice {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

constexpr int kSuccess = 0;
constexpr int kFloat32 = 0, kFloat16 = 2, kBfloat16 = 14;  // cudaDataType_t
constexpr int kComputeFloat32 = 68;                        // cublasComputeType_t
constexpr int kTransposed = 1;                             // cublasOperation_t
constexpr int kTransposeFirst = 3;                         // cublasLtMatmulDescAttributes_t
constexpr int kBatchCount = 5, kBatchStep = 6;             // cublasLtMatrixLayoutAttribute_t
constexpr int kWorkspace = 1, kAlignmentOfA = 5;  // cublasLtMatmulPreferenceAttributes_t; B, C, D follow
constexpr std::uint32_t kAlignment = 16;          // bytes, of every matrix

}  // namespace

struct CublasLt {
  int (*cublasLtCreate)(Handle*) = nullptr;
  int (*cublasLtDestroy)(Handle) = nullptr;
  std::size_t (*cublasLtGetVersion)() = nullptr;
  int (*cublasLtMatmulDescCreate)(Object*, int, int) = nullptr;
  int (*cublasLtMatmulDescDestroy)(Object) = nullptr;
  int (*cublasLtMatmulDescSetAttribute)(Object, int, const void*, std::size_t) = nullptr;
  int (*cublasLtMatrixLayoutCreate)(Object*, int, std::uint64_t, std::uint64_t, std::int64_t) = nullptr;
  int (*cublasLtMatrixLayoutDestroy)(Object) = nullptr;
  int (*cublasLtMatrixLayoutSetAttribute)(Object, int, const void*, std::size_t) = nullptr;
  int (*cublasLtMatmulPreferenceCreate)(Object*) = nullptr;
  int (*cublasLtMatmulPreferenceDestroy)(Object) = nullptr;
  int (*cublasLtMatmulPreferenceSetAttribute)(Object, int, const void*, std::size_t) = nullptr;
  int (*cublasLtMatmulAlgoGetHeuristic)(Handle, Object, Object, Object, Object, Object, Object, int, Choice*,
                                        int*) = nullptr;
  int (*cublasLtMatmul)(Handle, Object, const void*, const void*, Object, const void*, Object, const void*,
                        const void*, Object, void*, Object, const Algorithm*, void*, std::size_t,
                        CUstream) = nullptr;
  std::string problem;

  CublasLt();
};

CublasLt::CublasLt() {
  const char* other = std::getenv("WINNOW_CUBLASLT");
  using Files = std::vector<std::filesystem::path>;
#ifdef _WIN32
  const Files usual = {"cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll"};
#else
  const Files usual = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"};
#endif
  const SharedLibrary library(other != nullptr ? Files{other} : usual);
  if (!library.is_open()) {
    problem = "library " + usual.front().string() + " not found";
    return;
  }
#define WINNOW_FIND(function) \
  if (!library.find(#function, function)) problem = library.name() + " has no " #function;
  WINNOW_FIND(cublasLtCreate)
  WINNOW_FIND(cublasLtDestroy)
  WINNOW_FIND(cublasLtGetVersion)
  WINNOW_FIND(cublasLtMatmulDescCreate)
  WINNOW_FIND(cublasLtMatmulDescDestroy)
  WINNOW_FIND(cublasLtMatmulDescSetAttribute)
  WINNOW_FIND(cublasLtMatrixLayoutCreate)
  WINNOW_FIND(cublasLtMatrixLayoutDestroy)
  WINNOW_FIND(cublasLtMatrixLayoutSetAttribute)
  WINNOW_FIND(cublasLtMatmulPreferenceCreate)
  WINNOW_FIND(cublasLtMatmulPreferenceDestroy)
  WINNOW_FIND(cublasLtMatmulPreferenceSetAttribute)
  WINNOW_FIND(cublasLtMatmulAlgoGetHeuristic)
  WINNOW_FIND(cublasLtMatmul)
#undef WINNOW_FIND
}

const CublasLt* find_cublaslt(std::string& reason) {
  static const CublasLt library;
  reason = library.problem;
  return library.problem.empty() ? &library : nullptr;
}

std::string describe(const CublasLt& library) {
  const std::size_t version = library.cublasLtGetVersion();  // 130100 is 13.1.0, 11 and 12 likewise
  return "cuBLASLt " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
}

// cuBLASLt counts columns first: what is row by row here is the transposed matrix there. So out^T = w x^T, of
// [outputs, inputs] and [inputs, rows], where w is given transposed.
struct Products::Plan {
  explicit Plan(const CublasLt& from) : library(from) {}
  ~Plan() {
    for (Object matrix : {w, x, out})
      if (matrix != nullptr) library.cublasLtMatrixLayoutDestroy(matrix);
    if (product != nullptr) library.cublasLtMatmulDescDestroy(product);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // A matrix of `columns` runs of `rows` elements, once for each product.
  bool lay_out(Object& matrix, int type, std::int64_t rows, std::int64_t columns, std::int32_t count,
               std::int64_t step) {
    return library.cublasLtMatrixLayoutCreate(&matrix, type, static_cast<std::uint64_t>(rows),
                                              static_cast<std::uint64_t>(columns), rows) == kSuccess &&
           library.cublasLtMatrixLayoutSetAttribute(matrix, kBatchCount, &count, sizeof count) == kSuccess &&
           library.cublasLtMatrixLayoutSetAttribute(matrix, kBatchStep, &step, sizeof step) == kSuccess;
  }

  const CublasLt& library;
  Object product = nullptr, w = nullptr, x = nullptr, out = nullptr;
  Choice choice{};
};

Products::Products(const CublasLt& library, void* handle, CUstream stream, CUdeviceptr workspace,
                   std::size_t workspace_bytes, bool half_is_fp16)
    : library_(library),
      handle_(handle),
      stream_(stream),
      workspace_(workspace),
      workspace_bytes_(workspace_bytes),
      half_is_fp16_(half_is_fp16) {}

std::unique_ptr<Products> Products::create(const CublasLt& library, CUstream stream, CUdeviceptr workspace,
                                           std::size_t workspace_bytes, bool half_is_fp16) {
  Handle handle = nullptr;
  if (library.cublasLtCreate(&handle) != kSuccess) return nullptr;
  return std::unique_ptr<Products>(
      new Products(library, handle, stream, workspace, workspace_bytes, half_is_fp16));
}

Products::~Products() {
  plans_.clear();
  library_.cublasLtDestroy(handle_);
}

std::unique_ptr<Products::Plan> Products::make_plan(const WinnowGpuProduct& p) const {
  auto plan = std::make_unique<Plan>(library_);
  const int half = half_is_fp16_ ? kFloat16 : kBfloat16, of_out = p.out_is_fp32 != 0 ? kFloat32 : half;
  if (library_.cublasLtMatmulDescCreate(&plan->product, kComputeFloat32, kFloat32) != kSuccess ||
      library_.cublasLtMatmulDescSetAttribute(plan->product, kTransposeFirst, &kTransposed,
                                              sizeof kTransposed) != kSuccess ||
      !plan->lay_out(plan->w, half, p.inputs, p.outputs, p.count, p.w_step) ||
      !plan->lay_out(plan->x, half, p.inputs, p.rows, p.count, p.x_step) ||
      !plan->lay_out(plan->out, of_out, p.outputs, p.rows, p.count, p.out_step))
    return nullptr;
  Object preference = nullptr;
  if (library_.cublasLtMatmulPreferenceCreate(&preference) != kSuccess) return nullptr;
  const std::uint64_t bytes = workspace_bytes_;
  library_.cublasLtMatmulPreferenceSetAttribute(preference, kWorkspace, &bytes, sizeof bytes);
  for (int matrix = 0; matrix < 4; ++matrix)
    library_.cublasLtMatmulPreferenceSetAttribute(preference, kAlignmentOfA + matrix, &kAlignment,
                                                  sizeof kAlignment);
  int found = 0;
  const int status = library_.cublasLtMatmulAlgoGetHeuristic(
      handle_, plan->product, plan->w, plan->x, plan->out, plan->out, preference, 1, &plan->choice, &found);
  library_.cublasLtMatmulPreferenceDestroy(preference);
  return status == kSuccess && found == 1 && plan->choice.status == kSuccess ? std::move(plan) : nullptr;
}

bool Products::multiply(const WinnowGpuProduct& p) {
  const auto aligned = [](const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % kAlignment == 0;
  };
  const std::int64_t per_alignment = kAlignment / (p.out_is_fp32 != 0 ? 4 : 2);
  if (p.inputs % 8 != 0 || p.outputs % per_alignment != 0 || !aligned(p.x) || !aligned(p.w) ||
      !aligned(p.out) ||
      (p.count > 1 && (p.x_step % 8 != 0 || p.w_step % 8 != 0 || p.out_step % per_alignment != 0)))
    return false;
  const Key key = {p.rows, p.inputs, p.outputs, p.count, p.x_step, p.w_step, p.out_step, p.out_is_fp32};
  const auto [entry, is_new] = plans_.try_emplace(key);
  if (is_new) entry->second = make_plan(p);
  const Plan* plan = entry->second.get();
  return plan != nullptr &&
         library_.cublasLtMatmul(handle_, plan->product, &p.scale, p.w, plan->w, p.x, plan->x, &p.keep, p.out,
                                 plan->out, p.out, plan->out, &plan->choice.algorithm,
                                 reinterpret_cast<void*>(workspace_), workspace_bytes_, stream_) == kSuccess;
}

}  // namespace winnow::cuda
