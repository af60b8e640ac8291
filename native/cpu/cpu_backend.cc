#include "cpu/cpu_backend.h"

#include <algorithm>
#include <thread>

#include "cpu/cpu_block.h"
#include "cpu/cpu_maps.h"
#include "cpu/isa.h"
#include "cpu/kernels.h"
#include "cpu/packed_linear.h"
#include "cpu/thread_pool.h"
#include "ops/keep_best.h"

namespace winnow {
namespace cpu {
namespace {

struct CpuPatchEmbedding : PatchEmbedding {
  PatchEmbeddingWeights sizes;  // only its numbers
  std::unique_ptr<PackedLinear> projection;
  AlignedBuffer special;   // [n, D]: the special tokens with their positions
  AlignedBuffer position;  // [M, D]: of the patches
};

// Patch `index` of an image [3, S, S] as one row [3 P P], in the order of the convolution's weight.
void copy_patch(const float* image, const PatchEmbeddingWeights& s, int index, float* row) {
  const int top = index / s.grid() * s.stride, left = index % s.grid() * s.stride;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < s.patch_size; ++y, row += s.patch_size)
      std::copy_n(image + (c * s.image_size + top + y) * s.image_size + left, s.patch_size, row);
}

class CpuBackend : public CpuMaps {
 public:
  using CpuMaps::CpuMaps;

  void time_operations(bool on) override { on ? times_.start(pool_.threads()) : times_.stop(); }
  std::vector<OperationTime> operation_times() const override {
    std::vector<OperationTime> all;
    for (int i = 0; times_.on() && i < static_cast<int>(Operation::count); ++i) {
      const Operation operation = static_cast<Operation>(i);
      const double seconds = times_.seconds(operation);
      if (operation < kFirstOfMaps || seconds > 0.0) all.push_back({kOperationNames[i], seconds});
    }
    return all;
  }

  Result<std::unique_ptr<Linear>> make_linear(const float* weight, const float* bias, int outputs,
                                              int inputs) override {
    const ComputeThread scope;
    auto made = PackedLinear::create(weight, bias, outputs, inputs, {});
    if (!made) return made.error();
    return std::unique_ptr<Linear>(std::move(*made));
  }

  Result<std::unique_ptr<Block>> make_block(const BlockWeights& weights) override {
    const ComputeThread scope;
    auto made = CpuBlock::create(weights, precision_);
    if (!made) return made.error();
    return std::unique_ptr<Block>(std::move(*made));
  }

  Result<std::unique_ptr<PatchEmbedding>> make_patch_embedding(const PatchEmbeddingWeights& w) override {
    const ComputeThread scope;
    const int dim = w.embed_dim, patches = w.grid() * w.grid();
    auto embedding = std::make_unique<CpuPatchEmbedding>();
    embedding->sizes = w;
    auto projection = PackedLinear::create(w.weight, w.bias, dim, 3 * w.patch_size * w.patch_size, {});
    if (!projection) return projection.error();
    embedding->projection = std::move(*projection);
    const std::size_t special = static_cast<std::size_t>(w.special_tokens.count) * dim;
    const std::size_t position = static_cast<std::size_t>(patches) * dim;
    std::copy_n(w.special, special, embedding->special.reserve(special));
    std::copy_n(w.position, position, embedding->position.reserve(position));
    return std::unique_ptr<PatchEmbedding>(std::move(embedding));
  }

  void normalise(TensorView<const std::uint8_t> pixels, const float mean[3], const float std[3],
                 Tensor out) override {
    float scale[3], shift[3];
    for (int c = 0; c < 3; ++c) {
      scale[c] = 1.0f / (255.0f * std[c]);
      shift[c] = -mean[c] / std[c];
    }
    const int area = pixels.extent(1) * pixels.extent(2);
    pool_.run(pixels.extent(0), [&](int b, int thread) {
      OperationTimes::Task time(times_, thread);
      cpu::normalise(pixels.at(b), scale, shift, area, out.at(b));
      time.end(Operation::embed);
    });
  }

