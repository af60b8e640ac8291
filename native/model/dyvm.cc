#include "model/dyvm.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace winnow {
namespace {

constexpr float kEpsilon = 1e-5f;  // of every norm in these models

// The first `images` of `tensor`, each cut to `rows` of its rows.
template <typename T>
TensorView<T> view(TensorView<T> tensor, int images, int rows) {
  if (tensor.rank() == 2) return {tensor.data(), {images, rows}};
  return {tensor.data(), {images, rows, tensor.extent(2)}};
}

}  // namespace

Status DyvmModel::plan(int images) {
  const DyvmConfig& c = config_;
  const int patches = c.patches(), dim = c.embed_dim, side = c.image_size;
  const int special = c.special_tokens(patches).count;
  return workspace_.lay_out([&] {
    Buffers& b = buffers_;
    const auto take = [&](std::initializer_list<int> shape) { return workspace_.take<float>(shape); };
    b.pixels = workspace_.take<std::uint8_t>({images, side, side, 3});
    b.images = take({images, 3, side, side});
    b.stream = take({images, patches + special, dim});
    b.gathered = take({images, patches + special, dim});
    b.predictor[0] = take({images, patches, dim});
    b.predictor[1] = take({images, patches, dim});
    b.predictor[2] = take({images, patches, dim / 2});
    b.predictor[3] = take({images, patches, dim / 4});
    b.pairs = take({images, patches, 2});
    b.scores.resize(c.pruning_layers.size());
    b.kept.resize(c.pruning_layers.size());
    for (Tensor& scores : b.scores) scores = take({images, patches});
    for (auto& kept : b.kept) kept = workspace_.take<std::int32_t>({images, patches});
    b.replayed = workspace_.take<std::int32_t>({images, patches});
    b.directions = workspace_.take<std::uint8_t>({c.depth, images});
    b.gate_logits = take({c.depth, images, 2});
    b.special = take({images, special, dim});
    if (c.registers > 0) {
      b.narrowed = take({images, special, c.register_dim()});
      b.joined = take({images, 1, c.head_inputs()});
    }
    b.logits = take({images, c.classes});
  });
}

template <typename Load>
Status DyvmModel::run(int images, const DynamicOptions& options, Outputs& outputs, Load load) {
  if (images < 1) return Error{ErrorCode::bad_argument, "Expected at least one image, but there is none."};
  if (!(options.block_threshold >= 0.0f && options.block_threshold <= 1.0f))
    return Error{ErrorCode::bad_argument, "Expected a block threshold from 0 to 1, but it is " +
                                              std::to_string(options.block_threshold) + "."};
  const auto kept = kept_patches(config_, options.token_keep);
  if (!kept) return kept.error();
  if (const Status planned = plan(images); !planned) return planned;
  const auto start = std::chrono::steady_clock::now();
  load();
  if (const Status done = forward(images, *kept, options); !done) return done;
  report(images, *kept, options.trace, outputs);
  outputs.milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return ok();
}

Status DyvmModel::predict(const std::uint8_t* pixels, int images, const DynamicOptions& options,
                          Outputs& outputs) {
  return run(images, options, outputs, [&] {
    const TensorView<std::uint8_t>& target = buffers_.pixels;
    backend_.write(target.data(), pixels, target.size());
    backend_.normalise({target.data(), {images, config_.image_size, config_.image_size, 3}}, config_.mean,
                       config_.std, buffers_.images);
  });
}

Status DyvmModel::predict_normalised(const float* input, int images, const DynamicOptions& options,
                                     Outputs& outputs) {
  return run(images, options, outputs,
             [&] { backend_.write(buffers_.images.data(), input, buffers_.images.size() * sizeof(float)); });
}

Status DyvmModel::forward(int images, const std::vector<int>& kept, const DynamicOptions& options) {
  int patches = config_.patches();
  SpecialTokens special = config_.special_tokens(patches);
  Tensor stream = view(buffers_.stream, images, patches + special.count), spare = buffers_.gathered;
  backend_.embed_patches(buffers_.images, *embedding_, stream);

  std::size_t stage = 0;
  for (int layer = 0; layer < config_.depth; ++layer) {
    if (options.cancel != nullptr && options.cancel->load(std::memory_order_relaxed))
      return Error{ErrorCode::cancelled, "The prediction was cancelled."};
    if (stage < kept.size() && config_.pruning_layers[stage] == layer) {
      const bool prunes = kept[stage] < patches;
      const Tensor scores = view(buffers_.scores[stage], images, patches);
      if (prunes || options.trace) score(predictors_[stage], stream, special, scores);
      if (prunes) {
        const auto indices = view(buffers_.kept[stage], images, kept[stage]);
        const SpecialTokens moved = config_.special_tokens(kept[stage]);
        const Tensor gathered = view(spare, images, kept[stage] + moved.count);
        backend_.keep_best(scores, indices);
        TensorView<const std::int32_t> next(indices.data(), {images, kept[stage]});
        if (options.replay != nullptr) {
          const std::vector<std::int32_t>& recorded = (*options.replay)[stage];
          backend_.write(buffers_.replayed.data(), recorded.data(), next.size() * sizeof(std::int32_t));
          next = {buffers_.replayed.data(), {images, kept[stage]}};
        }
        backend_.gather_tokens(stream, special, next, moved, gathered);
        spare = stream;
        stream = gathered;
        patches = kept[stage];
        special = moved;
      }
      ++stage;
    }
    const Tensor logits = options.trace ? Tensor(buffers_.gate_logits.at(layer), {images, 2}) : Tensor();
    backend_.run_block(*blocks_[layer], special, options.block_threshold, stream,
                       {buffers_.directions.at(layer), {images}}, logits);
  }
  classify(stream, special);
  return ok();
}

