// Layers that the parts of a detection model are made of, and how they are read from a checkpoint.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/tensor_reader.h"
#include "ops/backend.h"
#include "ops/workspace.h"

namespace winnow {

// LayerNorm over the channels of every pixel, in the backend's memory.
struct ChannelNorm {
  float* weight = nullptr;
  float* bias = nullptr;
};

// A convolution without a bias and the norm behind it.
struct NormedConvolution {
  std::unique_ptr<Convolution> convolution;
  ChannelNorm norm;
};

void norm_map(Backend& backend, Tensor map, const ChannelNorm& norm, Activation activation);
void convolve_and_norm(Backend& backend, Tensor x, const NormedConvolution& layer, Activation activation,
                       Tensor out);

// Two pieces of the backend's memory that the parts of a model use one after another: a layer's input and its
// output.
struct Scratch {
  Tensor first, second;
};

// A tensor's values in the program's memory.
std::vector<float> read_back(Backend& backend, Tensor tensor);

// Part of a scratch tensor, or all of it, in another shape.
inline Tensor shaped(Tensor scratch, std::initializer_list<int> shape) { return {scratch.data(), shape}; }

// Hands named tensors to the backend; the first failure stays in the reader. `name` is what comes before
// `.weight`.
class LayerReader {
 public:
  LayerReader(TensorReader& read, Backend& backend) : read_(read), backend_(backend) {}

  bool good() const { return static_cast<bool>(read_.status); }
  void fail(Error error) {
    if (good()) read_.status = std::move(error);
  }
  // A tensor as the checkpoint has it, or null after a failure.
  const float* tensor(const std::string& name, const Weights::Shape& shape) { return read_(name, shape); }

  void read(std::unique_ptr<Convolution>& place, const std::string& name, int outputs, int inputs, int kernel,
            bool biased = true);
  void read(std::unique_ptr<Upsampling>& place, const std::string& name, int outputs, int inputs);
  void read(std::unique_ptr<Linear>& place, const std::string& name, int outputs, int inputs);
  void read(NormedConvolution& place, const std::string& name, int outputs, int inputs, int kernel);
  // Its vectors are there after place_norms().
  void read(ChannelNorm& place, const std::string& name, int channels);
  // A layer over all values of a [side, side, channels] map; the checkpoint has them as [channels, side,
  // side]. A convolution over pixels of side^2 channels values, so that it has the backend's precision.
  void read_over_map(std::unique_ptr<Convolution>& place, const std::string& name, int outputs, int channels,
                     int side);

  void make_linear(std::unique_ptr<Linear>& place, const float* weight, const float* bias, int outputs,
                   int inputs) {
    keep(place, backend_.make_linear(weight, bias, outputs, inputs));
  }
  // Writes the norms read so far into `constants`.
  Status place_norms(Workspace& constants);

 private:
  struct Vector {
    float** place;
    const float* values;
    int length;
  };
  // Moves what the backend made into its place, or keeps its failure.
  template <typename Layer>
  void keep(std::unique_ptr<Layer>& place, Result<std::unique_ptr<Layer>> made) {
    if (made)
      place = std::move(*made);
    else
      read_.status = made.error();
  }

  TensorReader& read_;
  Backend& backend_;
  std::vector<Vector> vectors_;
};

}  // namespace winnow
