#include "train/detection/map_layers.h"

#include <algorithm>

namespace winnow::train {

MapLayers::MapLayers(ParameterTable& table, Operations& operations, double epsilon)
    : table_(table),
      ops_(operations),
      maps_(operations),
      epsilon_(epsilon),
      begin_(table.size()),
      parts_(operations),
      memories_(operations.threads()) {}

MapLayers::Map MapLayers::add_map(const MapShape& shape) {
  const Map map{size_, shape};
  size_ += shape.size();
  return map;
}

std::size_t MapLayers::add(const std::string& name, const Weights::Shape& shape) {
  const std::size_t at = table_.add(name, shape, begin_);
  parameters_ = table_.size() - begin_;
  return at;
}

MapLayers::Map MapLayers::add_layer(Layer layer, const MapShape& out) {
  layer.out = add_map(out);
  layers_.push_back(layer);
  return layer.out;
}

MapLayers::NormedConvolution MapLayers::add_normed_convolution(const std::string& name, int outputs,
                                                               int inputs, int kernel) {
  const std::size_t weight = add(name + ".weight", {outputs, inputs, kernel, kernel}),
                    norm_weight = add(name + ".norm.weight", {outputs});
  if (kernel == 3) prepared_layers_.push_back({Kind::convolution, inputs, outputs, weight});
  return {outputs, kernel, weight, norm_weight, add(name + ".norm.bias", {outputs})};
}

MapLayers::Map MapLayers::apply(const NormedConvolution& convolution, const Map& x, bool relu) {
  const auto& [outputs, kernel, weight, norm_weight, norm_bias] = convolution;
  Layer layer{kernel == 3 ? Kind::convolution : Kind::linear, x, {}};
  layer.weight = weight;
  if (kernel == 3) products_size_ = std::max(products_size_, MapOperations::convolution_memory(x.shape));
  const MapShape out{x.shape.height, x.shape.width, outputs};
  return add_layer({Kind::norm, add_layer(layer, out), {}, relu, norm_weight, norm_bias}, out);
}

MapLayers::Map MapLayers::norm(const std::string& name, const Map& x, bool relu) {
  Layer layer{Kind::norm, x, {}, relu};
  layer.weight = add(name + ".weight", {x.shape.channels});
  layer.bias = add(name + ".bias", {x.shape.channels});
  return add_layer(layer, x.shape);
}

MapLayers::Map MapLayers::upsample(const std::string& name, const Map& x, int outputs) {
  Layer layer{Kind::upsampling, x, {}};
  layer.weight = add(name + ".weight", {x.shape.channels, outputs, 2, 2});
  layer.bias = add(name + ".bias", {outputs});
  prepared_layers_.push_back({Kind::upsampling, x.shape.channels, outputs, layer.weight});
  products_size_ = std::max(products_size_, MapOperations::upsampling_memory(x.shape, outputs));
  return add_layer(layer, {2 * x.shape.height, 2 * x.shape.width, outputs});
}

MapLayers::Map MapLayers::max_pool(const Map& x) {
  Layer layer{Kind::pool, x, {}};
  layer.which = which_size_;
  const MapShape out{x.shape.height / 2, x.shape.width / 2, x.shape.channels};
  which_size_ += out.size();
  return add_layer(layer, out);
}

void MapLayers::linear(std::size_t weight, std::size_t bias, const Map& x, const Map& out, bool relu) {
  layers_.push_back({Kind::linear, x, out, relu, weight, bias});
}

void MapLayers::image_forward(int image, float* products) {
  float* values = kept_.data() + image * size_;
  const float* w = prepared_.data();
  for (const Layer& layer : layers_) {
    const auto& [kind, x, out, relu, weight, bias, which] = layer;
    const float* from = values + x.at;
    float* to = values + out.at;
    const int pixels = static_cast<int>(x.shape.pixels()), inputs = x.shape.channels,
              outputs = out.shape.channels;
    switch (kind) {
      case Kind::convolution:
        maps_.convolve(x.shape, outputs, from, w + weight, nullptr, to, products);
        break;
      case Kind::linear:
        ops_.linear({pixels, inputs, outputs, inputs}, from, w + weight, or_null(w, bias), false, to);
        break;
      case Kind::upsampling:
        maps_.upsample(x.shape, outputs, from, w + weight, w + bias, to, products);
        break;
      case Kind::norm:
        MapOperations::norm_channels(pixels, inputs, from, w + weight, w + bias, epsilon_, to);
        break;
      case Kind::pool:
        MapOperations::max_pool(x.shape, from, to, which_.data() + image * which_size_ + which);
        break;
    }
    if (relu) MapOperations::relu(out.shape.size(), to, to);
  }
}

void MapLayers::forward(const std::vector<float>& weights, const Map& x, const float* input, int images) {
  fit(prepared_, parameters_);
  std::copy_n(weights.data() + begin_, parameters_, prepared_.begin());
  for (const auto& [kind, inputs, outputs, weight] : prepared_layers_) {
    const float* given = weights.data() + begin_ + weight;
    if (kind == Kind::convolution)
      MapOperations::prepare_convolution(outputs, inputs, given, prepared_.data() + weight);
    else
      MapOperations::prepare_upsampling(inputs, outputs, given, prepared_.data() + weight);
  }
  parts_.lay_out(images, parameters_);
  fit(kept_, images * size_);
  fit(which_, images * which_size_);
  parts_.run([&](ImageRange range, int, int thread) {
    AlignedFloats& products = memories_[thread].products;
    fit(products, products_size_);
    for (int b = range.first; b < range.last; ++b) {
      std::copy_n(input + b * x.shape.size(), x.shape.size(), kept_.data() + b * size_ + x.at);
      image_forward(b, products.data());
    }
  });
}

void MapLayers::image_backward(int image, float* d_values, float* d_weights, float* products) {
  const float* values = kept_.data() + image * size_;
  const float* w = prepared_.data();
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    const auto& [kind, x, out, relu, weight, bias, which] = *layer;
    const float* from = values + x.at;
    float *d_out = d_values + out.at, *d_x = d_values + x.at;
    const int pixels = static_cast<int>(x.shape.pixels()), inputs = x.shape.channels,
              outputs = out.shape.channels;
    if (relu) MapOperations::relu_gradient(out.shape.size(), values + out.at, d_out, d_out);
    float* d_weight = d_weights + weight;
    float* d_bias = bias == kNone ? nullptr : d_weights + bias;
    switch (kind) {
      case Kind::convolution:
        maps_.convolve_gradient(x.shape, outputs, from, w + weight, d_out, d_x, d_weight, d_bias, products);
        break;
      case Kind::linear: {
        const LinearShape shape{pixels, inputs, outputs, inputs};
        ops_.linear_weight_gradient(shape, d_out, from, d_weight, d_bias);
        ops_.linear_input_gradient(shape, d_out, w + weight, true, d_x);
        break;
      }
      case Kind::upsampling:
        maps_.upsample_gradient(x.shape, outputs, from, w + weight, d_out, d_x, d_weight, d_bias, products);
        break;
      case Kind::norm:
        MapOperations::norm_channels_gradient(pixels, inputs, from, w + weight, epsilon_, d_out, d_x,
                                              d_weight, d_bias);
        break;
      case Kind::pool:
        MapOperations::max_pool_gradient(x.shape, which_.data() + image * which_size_ + which, d_out, d_x);
        break;
    }
  }
}