void DyvmModel::classify(Tensor stream, const SpecialTokens& special) {
  const Buffers& b = buffers_;
  backend_.norm_special_tokens(stream, special, final_norm_, kEpsilon, b.special);
  if (neck_ == nullptr) return backend_.linear(b.special, *head_, Activation::none, b.logits);
  // The register head: each register narrowed, all of them joined to one vector, and that normed.
  backend_.linear(b.special, *neck_, Activation::none, b.narrowed);
  const Tensor vector(b.narrowed.data(), {b.joined.extent(0), 1, b.joined.extent(2)});
  backend_.norm_special_tokens(vector, SpecialTokens::class_token(0), neck_norm_, kEpsilon, b.joined);
  backend_.linear(b.joined, *head_, Activation::none, b.logits);
}

void DyvmModel::score(const ScorePredictor& predictor, Tensor stream, const SpecialTokens& special,
                      Tensor scores) {
  const int images = stream.extent(0), patches = stream.extent(1) - special.count;
  const Tensor normed = view(buffers_.predictor[0], images, patches);
  const Tensor features = view(buffers_.predictor[1], images, patches);
  const Tensor half = view(buffers_.predictor[2], images, patches);
  const Tensor quarter = view(buffers_.predictor[3], images, patches);
  const Tensor pairs = view(buffers_.pairs, images, patches);
  backend_.norm_patches(stream, special, predictor.norm_weight, predictor.norm_bias, kEpsilon, normed);
  backend_.linear(normed, *predictor.in, Activation::gelu, features);
  backend_.pool_second_half(features);
  backend_.linear(features, *predictor.out0, Activation::gelu, half);
  backend_.linear(half, *predictor.out2, Activation::gelu, quarter);
  backend_.linear(quarter, *predictor.out4, Activation::none, pairs);
  backend_.keep_scores(pairs, scores);
}

void DyvmModel::report(int images, const std::vector<int>& kept, bool trace, Outputs& outputs) {
  const int all = config_.patches(), depth = config_.depth;
  const auto read = [&](auto& target, const auto& source, std::size_t count) {
    target.resize(count);
    if (count > 0) backend_.read(target.data(), source.data(), count * sizeof(*target.data()));
  };
  outputs.images = images;
  read(outputs.logits, buffers_.logits, buffers_.logits.size());
  read(ran_, buffers_.directions, buffers_.directions.size());
  outputs.directions.resize(ran_.size());
  for (int b = 0; b < images; ++b)
    for (int layer = 0; layer < depth; ++layer)
      outputs.directions[b * depth + layer] = ran_[layer * images + b];

  outputs.kept.resize(kept.size());
  outputs.scores.resize(trace ? kept.size() : 0);
  int patches = all;
  for (std::size_t stage = 0; stage < kept.size(); ++stage) {
    if (trace)
      read(outputs.scores[stage], buffers_.scores[stage], static_cast<std::size_t>(images) * patches);
    if (kept[stage] < patches) {
      read(outputs.kept[stage], buffers_.kept[stage], static_cast<std::size_t>(images) * kept[stage]);
    } else {
      outputs.kept[stage].resize(static_cast<std::size_t>(images) * patches);
      for (int b = 0; b < images; ++b)
        std::iota(outputs.kept[stage].begin() + b * patches, outputs.kept[stage].begin() + (b + 1) * patches,
                  0);
    }
    patches = kept[stage];
  }
  if (trace)
    read(outputs.gate_logits, buffers_.gate_logits,
         config_.block_selection ? buffers_.gate_logits.size() : 0);

  outputs.survived.assign(static_cast<std::size_t>(images) * all, 0);
  for (int b = 0; b < images; ++b) {
    positions_.resize(all);
    std::iota(positions_.begin(), positions_.end(), 0);
    for (std::size_t stage = 0; stage < kept.size(); ++stage) {
      const std::int32_t* indices = outputs.kept[stage].data() + b * kept[stage];
      for (int i = 0; i < kept[stage]; ++i) {
        positions_[i] = positions_[indices[i]];  // ascending: never overwrites what is still to be read
        ++outputs.survived[static_cast<std::size_t>(b) * all + positions_[i]];
      }
    }
  }
}

}  // namespace winnow
