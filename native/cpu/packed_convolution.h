// A K x K convolution's weight packed for oneDNN, and the convolution of a band of rows with it on one
// thread.
#pragma once

#include <compare>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cpu/onednn.h"
#include "ops/backend.h"

namespace winnow::cpu {

// Rows of an output map and what surrounds them.
struct Band {
  int rows, columns;
  int above,
      below;  // rows of the input there are before and after them, at most K / 2; missing ones are zeros
  Activation activation;
  auto operator<=>(const Band&) const = default;
};

class PackedConvolution : public Convolution {
 public:
  // weight [outputs, inputs, K, K], bias [outputs] or null, both fp32; K odd. `element` is fp32 or bf16.
  // Fails with engine when oneDNN cannot.
  static Result<std::unique_ptr<PackedConvolution>> create(const float* weight, const float* bias,
                                                           int outputs, int inputs, int kernel,
                                                           Element element);

  Element element() const { return element_; }  // of the rows that come in
  // Makes bands of this shape possible on `threads` threads; allocates when it is the first time.
  void prepare(const Band& band, int threads) const;
  // out [rows, columns, outputs] fp32 from x [above + rows + below, columns, inputs], both dense. Bands must
  // have been prepared.
  void run(const Band& band, const void* x, float* out, int thread) const;

 private:
  // One shape: the primitive and each thread's handles on its operands.
  struct Product {
    dnnl::convolution_forward primitive;
    struct Operands {
      dnnl::memory x, out, scratch;
      std::unordered_map<int, dnnl::memory> arguments;
    };
    std::vector<Operands> threads;
  };
  PackedConvolution() = default;
  dnnl::convolution_forward::primitive_desc describe(const Band& band) const;
  // The weight as `wanted` orders it.
  const dnnl::memory& packed(const dnnl::memory::desc& wanted) const;

  Element element_ = Element::fp32;
  dnnl::memory bias_;
  mutable std::vector<dnnl::memory> packings_;  // the weight, once for each order that oneDNN has asked for
  mutable std::map<Band, Product> products_;
};

}  // namespace winnow::cpu
