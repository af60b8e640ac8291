// A stand-in for cuBLASLt, for tests on machines without it: descriptions as its documentation has them,
// products by plain loops over column-major matrices. FAKE_CUBLASLT_REFUSES makes it find no way for any
// product.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "gpu/half.h"
#include "test/cuda/fake/fake_cuda.h"

namespace {

constexpr int kSuccess = 0, kInvalid = 7, kUnsupported = 15;

struct Product {
  int compute, scale;
  int first_transposed = 0, second_transposed = 0;
};
struct Matrix {
  int type;
  std::uint64_t rows, columns;
  std::int64_t pitch;
  std::int32_t count = 1;
  std::int64_t step = 0;
};
struct Choice {
  std::uint64_t algorithm[8];
  std::size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

float load(const void* data, int type, std::int64_t i) {
  if (type == 0) return static_cast<const float*>(data)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(data)[i];
  return type == 14 ? winnow::gpu::from_bf16(bits) : winnow::gpu::from_fp16(bits);
}

void store(void* data, int type, std::int64_t i, float value) {
  if (type == 0)
    static_cast<float*>(data)[i] = value;
  else
    static_cast<std::uint16_t*>(data)[i] =
        type == 14 ? winnow::gpu::bf16_bits(value) : winnow::gpu::fp16_bits(value);
}

}  // namespace

extern "C" {

int cublasLtCreate(void** handle) {
  *handle = new int(0);
  return kSuccess;
}
int cublasLtDestroy(void* handle) {
  delete static_cast<int*>(handle);
  return kSuccess;
}
std::size_t cublasLtGetVersion() { return 130100; }

int cublasLtMatmulDescCreate(void** product, int compute, int scale) {
  *product = new Product{compute, scale};
  return kSuccess;
}
int cublasLtMatmulDescDestroy(void* product) {
  delete static_cast<Product*>(product);
  return kSuccess;
}
int cublasLtMatmulDescSetAttribute(void* product, int attribute, const void* value, std::size_t bytes) {
  if (bytes != sizeof(int) || (attribute != 3 && attribute != 4)) return kInvalid;
  auto* of = static_cast<Product*>(product);
  std::memcpy(attribute == 3 ? &of->first_transposed : &of->second_transposed, value, bytes);
  return kSuccess;
}

int cublasLtMatrixLayoutCreate(void** matrix, int type, std::uint64_t rows, std::uint64_t columns,
                               std::int64_t pitch) {
  if (pitch < static_cast<std::int64_t>(rows)) return kInvalid;
  *matrix = new Matrix{type, rows, columns, pitch};
  return kSuccess;
}
int cublasLtMatrixLayoutDestroy(void* matrix) {
  delete static_cast<Matrix*>(matrix);
  return kSuccess;
}
int cublasLtMatrixLayoutSetAttribute(void* matrix, int attribute, const void* value, std::size_t bytes) {
  auto* of = static_cast<Matrix*>(matrix);
  if (attribute == 5 && bytes == sizeof of->count)
    std::memcpy(&of->count, value, bytes);
  else if (attribute == 6 && bytes == sizeof of->step)
    std::memcpy(&of->step, value, bytes);
  else
    return kInvalid;
  return kSuccess;
}

int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new int(0);
  return kSuccess;
}
int cublasLtMatmulPreferenceDestroy(void* preference) {
  delete static_cast<int*>(preference);
  return kSuccess;
}
int cublasLtMatmulPreferenceSetAttribute(void*, int attribute, const void*, std::size_t bytes) {
  const bool is_known = (attribute == 1 && bytes == 8) || (attribute >= 5 && attribute <= 8 && bytes == 4);
  return is_known ? kSuccess : kInvalid;
}

int cublasLtMatmulAlgoGetHeuristic(void*, void*, void*, void*, void*, void*, void*, int wanted,
                                   Choice* choices, int* found) {
  const bool refuses = std::getenv("FAKE_CUBLASLT_REFUSES") != nullptr;
  *found = refuses || wanted < 1 ? 0 : 1;
  if (*found == 1) choices[0] = {{0x77}, 0, kSuccess, 1.0f, {}};
  return refuses ? kUnsupported : kSuccess;
}

int cublasLtMatmul(void*, void* product, const void* alpha, const void* a, void* of_a, const void* b,
                   void* of_b, const void* beta, const void* c, void* of_c, void* d, void* of_d,
                   const Choice* choice, void*, std::size_t, CUstream_st* stream) {
  const Product& p = *static_cast<Product*>(product);
  const Matrix &ma = *static_cast<Matrix*>(of_a), &mb = *static_cast<Matrix*>(of_b);
  const Matrix &mc = *static_cast<Matrix*>(of_c), &md = *static_cast<Matrix*>(of_d);
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  const std::uint64_t rows = p.first_transposed != 0 ? ma.columns : ma.rows;
  const std::uint64_t inputs = p.first_transposed != 0 ? ma.rows : ma.columns;
  if (p.compute != 68 || p.scale != 0 || choice->algorithm[0] != 0x77 || md.rows != rows ||
      (p.second_transposed != 0 ? mb.columns : mb.rows) != inputs ||
      (p.second_transposed != 0 ? mb.rows : mb.columns) != md.columns)
    return kInvalid;
  const auto compute = [=, p = p, ma = ma, mb = mb, mc = mc, md = md] {
    const auto at = [](std::uint64_t row, std::uint64_t column, const Matrix& m, std::int32_t batch) {
      return batch * m.step + static_cast<std::int64_t>(column) * m.pitch + static_cast<std::int64_t>(row);
    };
    std::vector<float> left(rows * inputs), right(md.columns * inputs);  // each row and column in one piece
    for (std::int32_t batch = 0; batch < md.count; ++batch) {
      for (std::uint64_t row = 0; row < rows; ++row)
        for (std::uint64_t k = 0; k < inputs; ++k)
          left[row * inputs + k] =
              load(a, ma.type, p.first_transposed != 0 ? at(k, row, ma, batch) : at(row, k, ma, batch));
      for (std::uint64_t column = 0; column < md.columns; ++column)
        for (std::uint64_t k = 0; k < inputs; ++k)
          right[column * inputs + k] = load(
              b, mb.type, p.second_transposed != 0 ? at(column, k, mb, batch) : at(k, column, mb, batch));
      for (std::uint64_t row = 0; row < rows; ++row)
        for (std::uint64_t column = 0; column < md.columns; ++column) {
          const float* const first = left.data() + row * inputs;
          float value =
              scale * std::inner_product(first, first + inputs, right.data() + column * inputs, 0.0f);
          if (keep != 0.0f) value += keep * load(c, mc.type, at(row, column, mc, batch));
          store(d, md.type, at(row, column, md, batch), value);
        }
    }
    return kSuccess;
  };
  if (stream->capture == nullptr) return compute();
  stream->capture->push_back(compute);
  return kSuccess;
}

}  // extern "C"
