#include "model/detection/detection_layers.h"

namespace winnow {
namespace {

constexpr float kEpsilon = 1e-6f;  // of every LayerNorm in these models

}  // namespace

void norm_map(Backend& backend, Tensor map, const ChannelNorm& norm, Activation activation) {
  backend.norm_channels(map, norm.weight, norm.bias, kEpsilon, activation, map);
}

void convolve_and_norm(Backend& backend, Tensor x, const NormedConvolution& layer, Activation activation,
                       Tensor out) {
  backend.convolve(x, *layer.convolution, Activation::none, out);
  norm_map(backend, out, layer.norm, activation);
}

std::vector<float> read_back(Backend& backend, Tensor tensor) {
  std::vector<float> values(tensor.size());
  backend.read(values.data(), tensor.data(), values.size() * sizeof(float));
  return values;
}

void LayerReader::read(std::unique_ptr<Convolution>& place, const std::string& name, int outputs, int inputs,
                       int kernel, bool biased) {
  const float* weight = read_(name + ".weight", {outputs, inputs, kernel, kernel});
  const float* bias = biased ? read_(name + ".bias", {outputs}) : nullptr;
  if (good()) keep(place, backend_.make_convolution(weight, bias, outputs, inputs, kernel));
}

void LayerReader::read(std::unique_ptr<Upsampling>& place, const std::string& name, int outputs, int inputs) {
  const float* weight = read_(name + ".weight", {inputs, outputs, 2, 2});
  const float* bias = read_(name + ".bias", {outputs});
  if (good()) keep(place, backend_.make_upsampling(weight, bias, inputs, outputs));
}

void LayerReader::read(std::unique_ptr<Linear>& place, const std::string& name, int outputs, int inputs) {
  const float* weight = read_(name + ".weight", {outputs, inputs});
  const float* bias = read_(name + ".bias", {outputs});
  if (good()) keep(place, backend_.make_linear(weight, bias, outputs, inputs));
}

void LayerReader::read(NormedConvolution& place, const std::string& name, int outputs, int inputs,
                       int kernel) {
  read(place.convolution, name, outputs, inputs, kernel, /*biased=*/false);
  read(place.norm, name + ".norm", outputs);
}

void LayerReader::read(ChannelNorm& place, const std::string& name, int channels) {
  vectors_.push_back({&place.weight, read_(name + ".weight", {channels}), channels});
  vectors_.push_back({&place.bias, read_(name + ".bias", {channels}), channels});
}

void LayerReader::read_over_map(std::unique_ptr<Convolution>& place, const std::string& name, int outputs,
                                int channels, int side) {
  const int pixels = side * side, inputs = pixels * channels;
  const float* weight = read_(name + ".weight", {outputs, inputs});
  const float* bias = read_(name + ".bias", {outputs});
  if (!good()) return;
  std::vector<float> ordered(static_cast<std::size_t>(outputs) * inputs);
  for (int o = 0; o < outputs; ++o) {
    const float* from = weight + static_cast<std::size_t>(o) * inputs;
    float* to = ordered.data() + static_cast<std::size_t>(o) * inputs;
    for (int pixel = 0; pixel < pixels; ++pixel)
      for (int c = 0; c < channels; ++c) *to++ = from[c * pixels + pixel];
  }
  keep(place, backend_.make_convolution(ordered.data(), bias, outputs, inputs, 1));
}

Status LayerReader::place_norms(Workspace& constants) {
  const Status placed = constants.lay_out([&] {
    for (const Vector& vector : vectors_) *vector.place = constants.take<float>({vector.length}).data();
  });
  if (!placed) return placed;
  for (const Vector& vector : vectors_)
    backend_.write(*vector.place, vector.values, vector.length * sizeof(float));
  return ok();
}

}  // namespace winnow
