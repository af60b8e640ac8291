// The seam between the models and the hardware: the operations that the models are written in.
//
// Words: B images, L tokens of an image (M patches and n special tokens), D embed_dim, E = 2 D inner width,
// N state_dim, R dt_rank, K conv_width. Tokens are rows [B, L, D]; the special tokens lie at the same rows in
// every image (ops/special_tokens.h). Sources: Vim (arXiv 2401.09417), Mamba (arXiv 2312.00752), DyVM
// (arXiv 2504.04787), MambaReg (arXiv 2405.14858).
//
// An operation never couples two images, and every image's result is the same whatever the batch holds.
// A backend is used by one thread at a time. Operations are in order; memory for their intermediates grows at
// the first call of a shape and is kept. On a processor they cannot fail once their weights are prepared;
// what fails on a GPU is told by `wait`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/result.h"
#include "ops/sliding_windows.h"
#include "ops/special_tokens.h"
#include "ops/tensor.h"

namespace winnow {

// Scan directions of one image in one block, as bits.
inline constexpr std::uint8_t kForward = 1;
inline constexpr std::uint8_t kBackward = 2;

// Of the large matrix products. int8 is for in_proj and out_proj, with bf16 for the rest; what decides
// (gates, scores) and what accumulates (residual stream, scan states) is fp32 always.
enum class Precision { fp32, bf16, int8 };

enum class Activation { none, gelu, relu };  // GELU in its exact erf form

// A matrix product's weight in the form that a backend likes best; y = activation(x W^T + bias).
class Linear {
 public:
  virtual ~Linear() = default;
  int inputs = 0;
  int outputs = 0;
};

// What stands for each tensor of one scan direction.
template <typename T>
struct ScanTensors {
  T conv_weight;  // [E, K]
  T conv_bias;    // [E]
  T x_proj;       // [R + 2N, E]: dt, then B, then C
  T dt_weight;    // [E, R]
  T dt_bias;      // [E]
  T a_log;        // [E, N]
  T d;            // [E]
};

// Parameters of one scan direction as the checkpoint holds them, host memory, fp32.
using ScanWeights = ScanTensors<const float*>;

// Parameters of one block as the checkpoint holds them, host memory, fp32.
struct BlockWeights {
  int embed_dim, inner_dim, state_dim, dt_rank, conv_width;
  const float* norm;       // [D]
  const float* in_proj;    // [2E, D]: the rows of x, then those of the gate z
  const float* out_proj;   // [D, E]
  const float* gate;       // [2, D]: block_head.weight in_proj, or null for a model without block selection
  const float* gate_bias;  // [2]
  ScanWeights forward, backward;
  float norm_epsilon;
  float output_scale;  // 1/2 where the model averages the two directions, else 1
};

// A block's parameters in a backend's own form.
class Block {
 public:
  virtual ~Block() = default;
};

// Parameters of the patch embedding, host memory, fp32. Patches are P x P pixels, `stride` apart.
struct PatchEmbeddingWeights {
  int image_size, patch_size, stride, embed_dim;
  SpecialTokens special_tokens;  // before any pruning
  const float* weight;           // [D, 3, P, P]
  const float* bias;             // [D]
  const float* special;          // [n, D]: the special tokens with their positions added
  const float* position;         // [M, D]: of the patches

  int grid() const { return (image_size - patch_size) / stride + 1; }  // patches per side; M = grid^2
};

class PatchEmbedding {
 public:
  virtual ~PatchEmbedding() = default;
};

// A K x K convolution's weight in the form that a backend likes best; stride 1, zero padding K / 2, K odd.
class Convolution {
 public:
  virtual ~Convolution() = default;
  int inputs = 0;
  int outputs = 0;
  int kernel = 0;
};

// The weight of a transposed 2 x 2 convolution of stride 2.
class Upsampling {
 public:
  virtual ~Upsampling() = default;
  int inputs = 0;
  int outputs = 0;
};

// What one kind of operation took since time_operations(true).
struct OperationTime {
  std::string name;
  double seconds;  // of all threads together
};

class Backend {
 public:
  virtual ~Backend() = default;

  // --- Measuring; off at first ---

  virtual void time_operations(bool on) = 0;
  // In the order of their first use in a prediction; empty while it is off.
  virtual std::vector<OperationTime> operation_times() const = 0;

  // --- Memory ---

  // Memory that the operations can reach, aligned to 64 bytes; null when there is not enough.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void write(void* target, const void* host_source, std::size_t bytes) = 0;
  // Waits for the operations so far.
  virtual void read(void* host_target, const void* source, std::size_t bytes) = 0;
  // Waits likewise. Fails with out_of_memory, after which a smaller batch may do, or device_lost where one of
  // them did: what was read since is not to be used.
  virtual Status wait() { return ok(); }

  // Does `operations`. They are the same whenever `key` is, but for the contents of the memory they work in,
  // so that a backend may keep what they are and repeat that.
  virtual Status repeat([[maybe_unused]] const std::vector<std::int64_t>& key,
                        const std::function<Status()>& operations) {
    return operations();
  }

