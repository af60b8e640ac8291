#include "cpu/packed_convolution.h"

#include <algorithm>

namespace winnow::cpu {
namespace {

using dnnl::memory;

constexpr Band kTypicalBand = {8, 64, 0, 0, Activation::none};

memory reordered(const memory& from, const memory::desc& wanted) {
  memory to(wanted, engine());
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, const_cast<memory&>(from), to);
  stream.wait();
  return to;
}

void append(dnnl::post_ops& steps, dnnl::algorithm algorithm) {
#if DNNL_VERSION_MAJOR >= 3
  steps.append_eltwise(algorithm, 0.0f, 0.0f);
#else
  steps.append_eltwise(1.0f, algorithm, 0.0f, 0.0f);
#endif
}

}  // namespace

Result<std::unique_ptr<PackedConvolution>> PackedConvolution::create(const float* weight, const float* bias,
                                                                     int outputs, int inputs, int kernel,
                                                                     Element element) {
  try {
    std::unique_ptr<PackedConvolution> made(new PackedConvolution);
    made->outputs = outputs;
    made->inputs = inputs;
    made->kernel = kernel;
    made->element_ = element;
    made->bias_ = memory({{outputs}, memory::data_type::f32, memory::format_tag::a}, engine());
    float* values = static_cast<float*>(made->bias_.get_data_handle());
    bias == nullptr ? std::fill_n(values, outputs, 0.0f) : std::copy_n(bias, outputs, values);
    const memory plain({{outputs, inputs, kernel, kernel}, memory::data_type::f32, memory::format_tag::oihw},
                       engine(), const_cast<float*>(weight));
    made->packings_.push_back(reordered(plain, made->describe(kTypicalBand).weights_desc()));
    return made;
  } catch (const dnnl::error& problem) {
    return Error{ErrorCode::engine, "Expected oneDNN to pack a " + std::to_string(kernel) + " x " +
                                        std::to_string(kernel) + " convolution of " + std::to_string(inputs) +
                                        " to " + std::to_string(outputs) +
                                        " channels, but: " + problem.what() + "."};
  }
}

dnnl::convolution_forward::primitive_desc PackedConvolution::describe(const Band& band) const {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops steps;
  if (band.activation == Activation::gelu) append(steps, dnnl::algorithm::eltwise_gelu_erf);
  if (band.activation == Activation::relu) append(steps, dnnl::algorithm::eltwise_relu);
  attributes.set_post_ops(steps);
  const int side = kernel / 2;
  const memory::desc x({1, inputs, band.above + band.rows + band.below, band.columns}, type_of(element_),
                       memory::format_tag::nhwc);
  const memory::desc weights({outputs, inputs, kernel, kernel}, type_of(element_), memory::format_tag::any);
  const memory::desc out({1, outputs, band.rows, band.columns}, memory::data_type::f32,
                         memory::format_tag::nhwc);
  const memory::dims strides = {1, 1}, before = {side - band.above, side}, after = {side - band.below, side};
  constexpr auto kInference = dnnl::prop_kind::forward_inference;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kInference, kDirect, x,     weights,   bias_.get_desc(),
          out,      strides,    before,  after, attributes};
#else
  return {
      {kInference, kDirect, x, weights, bias_.get_desc(), out, strides, before, after}, attributes, engine()};
#endif
}

const memory& PackedConvolution::packed(const memory::desc& wanted) const {
  const auto found = std::find_if(packings_.begin(), packings_.end(),
                                  [&](const memory& packing) { return packing.get_desc() == wanted; });
  if (found != packings_.end()) return *found;
  return packings_.emplace_back(reordered(packings_.front(), wanted));
}

void PackedConvolution::prepare(const Band& band, int threads) const {
  if (products_.contains(band)) return;
  const auto description = describe(band);
  const memory& weights = packed(description.weights_desc());
  Product& product = products_[band];
  product.primitive = dnnl::convolution_forward(description);
  for (int thread = 0; thread < threads; ++thread) {
    Product::Operands operands{memory(description.src_desc(), engine(), nullptr),
                               memory(description.dst_desc(), engine(), nullptr),
                               memory(description.scratchpad_desc(), engine()),
                               {}};
    operands.arguments = {{DNNL_ARG_SRC, operands.x},
                          {DNNL_ARG_WEIGHTS, weights},
                          {DNNL_ARG_BIAS, bias_},
                          {DNNL_ARG_DST, operands.out},
                          {DNNL_ARG_SCRATCHPAD, operands.scratch}};
    product.threads.push_back(std::move(operands));
  }
}

void PackedConvolution::run(const Band& band, const void* x, float* out, int thread) const {
  static thread_local dnnl::stream stream(engine());
  const Product& product = products_.at(band);
  const Product::Operands& operands = product.threads[thread];
  operands.x.set_data_handle(const_cast<void*>(x));
  operands.out.set_data_handle(out);
  product.primitive.execute(stream, operands.arguments);
}

}  // namespace winnow::cpu
