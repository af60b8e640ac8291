#include "gpu/gpu_backend.h"

#include <algorithm>
#include <map>

#include "gpu/gpu_maps.h"
#include "gpu/gpu_weights.h"
#include "gpu/recordings.h"

namespace winnow {
namespace gpu {
namespace {

constexpr int kMostStates = 32;     // of the scan kernels
constexpr int kMostPatches = 8192;  // of keep_best: 256 threads with 32 each

Special as_arguments(const SpecialTokens& tokens) { return {tokens.count, tokens.first, tokens.step}; }

class GpuBackend : public GpuMaps {
 public:
  explicit GpuBackend(Gpu gpu) : GpuMaps(std::move(gpu)) {}

  void time_operations(bool on) override { times_.start(gpu_, on); }
  std::vector<OperationTime> operation_times() const override { return times_.spent(); }

  void* allocate(std::size_t bytes) override { return gpu_.allocate(bytes); }
  void release(void* memory) override {
    if (memory != nullptr) gpu_.release(memory);
  }
  void write(void* target, const void* source, std::size_t bytes) override {
    gpu_.write(target, source, bytes);
  }
  void read(void* target, const void* source, std::size_t bytes) override {
    gpu_.read(target, source, bytes);
  }
  Status wait() override {
    gpu_.wait();
    const Status done = gpu_.take_failure();
    if (!done) release_scratch();  // it has grown for what was too large
    return done;
  }
  Status repeat(const std::vector<std::int64_t>& key, const std::function<Status()>& operations) override {
    return times_.on() ? operations() : recordings_.repeat(key, operations);
  }

  Result<std::unique_ptr<Linear>> make_linear(const float* weight, const float* bias, int outputs,
                                              int inputs) override {
    return placed<Linear>(std::make_unique<GpuLinear>(gpu_, weight, bias, outputs, inputs));
  }
  Result<std::unique_ptr<Block>> make_block(const BlockWeights& w) override {
    if (w.state_dim > kMostStates || w.conv_width < 2 || w.conv_width > 4)
      return Error{
          ErrorCode::bad_model,
          "Expected a model with a state_dim of at most 32 and a conv_width of 2 to 4 for a GPU, but "
          "they are " +
              std::to_string(w.state_dim) + " and " + std::to_string(w.conv_width) + ": use the device cpu."};
    return placed<Block>(std::make_unique<GpuBlock>(gpu_, w));
  }
  Result<std::unique_ptr<PatchEmbedding>> make_patch_embedding(const PatchEmbeddingWeights& w) override {
    if (w.grid() * w.grid() > kMostPatches)
      return Error{ErrorCode::bad_model, "Expected a model of at most 8192 patches for a GPU, but it has " +
                                             std::to_string(w.grid() * w.grid()) + ": use the device cpu."};
    return placed<PatchEmbedding>(std::make_unique<GpuPatchEmbedding>(gpu_, w));
  }

  void normalise(TensorView<const std::uint8_t> pixels, const float mean[3], const float std[3],
                 Tensor out) override {
    NormalisePixels arguments{.pixels = pixels.data(),
                              .out = out.data(),
                              .scale = {},
                              .shift = {},
                              .area = pixels.extent(1) * pixels.extent(2),
                              .count = static_cast<int>(out.size())};
    for (int c = 0; c < 3; ++c) {
      arguments.scale[c] = 1.0f / (255.0f * std[c]);
      arguments.shift[c] = -mean[c] / std[c];
    }
    gpu_.launch_each(Kernel::normalise_pixels, out.size(), arguments);
    times_.end(gpu_, "patches");
  }

  void embed_patches(Tensor images, const PatchEmbedding& embedding, Tensor stream) override {
    const auto& w = static_cast<const GpuPatchEmbedding&>(embedding);
    const PatchEmbeddingWeights& s = w.sizes;
    const int patches = s.grid() * s.grid(), inputs = 3 * s.patch_size * s.patch_size;
    const std::size_t rows = static_cast<std::size_t>(images.extent(0)) * patches;
    Half* unfolded = halves_.reserve(rows * inputs);
    float* products = floats_.reserve(rows * s.embed_dim);
    gpu_.launch_each(Kernel::unfold_patches, rows * inputs,
                     UnfoldPatches{.images = images.data(),
                                   .out = unfolded,
                                   .side = s.image_size,
                                   .patch = s.patch_size,
                                   .stride = s.stride,
                                   .grid = s.grid(),
                                   .count = static_cast<int>(rows * inputs)});
    gpu_.multiply(unfolded, w.weight.data(), products, rows, inputs, s.embed_dim);
    gpu_.launch_each(Kernel::place_tokens, stream.size(),
                     PlaceTokens{.products = products,
                                 .bias = w.bias.data(),
                                 .position = w.position.data(),
                                 .special = w.special.data(),
                                 .stream = stream.data(),
                                 .tokens = as_arguments(s.special_tokens),
                                 .patches = patches,
                                 .dim = s.embed_dim,
                                 .count = static_cast<int>(stream.size())});
    times_.end(gpu_, "patches");
  }

