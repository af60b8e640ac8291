// A weight matrix packed for oneDNN, and the product with it on one thread.
#pragma once

#include <dnnl.hpp>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ops/backend.h"

namespace winnow::cpu {

class PackedLinear : public Linear {
 public:
  // weight [outputs, inputs], bias [outputs] or null; out += instead of out = with `accumulate`.
  // Fails with engine when oneDNN cannot.
  static Result<std::unique_ptr<PackedLinear>> create(const float* weight, const float* bias, int outputs,
                                                      int inputs, bool accumulate = false);

  // Makes the product of this many rows possible on `threads` threads; allocates when it is the first time.
  void prepare(int rows, int threads) const;
  // out [rows, outputs] = x [rows, inputs] W^T + bias; both dense. Row counts must have been prepared.
  void run(int rows, const float* x, float* out, int thread) const;

 private:
  // One row count: the primitive and each thread's handles on its operands.
  struct Product {
    dnnl::inner_product_forward primitive;
    struct Operands {
      dnnl::memory x, out, scratch;
      std::unordered_map<int, dnnl::memory> arguments;
    };
    std::vector<Operands> threads;
  };
  PackedLinear() = default;
  dnnl::inner_product_forward::primitive_desc describe(int rows, const dnnl::memory::desc& weights) const;

  bool accumulate_ = false;
  dnnl::memory weights_, bias_;
  mutable std::map<int, Product> products_;  // by rows
};

}  // namespace winnow::cpu
