#include "cpu/packed_linear.h"

#include <algorithm>

namespace winnow::cpu {
namespace {

using dnnl::memory;

constexpr auto kFloat = memory::data_type::f32;
constexpr int kTypicalRows = 64;  // oneDNN's packing does not depend on it on the processors that pack at all

// Outlives every primitive: oneDNN keeps bare pointers to it.
const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory::desc matrix(int rows, int columns) { return {{rows, columns}, kFloat, memory::format_tag::ab}; }

}  // namespace

Result<std::unique_ptr<PackedLinear>> PackedLinear::create(const float* weight, const float* bias,
                                                           int outputs, int inputs, bool accumulate) {
  try {
    std::unique_ptr<PackedLinear> linear(new PackedLinear);
    linear->outputs = outputs;
    linear->inputs = inputs;
    linear->accumulate_ = accumulate;
    dnnl::stream stream(engine());
    if (bias != nullptr) {
      linear->bias_ = memory({{outputs}, kFloat, memory::format_tag::a}, engine());
      std::copy_n(bias, outputs, static_cast<float*>(linear->bias_.get_data_handle()));
    }
    const auto best = linear->describe(kTypicalRows, {{outputs, inputs}, kFloat, memory::format_tag::any});
    linear->weights_ = memory(best.weights_desc(), engine());
    memory plain(matrix(outputs, inputs), engine(), const_cast<float*>(weight));
    dnnl::reorder(plain, linear->weights_).execute(stream, plain, linear->weights_);
    stream.wait();
    return linear;
  } catch (const dnnl::error& problem) {
    return Error{ErrorCode::engine, "Expected oneDNN to pack a matrix of " + std::to_string(outputs) + " x " +
                                        std::to_string(inputs) + ", but: " + problem.what() + "."};
  }
}

dnnl::inner_product_forward::primitive_desc PackedLinear::describe(int rows,
                                                                   const memory::desc& weights) const {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate_) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const memory::desc x = matrix(rows, inputs), out = matrix(rows, outputs);
  const memory::desc bias = bias_ ? bias_.get_desc() : memory::desc();
  constexpr auto kInference = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kInference, x, weights, bias, out, attributes};
#else
  return {{kInference, x, weights, bias, out}, attributes, engine()};
#endif
}

void PackedLinear::prepare(int rows, int threads) const {
  if (products_.contains(rows)) return;
  const auto description = describe(rows, weights_.get_desc());
  Product& product = products_[rows];
  product.primitive = dnnl::inner_product_forward(description);
  for (int thread = 0; thread < threads; ++thread) {
    Product::Operands operands{memory(description.src_desc(), engine(), nullptr),
                               memory(description.dst_desc(), engine(), nullptr),
                               memory(description.scratchpad_desc(), engine()),
                               {}};
    operands.arguments = {{DNNL_ARG_SRC, operands.x},
                          {DNNL_ARG_WEIGHTS, weights_},
                          {DNNL_ARG_DST, operands.out},
                          {DNNL_ARG_SCRATCHPAD, operands.scratch}};
    if (bias_) operands.arguments.emplace(DNNL_ARG_BIAS, bias_);
    product.threads.push_back(std::move(operands));
  }
}

void PackedLinear::run(int rows, const float* x, float* out, int thread) const {
  static thread_local dnnl::stream stream(engine());
  const Product& product = products_.at(rows);
  const Product::Operands& operands = product.threads[thread];
  operands.x.set_data_handle(const_cast<float*>(x));
  operands.out.set_data_handle(out);
  product.primitive.execute(stream, operands.arguments);
}

}  // namespace winnow::cpu
