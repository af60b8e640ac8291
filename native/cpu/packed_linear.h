// A weight matrix packed for oneDNN, and the product with it on one thread.
#pragma once

#include <dnnl.hpp>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cpu/onednn.h"
#include "ops/backend.h"

namespace winnow::cpu {

class PackedLinear : public Linear {
 public:
  struct Types {
    Element x = Element::fp32;    // of the rows that come in, and of the packed weight
    Element out = Element::fp32;  // fp32 or bf16
    bool accumulate = false;      // out += instead of out =; fp32 only
  };
  // weight [outputs, inputs], bias [outputs] or null, both fp32. An int8 weight is scaled per output,
  // symmetrically; the product gives that scale back, not the one of x. Fails with engine when oneDNN cannot.
  static Result<std::unique_ptr<PackedLinear>> create(const float* weight, const float* bias, int outputs,
                                                      int inputs, Types types);

  // Makes the product of this many rows possible on `threads` threads; allocates when it is the first time.
  void prepare(int rows, int threads) const;
  // out [rows, outputs] = x [rows, inputs] W^T + bias; both dense. Row counts must have been prepared.
  void run(int rows, const void* x, void* out, int thread) const;

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
  void pack(const float* weight, const float* bias);

  Types types_;
  dnnl::memory weights_, bias_;
  std::vector<float> scales_;                // [outputs], of an int8 weight
  dnnl::memory scale_memory_;                // the same for oneDNN 3, which takes it at run time
  mutable std::map<int, Product> products_;  // by rows
};

}  // namespace winnow::cpu
