// Operations on feature maps [H, W, C], the channels of a pixel side by side, and their gradients: what the
// heads of segmentation and detection models are made of. Each is on the calling thread, of one image, but
// where it says so; products are those of the Operations given. As there, gradients of weights are added to
// what is there, and those of maps as well.
//
// T is float but where tests take finite differences.
#pragma once

#include <cstdint>
#include <vector>

#include "train/operations/operations.h"

namespace winnow::train {

struct MapShape {
  int height, width, channels;
  std::size_t pixels() const { return static_cast<std::size_t>(height) * width; }
  std::size_t size() const { return pixels() * channels; }
};

// What an image's labelled pixels say of its scores.
struct PixelLoss {
  double sum;          // of their cross entropies
  std::int64_t right;  // pixels whose best class is their label, the first of equals
};

// What a batch normalisation keeps for its gradient, per channel.
template <typename T>
struct BatchMomentsOf {
  std::vector<T> mean, scale;  // scale: 1 / sqrt(variance + epsilon)
};

template <typename T>
class MapOperationsOf {
 public:
  explicit MapOperationsOf(OperationsOf<T>& operations) : ops_(operations) {}

  // A checkpoint's weight [outputs, inputs, 3, 3] as convolve wants it, [outputs, 9, inputs]; and its
  // gradient back, added.
  static void prepare_convolution(int outputs, int inputs, const T* weight, T* prepared);
  static void finish_convolution(int outputs, int inputs, const T* d_prepared, T* d_weight);
  // Likewise of a weight [inputs, outputs, 2, 2], as upsample wants it: [4, outputs, inputs].
  static void prepare_upsampling(int inputs, int outputs, const T* weight, T* prepared);
  static void finish_upsampling(int inputs, int outputs, const T* d_prepared, T* d_weight);

  // Numbers that a convolution of a map and its gradient work in, and likewise an upsampling.
  static std::size_t convolution_memory(const MapShape& shape);
  static std::size_t upsampling_memory(const MapShape& shape, int outputs) {
    return shape.pixels() * 4 * outputs;
  }

  // out [H, W, outputs] = the 3 x 3 convolution of x, zeros around it, plus bias (or null).
  void convolve(const MapShape& shape, int outputs, const T* x, const T* weight, const T* bias, T* out,
                T* memory) const;
  void convolve_gradient(const MapShape& shape, int outputs, const T* x, const T* weight, const T* d_out,
                         T* d_x, T* d_weight, T* d_bias, T* memory) const;
  // out [2H, 2W, outputs]: the transposed 2 x 2 convolution of stride 2, plus bias (or null).
  void upsample(const MapShape& shape, int outputs, const T* x, const T* weight, const T* bias, T* out,
                T* memory) const;
  void upsample_gradient(const MapShape& shape, int outputs, const T* x, const T* weight, const T* d_out,
                         T* d_x, T* d_weight, T* d_bias, T* memory) const;

  // out [H/2, W/2, C] = the largest of every 2 x 2 pixels, and which of the four it is: the first of equals.
  static void max_pool(const MapShape& shape, const T* x, T* out, std::uint8_t* which);
  static void max_pool_gradient(const MapShape& shape, const std::uint8_t* which, const T* d_out, T* d_x);
  // out [P, Q, C] = means of rows floor(i H / P) .. ceil((i + 1) H / P) - 1, and columns likewise.
  static void average_pool(const MapShape& shape, int height, int width, const T* x, T* out);
  static void average_pool_gradient(const MapShape& shape, int height, int width, const T* d_out, T* d_x);
  // out [P, Q, C] = x, or out += x, bilinear as Backend::resize_map does.
  static void resize(const MapShape& shape, int height, int width, const T* x, bool add, T* out);
  static void resize_gradient(const MapShape& shape, int height, int width, const T* d_out, T* d_x);

  // out = max(x, 0); out may be x. d_x replaces what is there, and may be d_out.
  static void relu(std::size_t count, const T* x, T* out);
  static void relu_gradient(std::size_t count, const T* x, const T* d_out, T* d_x);
  // LayerNorm over the channels of every row, with an epsilon of its own; out may be x.
  static void norm_channels(int rows, int channels, const T* x, const T* weight, const T* bias,
                            double epsilon, T* out);
  static void norm_channels_gradient(int rows, int channels, const T* x, const T* weight, double epsilon,
                                     const T* d_out, T* d_x, T* d_weight, T* d_bias);

  // On all threads, over the rows of a whole batch: normalised by their own mean and variance per channel,
  // which the running ones (or null) go towards by `momentum`, of the variance its unbiased form, as PyTorch
  // has it. At least two rows.
  void batch_norm(int rows, int channels, const T* x, const T* weight, const T* bias, double epsilon,
                  double momentum, T* running_mean, T* running_variance, T* out,
                  BatchMomentsOf<T>& moments) const;
  void batch_norm_gradient(int rows, int channels, const T* x, const T* weight,
                           const BatchMomentsOf<T>& moments, const T* d_out, T* d_x, T* d_weight,
                           T* d_bias) const;

  // Of scores [H, W, classes], resized to height x width, and labels [height, width] below `classes`, where
  // 255 is none. d_scores (or null) += weight times the gradient of the sum.
  static PixelLoss pixel_cross_entropy(const MapShape& scores_shape, const T* scores, int height, int width,
                                       const std::uint8_t* labels, double weight, T* d_scores);

 private:
  OperationsOf<T>& ops_;
};

using MapOperations = MapOperationsOf<float>;
using BatchMoments = BatchMomentsOf<float>;

inline constexpr std::uint8_t kNoLabel = 255;  // of a pixel that no loss counts

}  // namespace winnow::train