  // --- Weights, converted once at load; pointers are needed during the call only ---

  virtual Result<std::unique_ptr<Linear>> make_linear(const float* weight /* [out, in] */,
                                                      const float* bias /* [out] or null */, int outputs,
                                                      int inputs) = 0;
  virtual Result<std::unique_ptr<Block>> make_block(const BlockWeights& weights) = 0;
  virtual Result<std::unique_ptr<PatchEmbedding>> make_patch_embedding(
      const PatchEmbeddingWeights& weights) = 0;
  // Products in bf16 where the backend's precision is bf16 or int8 and the hardware has it.
  virtual Result<std::unique_ptr<Convolution>> make_convolution(const float* weight /* [out, in, K, K] */,
                                                                const float* bias /* [out] or null */,
                                                                int outputs, int inputs, int kernel) = 0;
  virtual Result<std::unique_ptr<Upsampling>> make_upsampling(const float* weight /* [in, out, 2, 2] */,
                                                              const float* bias /* [out] or null */,
                                                              int inputs, int outputs) = 0;

  // --- Operations ---

  // out[b,c,y,x] = (pixels[b,y,x,c] / 255 - mean[c]) / std[c]; pixels [B,S,S,3], out [B,3,S,S].
  virtual void normalise(TensorView<const std::uint8_t> pixels, const float mean[3], const float std[3],
                         Tensor out) = 0;

  // Patches of images [B,3,S,S] in raster order with their positions added, special tokens inserted; stream
  // [B,M+n,D].
  virtual void embed_patches(Tensor images, const PatchEmbedding& embedding, Tensor stream) = 0;

  // One bidirectional block with its residual, in place on stream [B,L,D] (Vim, algorithm 1; DyVM, block
  // selection):
  //   v = RMSNorm(stream); m = mean of v over the special tokens, or over all tokens where there are none
  //   direction i runs where sigmoid(gate_i . m + gate_bias_i) > threshold
  //   x, z = v in_proj^T
  //   u = SiLU(causal_conv(x)); dt, B, C = u x_proj^T; delta = softplus(dt dt_weight^T + dt_bias)
  //   h = exp(delta A) h + delta B u; y = C h + D u, with A = -exp(a_log), along the direction
  //   stream += output_scale ((y_forward + y_backward) SiLU(z)) out_proj^T
  // directions [B]: the bits that ran (written); gate_logits [B,2] or empty. Without a gate both always run.
  // added [B,L,D]: what was added to the stream, the block's hidden; or empty.
  virtual void run_block(const Block& block, const SpecialTokens& special, float threshold, Tensor stream,
                         TensorView<std::uint8_t> directions, Tensor gate_logits, Tensor added) = 0;

  // Rotary positions (RoFormer, arXiv 2104.09864), in place on tokens [B,L,D] that are patches of a grid of
  // `grid` columns: where a token lies in row r and column c of it, the pairs of values 2q and 2q + 1 of its
  // first half are rotated by the angle of position r and frequency q, those of its second half by that of c.
  // cosines, sines [positions, D/4] of the angles; indices [B,L]: the tokens' indices in raster order.
  virtual void rotate_tokens(Tensor tokens, TensorView<const std::int32_t> indices, int grid, Tensor cosines,
                             Tensor sines) = 0;

  // out [B,M,D]: row indices[b,i] = tokens[b,i]; the other rows stay. tokens [B,k,D], indices [B,k].
  virtual void scatter_tokens(Tensor tokens, TensorView<const std::int32_t> indices, Tensor out) = 0;

  // Vectors given to the operations below as `weight` and `bias` lie in the backend's memory.

  // out = LayerNorm of the patch rows of stream [B,L,D], the special tokens left out; out [B,L-n,D].
  virtual void norm_patches(Tensor stream, const SpecialTokens& special, const float* weight,
                            const float* bias, float epsilon, Tensor out) = 0;

  // out = activation(x W^T + bias) for every row; x [B,n,inputs] or [B,inputs], out [B,n,outputs] or
  // [B,outputs].
  virtual void linear(Tensor x, const Linear& weights, Activation activation, Tensor out) = 0;

  // The second half of every row becomes sum over the image's rows / (n + 1); x [B,n,D] (DyVM's predictor).
  virtual void pool_second_half(Tensor x) = 0;

  // scores[b,i] = log softmax(pairs[b,i])[0], rounded as in ops/keep_best.h; pairs [B,n,2], scores [B,n].
  virtual void keep_scores(Tensor pairs, Tensor scores) = 0;

  // The k best of scores [B,n], chosen among equal ones as in ops/keep_best.h, ascending in kept [B,k].
  virtual void keep_best(Tensor scores, TensorView<std::int32_t> kept) = 0;