  void embed_patches(Tensor images, const PatchEmbedding& weights, Tensor stream) override {
    const auto& w = static_cast<const CpuPatchEmbedding&>(weights);
    const int dim = w.sizes.embed_dim, inputs = w.projection->inputs;
    const SpecialTokens& special = w.sizes.special_tokens;
    const RowTiles tiles(w.sizes.grid() * w.sizes.grid());
    tiles.for_each_size([&](int size) { w.projection->prepare(size, pool_.threads()); });
    const std::size_t needed = static_cast<std::size_t>(tiles.largest()) * (inputs + dim);
    scratch_.reserve(pool_.threads() * needed);
    pool_.run(images.extent(0) * tiles.count(), [&](int task, int thread) {
      OperationTimes::Task time(times_, thread);
      const int b = task / tiles.count(), begin = tiles.begin(task % tiles.count()),
                end = tiles.end(task % tiles.count());
      float* rows = scratch_.data() + thread * needed;
      float* embedded = rows + static_cast<std::size_t>(tiles.largest()) * inputs;
      for (int p = begin; p < end; ++p)
        copy_patch(images.at(b), w.sizes, p, rows + static_cast<std::size_t>(p - begin) * inputs);
      w.projection->run(end - begin, rows, embedded, thread);
      for (int p = begin; p < end; ++p) {
        float* row = stream.at(b) + special.row_of_patch(p) * dim;
        std::copy_n(embedded + (p - begin) * dim, dim, row);
        add(w.position.data() + static_cast<std::size_t>(p) * dim, row, dim);
      }
      for (int i = 0; begin == 0 && i < special.count; ++i)
        std::copy_n(w.special.data() + static_cast<std::size_t>(i) * dim, dim,
                    stream.at(b) + special.row(i) * dim);
      time.end(Operation::embed);
    });
  }

  void run_block(const Block& block, const SpecialTokens& special, float threshold, Tensor stream,
                 TensorView<std::uint8_t> directions, Tensor gate_logits, Tensor added) override {
    static_cast<const CpuBlock&>(block).run(pool_, block_scratch_, times_, special, threshold,
                                            {stream, directions, gate_logits, added});
  }

  void rotate_tokens(Tensor tokens, TensorView<const std::int32_t> indices, int grid, Tensor cosines,
                     Tensor sines) override {
    const int dim = tokens.extent(2), quarter = dim / 4;
    const RowTiles tiles(tokens.extent(1));
    pool_.run(tokens.extent(0) * tiles.count(), [&](int task, int thread) {
      OperationTimes::Task time(times_, thread);
      const int b = task / tiles.count(), tile = task % tiles.count();
      for (int t = tiles.begin(tile); t < tiles.end(tile); ++t) {
        float* row = tokens.at(b) + static_cast<std::size_t>(t) * dim;
        const int index = indices.at(b)[t];
        for (const int position : {index / grid, index % grid}) {
          rotate_pairs(row, cosines.at(position), sines.at(position), quarter);
          row += 2 * quarter;
        }
      }
      time.end(Operation::rotate);
    });
  }

  void scatter_tokens(Tensor tokens, TensorView<const std::int32_t> indices, Tensor out) override {
    const int dim = tokens.extent(2);
    const RowTiles tiles(tokens.extent(1));
    pool_.run(tokens.extent(0) * tiles.count(), [&](int task, int thread) {
      OperationTimes::Task time(times_, thread);
      const int b = task / tiles.count(), tile = task % tiles.count();
      for (int t = tiles.begin(tile); t < tiles.end(tile); ++t)
        std::copy_n(tokens.at(b) + static_cast<std::size_t>(t) * dim, dim,
                    out.at(b) + static_cast<std::size_t>(indices.at(b)[t]) * dim);
      time.end(Operation::prune);
    });
  }

  void norm_patches(Tensor stream, const SpecialTokens& special, const float* weight, const float* bias,
                    float epsilon, Tensor out) override {
    const int dim = stream.extent(2), rows = out.extent(1);
    pool_.run(stream.extent(0), [&](int b, int thread) {
      OperationTimes::Task time(times_, thread);
      special.for_each_run(rows, [&](int patch, int row, int count) {
        layer_norm(stream.at(b) + row * dim, weight, bias, epsilon, count, dim, out.at(b) + patch * dim);
      });
      time.end(Operation::predictor);
    });
  }