  void run_block(const Block& block, const SpecialTokens& special, float threshold, Tensor stream,
                 TensorView<std::uint8_t> directions, Tensor gate_logits, Tensor added) override {
    const auto& w = static_cast<const GpuBlock&>(block);
    const BlockWeights& s = w.sizes;
    const int images = stream.extent(0), tokens = stream.extent(1), dim = s.embed_dim, inner = s.inner_dim;
    const int width = s.dt_rank + 2 * s.state_dim;
    const std::size_t rows = static_cast<std::size_t>(images) * tokens;
    Half* normed = halves_.reserve(rows * dim);
    Half* xz = xz_.reserve(rows * 2 * inner);
    Half* u = u_.reserve(rows * 2 * inner);
    Half* y = y_.reserve(rows * inner);
    float* projected = floats_.reserve(rows * 2 * width);

    gpu_.launch(Kernel::decide_directions, {static_cast<std::size_t>(images)}, 128,
                DecideDirections{.stream = stream.data(),
                                 .norm = w.norm.data(),
                                 .gate = w.gate.data(),
                                 .bias = w.gate_bias.data(),
                                 .logits = gate_logits.data(),
                                 .directions = directions.data(),
                                 .special = as_arguments(special),
                                 .epsilon = s.norm_epsilon,
                                 .threshold = threshold,
                                 .tokens = tokens,
                                 .dim = dim});
    times_.end(gpu_, "gate");
    norm(stream.data(), w.norm.data(), s.norm_epsilon, rows, dim, normed);
    times_.end(gpu_, "norm");
    gpu_.multiply(normed, w.in_proj.data(), xz, rows, dim, 2 * inner);
    times_.end(gpu_, "in_proj");
    static constexpr Kernel kConvolutions[] = {Kernel::convolve_sequences_2, Kernel::convolve_sequences_3,
                                               Kernel::convolve_sequences_4};
    gpu_.launch(
        kConvolutions[s.conv_width - 2],
        {blocks_for(inner, 128), blocks_for(tokens, kConvolutionTokens), static_cast<std::size_t>(images)},
        128,
        ConvolveSequences{.xz = xz,
                          .weight = w.conv_weight.data(),
                          .bias = w.conv_bias.data(),
                          .directions = directions.data(),
                          .u = u,
                          .images = images,
                          .tokens = tokens,
                          .inner = inner});
    times_.end(gpu_, "convolution");
    gpu_.multiply({.x = u,
                   .w = w.x_proj.data(),
                   .out = projected,
                   .rows = static_cast<int>(rows),
                   .inputs = inner,
                   .outputs = width,
                   .count = 2,
                   .x_step = static_cast<std::int64_t>(rows) * inner,
                   .w_step = static_cast<std::int64_t>(width) * inner,
                   .out_step = static_cast<std::int64_t>(rows) * width,
                   .scale = 1.0f,
                   .keep = 0.0f,
                   .out_is_fp32 = 1});
    times_.end(gpu_, "x_proj");
    scan(w, images, tokens, u, xz, projected, directions.data(), y);
    times_.end(gpu_, "scan");
    const bool apart = added.data() != nullptr;
    gpu_.multiply(y, w.out_proj.data(), apart ? added.data() : stream.data(), rows, inner, dim,
                  s.output_scale, apart ? 0.0f : 1.0f);
    if (apart)
      gpu_.launch_each(Kernel::add_rows, rows * dim,
                       AddRows{added.data(), stream.data(), static_cast<int>(rows * dim)});
    times_.end(gpu_, "out_proj");
  }