void MapLayers::backward(const Map& x, std::size_t said, const float* d_outputs, AlignedFloats& d_input,
                         std::vector<float>& gradients) {
  fit(d_input, kept_.size() / size_ * x.shape.size());
  parts_.clear(parameters_);
  parts_.run([&](ImageRange range, int index, int thread) {
    auto& [d_values, products] = memories_[thread];
    fit(d_values, size_);
    fit(products, products_size_);
    for (int b = range.first; b < range.last; ++b) {
      std::copy_n(d_outputs + b * said, said, d_values.begin());
      std::fill(d_values.begin() + static_cast<std::ptrdiff_t>(said), d_values.end(), 0.0f);
      image_backward(b, d_values.data(), parts_.partial(index), products.data());
      std::copy_n(d_values.data() + x.at, x.shape.size(), d_input.data() + b * x.shape.size());
    }
  });
  const float* sum = parts_.add_up(parameters_);
  float* d = gradients.data() + begin_;
  std::copy_n(sum, parameters_, d);
  for (const auto& [kind, inputs, outputs, weight] : prepared_layers_) {
    const int taps = kind == Kind::convolution ? 9 : 4;
    std::fill_n(d + weight, offset(taps * inputs, outputs), 0.0f);
    if (kind == Kind::convolution)
      MapOperations::finish_convolution(outputs, inputs, sum + weight, d + weight);
    else
      MapOperations::finish_upsampling(inputs, outputs, sum + weight, d + weight);
  }
}

std::size_t MapLayers::bytes() const {
  std::size_t floats = prepared_.capacity() + kept_.capacity();
  for (const Memory& m : memories_) floats += m.gradients.capacity() + m.products.capacity();
  return floats * sizeof(float) + which_.capacity() + parts_.bytes();
}

}  // namespace winnow::train
