#include "cpu/packed_linear.h"

#include <algorithm>
#include <cmath>

namespace winnow::cpu {
namespace {

using dnnl::memory;

constexpr int kTypicalRows = 64;  // oneDNN's packing does not depend on it on the processors that pack at all

memory::desc matrix(int rows, int columns, Element element) {
  return {{rows, columns}, type_of(element), memory::format_tag::ab};
}

// weight [outputs, inputs] to -127..127 with a scale for each output.
std::vector<std::int8_t> quantise(const float* weight, int outputs, int inputs, std::vector<float>& scales) {
  std::vector<std::int8_t> quantised(static_cast<std::size_t>(outputs) * inputs);
  scales.assign(outputs, 1.0f);
  for (int o = 0; o < outputs; ++o) {
    const float* row = weight + static_cast<std::size_t>(o) * inputs;
    float largest = 0.0f;
    for (int i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(row[i]));
    if (largest > 0.0f) scales[o] = largest / 127.0f;
    for (int i = 0; i < inputs; ++i)
      quantised[static_cast<std::size_t>(o) * inputs + i] =
          static_cast<std::int8_t>(std::lround(row[i] / scales[o]));
  }
  return quantised;
}

}  // namespace

Result<std::unique_ptr<PackedLinear>> PackedLinear::create(const float* weight, const float* bias,
                                                           int outputs, int inputs, Types types) {
  try {
    std::unique_ptr<PackedLinear> linear(new PackedLinear);
    linear->outputs = outputs;
    linear->inputs = inputs;
    linear->types_ = types;
    linear->pack(weight, bias);
    return linear;
  } catch (const dnnl::error& problem) {
    return Error{ErrorCode::engine, "Expected oneDNN to pack a matrix of " + std::to_string(outputs) + " x " +
                                        std::to_string(inputs) + ", but: " + problem.what() + "."};
  }
}

void PackedLinear::pack(const float* weight, const float* bias) {
  if (bias != nullptr) {
    bias_ = memory({{outputs}, memory::data_type::f32, memory::format_tag::a}, engine());
    std::copy_n(bias, outputs, static_cast<float*>(bias_.get_data_handle()));
  }
  std::vector<std::int8_t> quantised;
  if (types_.x == Element::int8) {
    quantised = quantise(weight, outputs, inputs, scales_);
    scale_memory_ =
        memory({{outputs}, memory::data_type::f32, memory::format_tag::a}, engine(), scales_.data());
  }
  const auto best = describe(kTypicalRows, {{outputs, inputs}, type_of(types_.x), memory::format_tag::any});
  weights_ = memory(best.weights_desc(), engine());
  memory plain = types_.x == Element::int8
                     ? memory(matrix(outputs, inputs, Element::int8), engine(), quantised.data())
                     : memory(matrix(outputs, inputs, Element::fp32), engine(), const_cast<float*>(weight));
  dnnl::stream stream(engine());
  dnnl::reorder(plain, weights_).execute(stream, plain, weights_);
  stream.wait();
}

dnnl::inner_product_forward::primitive_desc PackedLinear::describe(int rows,
                                                                   const memory::desc& weights) const {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (types_.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const memory::desc x = matrix(rows, inputs, types_.x), out = matrix(rows, outputs, types_.out);
  const memory::desc bias = bias_ ? bias_.get_desc() : memory::desc();
  constexpr auto kInference = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  if (types_.x == Element::int8) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, 1 << 0);  // one for each output
  return {engine(), kInference, x, weights, bias, out, attributes};
#else
  if (types_.x == Element::int8) attributes.set_output_scales(1 << 1, scales_);  // one for each output
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
#if DNNL_VERSION_MAJOR >= 3
    if (types_.x == Element::int8)
      operands.arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, scale_memory_);
#endif
    product.threads.push_back(std::move(operands));
  }
}

void PackedLinear::run(int rows, const void* x, void* out, int thread) const {
  static thread_local dnnl::stream stream(engine());
  const Product& product = products_.at(rows);
  const Product::Operands& operands = product.threads[thread];
  operands.x.set_data_handle(const_cast<void*>(x));
  operands.out.set_data_handle(out);
  product.primitive.execute(stream, operands.arguments);
}

}  // namespace winnow::cpu