  // out [B,k+n,D] = patch rows `kept` of stream [B,L,D] in order, the special tokens moved from the rows of
  // `special` to those of `moved`.
  virtual void gather_tokens(Tensor stream, const SpecialTokens& special, TensorView<const std::int32_t> kept,
                             const SpecialTokens& moved, Tensor out) = 0;

  // out [B,n,D] = RMSNorm of the special tokens of stream [B,L,D] with `weight`.
  virtual void norm_special_tokens(Tensor stream, const SpecialTokens& special, const float* weight,
                                   float epsilon, Tensor out) = 0;

  // --- Segmentation; maps as below ---

  // out [B,H,W,C] = activation(out + a 3 x 3 convolution, zeros around it, of a map that is resized to H x W
  // as resize_map does). taps [B,h,w,9C] holds that map, before resizing, times the weights of each of the
  // nine positions, row by row: they add up to the same, and the products cost as much as the small map.
  virtual void add_resized_taps(Tensor taps, Activation activation, Tensor out) = 0;

  // The best class of pixels of the picture that the windows lie over, resized to width x height: rows
  // first_row and on into classes [rows, width]. maps [windows,h,w,C] hold the windows' scores of C classes:
  // each is resized to its window, where windows overlap their mean counts, and that is resized to width x
  // height, all bilinear as resize_map is. Of equal classes the first.
  virtual void label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,
                            TensorView<std::uint16_t> classes) = 0;

  // --- Feature maps: [B, H, W, C], the channels of a pixel side by side, so that tokens [B, H W, C] are one.
  // Maps of one operation do not overlap unless it says so. ---

  // out [B,H,W,outputs] = activation(x [B,H,W,inputs] * weight + bias).
  virtual void convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) = 0;

  // out [B,2H,2W,outputs]: out[2y+i, 2x+j, o] = activation(sum over c of x[y,x,c] weight[c,o,i,j] + bias[o]).
  virtual void upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) = 0;

  // out [B,H/2,W/2,C] = the largest of every 2 x 2 pixels; an odd last row or column is left out.
  virtual void max_pool(Tensor x, Tensor out) = 0;

  // out [B,(H+1)/2,(W+1)/2,C] = every second row and column of x, from the first.
  virtual void subsample(Tensor x, Tensor out) = 0;

  // out [B,P,Q,C] = means of rows floor(i H / P) .. ceil((i + 1) H / P) - 1, and columns likewise.
  virtual void average_pool(Tensor x, Tensor out) = 0;

  // out [B,P,Q,C] = x [B,H,W,C], or out += x, bilinear at max(0, (i + 1/2) H / P - 1/2), the last row and
  // column repeated, without antialiasing.
  virtual void resize_map(Tensor x, Tensor out, bool add) = 0;

  // out [B,H,W,sum of C] = the maps' channels one after another.
  virtual void concatenate(std::span<const Tensor> maps, Tensor out) = 0;

  // out = activation(LayerNorm over the channels of every pixel); out may be x.
  virtual void norm_channels(Tensor x, const float* weight, const float* bias, float epsilon,
                             Activation activation, Tensor out) = 0;

  // out [count,S,S,C] = ROIAlign (Mask R-CNN, arXiv 1703.06870; torchvision's aligned form, sampling ratio 0)
  // of box r from levels[level[r]] [1,H,W,C], whose cells are strides[level[r]] input pixels wide. boxes
  // [count,4] hold x0, y0, x1, y1 in input pixels. boxes, strides and level are host memory. A box's bins are
  // as wide as the box / S; each is the mean of ceil(box / S)^2 bilinear samples; a sample further than one
  // cell outside of the map is 0.
  virtual void roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                         const int* level, int count, Tensor out) = 0;
};

// Declares in a class the operations on feature maps that it has: those of Backend from make_convolution on.
#define WINNOW_MAP_OPERATIONS                                                                                \
  Result<std::unique_ptr<Convolution>> make_convolution(const float* weight, const float* bias, int outputs, \
                                                        int inputs, int kernel) override;                    \
  Result<std::unique_ptr<Upsampling>> make_upsampling(const float* weight, const float* bias, int inputs,    \
                                                      int outputs) override;                                 \
  void add_resized_taps(Tensor taps, Activation activation, Tensor out) override;                            \
  void label_pixels(Tensor maps, const SlidingWindows& windows, int width, int height, int first_row,        \
                    TensorView<std::uint16_t> classes) override;                                             \
  void convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) override;           \
  void upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) override;            \
  void max_pool(Tensor x, Tensor out) override;                                                              \
  void subsample(Tensor x, Tensor out) override;                                                             \
  void average_pool(Tensor x, Tensor out) override;                                                          \
  void resize_map(Tensor x, Tensor out, bool add) override;                                                  \
  void concatenate(std::span<const Tensor> maps, Tensor out) override;                                       \
  void norm_channels(Tensor x, const float* weight, const float* bias, float epsilon, Activation activation, \
                     Tensor out) override;                                                                   \
  void roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,           \
                 const int* level, int count, Tensor out) override

}  // namespace winnow