  void linear(Tensor x, const Linear& weights, Activation activation, Tensor out) override {
    const auto& w = static_cast<const PackedLinear&>(weights);
    const int images = x.extent(0);
    const RowTiles tiles(static_cast<int>(x.size() / w.inputs) / images);
    tiles.for_each_size([&](int size) { w.prepare(size, pool_.threads()); });
    pool_.run(images * tiles.count(), [&](int task, int thread) {
      OperationTimes::Task time(times_, thread);
      const int b = task / tiles.count(), begin = tiles.begin(task % tiles.count());
      const int rows = tiles.end(task % tiles.count()) - begin;
      float* target = out.at(b) + static_cast<std::size_t>(begin) * w.outputs;
      w.run(rows, x.at(b) + static_cast<std::size_t>(begin) * w.inputs, target, thread);
      activate(activation, target, static_cast<std::size_t>(rows) * w.outputs);
      time.end(Operation::predictor);
    });
  }

  void pool_second_half(Tensor x) override {
    const int rows = x.extent(1), dim = x.extent(2), half = dim - dim / 2;
    scratch_.reserve(static_cast<std::size_t>(pool_.threads()) * half);
    pool_.run(x.extent(0), [&](int b, int thread) {
      OperationTimes::Task time(times_, thread);
      float* sums = scratch_.data() + static_cast<std::size_t>(thread) * half;
      std::fill_n(sums, half, 0.0f);
      for (int i = 0; i < rows; ++i) add(x.at(b) + i * dim + dim / 2, sums, half);
      for (int q = 0; q < half; ++q) sums[q] /= static_cast<float>(rows + 1);
      for (int i = 0; i < rows; ++i) std::copy_n(sums, half, x.at(b) + i * dim + dim / 2);
      time.end(Operation::predictor);
    });
  }

  void keep_best(Tensor scores, TensorView<std::int32_t> kept) override {
    const int patches = scores.extent(1);
    order_.resize(static_cast<std::size_t>(pool_.threads()) * patches);
    pool_.run(scores.extent(0), [&](int b, int thread) {
      OperationTimes::Task time(times_, thread);
      std::int32_t* order = order_.data() + static_cast<std::size_t>(thread) * patches;
      winnow::keep_best(scores.at(b), patches, kept.extent(1), order);
      std::copy_n(order, kept.extent(1), kept.at(b));
      time.end(Operation::prune);
    });
  }

  void gather_tokens(Tensor stream, const SpecialTokens& special, TensorView<const std::int32_t> kept,
                     const SpecialTokens& moved, Tensor out) override {
    pool_.run(stream.extent(0), [&](int b, int thread) {
      OperationTimes::Task time(times_, thread);
      gather_image(b, stream, special, kept, moved, out);
      time.end(Operation::prune);
    });
  }

  void norm_special_tokens(Tensor stream, const SpecialTokens& special, const float* weight, float epsilon,
                           Tensor out) override {
    const int dim = stream.extent(2);
    for (int b = 0; b < stream.extent(0); ++b)
      for (int i = 0; i < special.count; ++i)
        rms_norm(stream.at(b) + special.row(i) * dim, weight, epsilon, 1, dim, out.at(b) + i * dim);
  }

 private:
  BlockScratch block_scratch_;
  AlignedBuffer scratch_;
  std::vector<std::int32_t> order_;
};

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Backend>> make_cpu_backend(int threads, Precision precision) {
  if (const Status forced = cpu::force_isa_from_environment(); !forced) return forced.error();
  return std::unique_ptr<Backend>(
      std::make_unique<cpu::CpuBackend>(threads > 0 ? threads : cpu::cores(), precision));
}

std::vector<Precision> cpu_precisions() {
  if (const Status forced = cpu::force_isa_from_environment(); !forced) return {Precision::fp32};
  return cpu::native_precisions();
}

std::string describe_cpu() {
  const Status forced = cpu::force_isa_from_environment();
  return cpu::processor_name() + ", " + std::to_string(cpu::cores()) + " cores, " +
         (forced ? cpu::isa_in_use() : forced.error().message);
}

}  // namespace winnow