  void rotate_tokens(Tensor tokens, TensorView<const std::int32_t> indices, int grid, Tensor cosines,
                     Tensor sines) override {
    const int dim = tokens.extent(2);
    const std::size_t rows = indices.size();
    gpu_.launch_each(Kernel::rotate_tokens, rows * (dim / 4) * 2,
                     RotateTokens{.tokens = tokens.data(),
                                  .indices = indices.data(),
                                  .cosines = cosines.data(),
                                  .sines = sines.data(),
                                  .rows = static_cast<int>(rows),
                                  .dim = dim,
                                  .grid = grid});
    times_.end(gpu_, "rotate");
  }

  void scatter_tokens(Tensor tokens, TensorView<const std::int32_t> indices, Tensor out) override {
    gpu_.launch_each(Kernel::scatter_tokens, tokens.size(),
                     ScatterTokens{.tokens = tokens.data(),
                                   .indices = indices.data(),
                                   .out = out.data(),
                                   .keep = tokens.extent(1),
                                   .patches = out.extent(1),
                                   .dim = tokens.extent(2),
                                   .count = static_cast<int>(tokens.size())});
    times_.end(gpu_, "prune");
  }

  void norm_patches(Tensor stream, const SpecialTokens& special, const float* weight, const float* bias,
                    float epsilon, Tensor out) override {
    const std::size_t rows = static_cast<std::size_t>(out.extent(0)) * out.extent(1);
    gpu_.launch_rows(Kernel::norm_patches, rows,
                     NormPatches{.stream = stream.data(),
                                 .weight = weight,
                                 .bias = bias,
                                 .out = out.data(),
                                 .special = as_arguments(special),
                                 .epsilon = epsilon,
                                 .patches = out.extent(1),
                                 .dim = stream.extent(2),
                                 .rows = static_cast<int>(rows)});
    times_.end(gpu_, "predictor");
  }

  void linear(Tensor x, const Linear& weights, Activation activation, Tensor out) override {
    const auto& w = static_cast<const GpuLinear&>(weights);
    const std::size_t rows = x.size() / w.inputs;
    Half* factors = halves_.reserve(x.size());
    norm(x.data(), nullptr, 0.0f, rows, w.inputs, factors);
    gpu_.multiply(factors, w.weight.data(), out.data(), rows, w.inputs, w.outputs);
    gpu_.activate(out.data(), w.bias.data(), activation, out.size(), w.outputs);
    times_.end(gpu_, "predictor");
  }

  void pool_second_half(Tensor x) override {
    const int dim = x.extent(2);
    gpu_.launch(Kernel::pool_second_half,
                {blocks_for(dim - dim / 2, 32), static_cast<std::size_t>(x.extent(0))}, 256,
                PoolSecondHalf{x.data(), x.extent(1), dim});
    times_.end(gpu_, "predictor");
  }

  void keep_scores(Tensor pairs, Tensor scores) override {
    gpu_.launch_each(Kernel::keep_scores, scores.size(),
                     KeepScores{pairs.data(), scores.data(), static_cast<int>(scores.size())});
    times_.end(gpu_, "predictor");
  }

  // Among equal scores the earlier patches are kept.
  void keep_best(Tensor scores, TensorView<std::int32_t> kept) override {
    const int patches = scores.extent(1);
    gpu_.launch(Kernel::keep_best, {static_cast<std::size_t>(scores.extent(0))}, 256,
                KeepBest{scores.data(), kept.data(), patches, kept.extent(1)}, patches * sizeof(float));
    times_.end(gpu_, "prune");
  }

  void gather_tokens(Tensor stream, const SpecialTokens& special, TensorView<const std::int32_t> kept,
                     const SpecialTokens& moved, Tensor out) override {
    gpu_.launch_each(Kernel::gather_tokens, out.size(),
                     GatherTokens{.stream = stream.data(),
                                  .kept = kept.data(),
                                  .out = out.data(),
                                  .special = as_arguments(special),
                                  .moved = as_arguments(moved),
                                  .tokens = stream.extent(1),
                                  .keep = kept.extent(1),
                                  .dim = stream.extent(2),
                                  .count = static_cast<int>(out.size())});
    times_.end(gpu_, "prune");
  }

