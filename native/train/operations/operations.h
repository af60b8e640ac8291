// What a training step computes with: each operation of the classification models and its gradient, on the
// calling thread, and the threads to call them on.
//
// A gradient has the name of its value with d_ before it. Gradients of weights are always added to what is
// there; those of activations replace it where nothing else is said. Matrices are dense and row-major unless
// a stride (floats from row to row) is given.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "ops/result.h"

namespace winnow::train {

// A matrix product with `weight` [outputs, inputs].
struct LinearShape {
  int rows, inputs, outputs;
  int x_stride;  // of x and d_x; d_out and out are dense
};

// The convolution along one image's tokens in one direction of a block.
struct ConvolutionShape {
  int tokens, channels, width;
  int x_stride;   // of x and d_x; u and d_u are dense
  int live;       // tokens from this one on are masked: x counts as zero there, and u is zero
  bool backward;  // causal towards the end of the sequence
};

// The selective scan over one image's tokens in one direction of a block.
struct ScanShape {
  int tokens, channels, states;
  int matrix_stride;  // of the rows of B and C and of their gradients
  bool backward;
  // Floats of the states of one token: of all channels, in whole vectors of any processor.
  std::size_t state_floats() const { return static_cast<std::size_t>((channels + 15) / 16 * 16) * states; }
};
// Tokens from one h that the scan keeps for its gradient to the next. Those between are computed again.
inline constexpr int kScanTile = 16;

template <typename T>
struct ScanInputsOf {
  const T* steps;          // [tokens, channels]: delta before its softplus
  const T* u;              // [tokens, channels]
  const T* input_matrix;   // B [tokens, states]
  const T* output_matrix;  // C [tokens, states]
  const T* state_matrix;   // [states, channels]: A, all negative
  const T* skip;           // D [channels]
};
using ScanInputs = ScanInputsOf<float>;

template <typename T>
struct ScanGradientsOf {
  T *steps, *u, *input_matrix, *output_matrix;
  T *state_matrix, *skip;  // added to
};
using ScanGradients = ScanGradientsOf<float>;

// Rows of one image that the gate z lets through. `forward`, `backward`: what each direction counts.
struct GateShape {
  int rows, channels;
  int z_stride;  // of z and d_z
  float forward, backward;
};

// Settings of AdamW over some values: see optimiser.h.
struct Adam {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2;  // 1 - beta^step
  float gradient_scale;            // of clipping
  float ema_decay;
};

// On numbers of type T: float but where tests take finite differences.
template <typename T>
class OperationsOf {
 public:
  virtual ~OperationsOf() = default;

  virtual int threads() const = 0;
  // Calls task(index, thread) for every index below `count`, on all threads. Tasks neither throw nor call
  // run.
  virtual void run(int count, const std::function<void(int, int)>& task) = 0;

  // out = x W^T + bias (or null); or out += x W^T.
  virtual void linear(const LinearShape& shape, const T* x, const T* weight, const T* bias, bool add,
                      T* out) = 0;
  // d_x = d_out W, or += .
  virtual void linear_input_gradient(const LinearShape& shape, const T* d_out, const T* weight, bool add,
                                     T* d_x) = 0;
  // d_weight += d_out^T x; d_bias (or null) += column sums of d_out.
  virtual void linear_weight_gradient(const LinearShape& shape, const T* d_out, const T* x, T* d_weight,
                                      T* d_bias) = 0;

  // out[r] = x[r] / sqrt(mean(x[r]^2) + 1e-5) * weight. Its d_x is added to what is there.
  virtual void rms_norm(int rows, int dim, const T* x, const T* weight, T* out) = 0;
  virtual void rms_norm_gradient(int rows, int dim, const T* x, const T* weight, const T* d_out, T* d_x,
                                 T* d_weight) = 0;
  // out[r] = (x[r] - mean) / sqrt(variance + 1e-5) * weight + bias. Its d_x is added to what is there.
  virtual void layer_norm(int rows, int dim, const T* x, const T* weight, const T* bias, T* out) = 0;
  virtual void layer_norm_gradient(int rows, int dim, const T* x, const T* weight, const T* d_out, T* d_x,
                                   T* d_weight, T* d_bias) = 0;
  // out = x Phi(x). d_x may be d_out.
  virtual void gelu(std::size_t count, const T* x, T* out) = 0;
  virtual void gelu_gradient(std::size_t count, const T* x, const T* d_out, T* d_x) = 0;

  // u[t] = SiLU(bias + sum over k of taps[k] x[t - (width - 1) + k]) for live tokens, 0 for others; taps
  // [width, channels].
  virtual void convolve(const ConvolutionShape& shape, const T* x, const T* taps, const T* bias, T* u) = 0;
  // d_x is added to what is there; d_u is overwritten. d_mask [tokens] += how the loss would change if token
  // t were more or less masked, where mask[t] multiplies x[t] and u[t]; or null.
  virtual void convolve_gradient(const ConvolutionShape& shape, const T* x, const T* taps, const T* bias,
                                 T* d_u, T* d_x, T* d_taps, T* d_bias, T* d_mask) = 0;

  // Floats that the scan and its gradient need to work in.
  virtual std::size_t scan_memory(const ScanShape& shape) const = 0;
  // delta = softplus(steps); h = exp(delta A) h + delta u B; y = C h + D u. y [tokens, channels]. `kept`
  // [(tokens - 1) / kScanTile, state_floats] or null: what the gradient needs of h.
  virtual void scan(const ScanShape& shape, const ScanInputsOf<T>& in, T* y, T* kept, T* memory) = 0;
  // All gradients from d_y, and y on the way.
  virtual void scan_gradient(const ScanShape& shape, const ScanInputsOf<T>& in, const T* kept, const T* d_y,
                             T* y, const ScanGradientsOf<T>& out, T* memory) = 0;

  // out = (forward y_forward + backward y_backward) SiLU(z)
  virtual void gate(const GateShape& shape, const T* y_forward, const T* y_backward, const T* z, T* out) = 0;
  // d_sum = d_out SiLU(z): forward and backward times this are the gradients of the two y.
  virtual void gate_sum_gradient(const GateShape& shape, const T* d_out, const T* z, T* d_sum) = 0;
  // out and d_z; d_weights[0], [1] = gradients of `forward` and `backward`.
  virtual void gate_gradient(const GateShape& shape, const T* d_out, const T* y_forward, const T* y_backward,
                             const T* z, T* out, T* d_z, double d_weights[2]) = 0;

  // AdamW over `count` values.
  virtual void adam(const Adam& settings, std::size_t count, const T* gradient, T* weight, T* first_moment,
                    T* second_moment, T* average) = 0;
  virtual double sum_of_squares(std::size_t count, const T* values) = 0;
  virtual void add(std::size_t count, const T* values, T* sum) = 0;  // sum += values
};

using Operations = OperationsOf<float>;

// Plain loops, one thread: what the others are compared with.
std::unique_ptr<Operations> reference_operations();
#ifdef WINNOW_CPU
// oneDNN's products and this processor's vectors; threads 0: one per core.
std::unique_ptr<Operations> cpu_operations(int threads);
#endif

}  // namespace winnow::train