  void norm_special_tokens(Tensor stream, const SpecialTokens& special, const float* weight, float epsilon,
                           Tensor out) override {
    gpu_.launch(Kernel::norm_special,
                {static_cast<std::size_t>(special.count), static_cast<std::size_t>(stream.extent(0))}, 32,
                NormSpecial{.stream = stream.data(),
                            .weight = weight,
                            .out = out.data(),
                            .special = as_arguments(special),
                            .epsilon = epsilon,
                            .tokens = stream.extent(1),
                            .dim = stream.extent(2)});
    times_.end(gpu_, "head");
  }

 private:
  void release_scratch() {
    for (Buffer<Half>* buffer : {&halves_, &xz_, &u_, &y_}) buffer->release();
    for (Buffer<float>* buffer : {&floats_, &partial_}) buffer->release();
  }

  static std::size_t blocks_for(int count, int of_each) {
    return static_cast<std::size_t>((count + of_each - 1) / of_each);
  }

  // Weights whose memory was all there, or the reason.
  template <typename Kind, typename Made>
  Result<std::unique_ptr<Kind>> placed(std::unique_ptr<Made> weights) {
    if (const Status done = gpu_.take_failure(); !done) return done.error();
    return std::unique_ptr<Kind>(std::move(weights));
  }

  // RMSNorm of `rows` rows with `weight`, or the rows themselves where it is null, as 16-bit numbers.
  void norm(const float* values, const float* weight, float epsilon, std::size_t rows, int dim, Half* out) {
    gpu_.launch_rows(Kernel::norm_rows, rows,
                     NormRows{.rows = values,
                              .weight = weight,
                              .out = out,
                              .epsilon = epsilon,
                              .count = static_cast<int>(rows),
                              .dim = dim});
  }

  // Sequences are cut into the channels of a block so that what they leave for the other direction fits into
  // shared memory, and that there are blocks for the whole device; sequences that are too long for that leave
  // it in the device's memory.
  void scan(const GpuBlock& w, int images, int tokens, const Half* u, const Half* xz, const float* projected,
            const std::uint8_t* directions, Half* y) {
    const BlockWeights& s = w.sizes;
    const int kept = s.state_dim <= 8 ? 8 : s.state_dim <= 16 ? 16 : 32;
    const std::size_t chunk = sizeof(float) * 2 * kScanSteps * (s.dt_rank + 2 * kept);
    const auto shared = [&](int channels) { return chunk + sizeof(float) * tokens * channels; };
    const bool few = images * blocks_for(s.inner_dim, 64) < kFewBlocks;
    const int channels = few || shared(64) > gpu_.info().shared_bytes ? 32 : 64;
    const bool is_long = shared(channels) > gpu_.info().shared_bytes;
    static constexpr Kernel kKernels[2][3] = {
        {Kernel::scan_sequences_8, Kernel::scan_sequences_16, Kernel::scan_sequences_32},
        {Kernel::scan_long_sequences_8, Kernel::scan_long_sequences_16, Kernel::scan_long_sequences_32}};
    float* partial = nullptr;
    if (is_long) partial = partial_.reserve(static_cast<std::size_t>(images) * tokens * s.inner_dim);
    gpu_.launch(kKernels[is_long ? 1 : 0][kept == 8    ? 0
                                          : kept == 16 ? 1
                                                       : 2],
                {blocks_for(s.inner_dim, channels), static_cast<std::size_t>(images)}, 2 * channels,
                ScanSequences{.u = u,
                              .xz = xz,
                              .projected = projected,
                              .a = w.a.data(),
                              .dt_weight = w.dt_weight.data(),
                              .dt_bias = w.dt_bias.data(),
                              .d = w.d.data(),
                              .directions = directions,
                              .partial = partial,
                              .y = y,
                              .images = images,
                              .tokens = tokens,
                              .inner = s.inner_dim,
                              .states = s.state_dim,
                              .rank = s.dt_rank},
                is_long ? chunk : shared(channels));
  }

  static constexpr std::size_t kFewBlocks = 512;

  Buffer<Half> xz_{gpu_}, u_{gpu_}, y_{gpu_};
  Buffer<float> partial_{gpu_};
  Recordings recordings_{gpu_};
};

}  // namespace
}  // namespace gpu

Result<std::unique_ptr<Backend>> make_gpu_backend(const WinnowGpuLibrary& library, int index) {
  auto gpu = gpu::Gpu::open(library, index);
  if (!gpu) return gpu.error();
  return std::unique_ptr<Backend>(std::make_unique<gpu::GpuBackend>(std::move(*gpu)));
}

}  // namespace winnow
