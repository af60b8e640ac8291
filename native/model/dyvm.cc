#include "model/dyvm.h"

#include <algorithm>
#include <bit>
#include <chrono>

namespace winnow {

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
    b.predictor.take(workspace_, images, patches, dim);
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

// What the operations of a call depend on beside its pictures.
std::vector<std::int64_t> DyvmModel::call_key(int images, const std::vector<int>& kept,
                                              const DynamicOptions& options) const {
  std::vector<std::int64_t> key = {reinterpret_cast<std::intptr_t>(this), images,
                                   std::bit_cast<std::int32_t>(options.block_threshold)};
  key.insert(key.end(), kept.begin(), kept.end());
  return key;
}

template <typename Load>
Status DyvmModel::run(int images, const DynamicOptions& options, Outputs& outputs, Load load) {
  if (images < 1) return Error{ErrorCode::bad_argument, "Expected at least one image, but there is none."};
  const auto kept = check_options(config_, options);
  if (!kept) return kept.error();
  if (const Status planned = plan(images); !planned) return planned;
  const auto start = std::chrono::steady_clock::now();
  load();
  const auto compute = [&] { return forward(images, *kept, options); };
  const bool may_repeat = !options.trace && options.replay == nullptr && options.probe == nullptr;
  if (const Status done = may_repeat ? backend_.repeat(call_key(images, *kept, options), compute) : compute();
      !done)
    return done;
  if (const Status done = backend_.wait(); !done) {
    workspace_.release();  // a smaller batch needs less of it
    return done;
  }
  const Progress progress{images,
                          config_.depth,
                          config_.patches(),
                          *kept,
                          buffers_.scores,
                          buffers_.kept,
                          buffers_.directions,
                          config_.block_selection ? buffers_.gate_logits : Tensor()};
  reporter_.report(backend_, progress, options.trace, outputs);
  outputs.logits.resize(buffers_.logits.size());
  backend_.read(outputs.logits.data(), buffers_.logits.data(), buffers_.logits.size() * sizeof(float));
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
    if (options.cancelled()) return Error{ErrorCode::cancelled, "The prediction was cancelled."};
    if (stage < kept.size() && config_.pruning_layers[stage] == layer) {
      const bool prunes = kept[stage] < patches;
      const Tensor scores = view(buffers_.scores[stage], images, patches);
      if (prunes || options.trace)
        score_patches(backend_, predictors_[stage], buffers_.predictor, stream, special, scores);
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
    if (options.probe != nullptr && options.probe->layer == layer) {
      options.probe->patches = patches;
      options.probe->stream.resize(stream.size());
      backend_.read(options.probe->stream.data(), stream.data(), stream.size() * sizeof(float));
    }
    const Tensor logits = options.trace ? Tensor(buffers_.gate_logits.at(layer), {images, 2}) : Tensor();
    backend_.run_block(*blocks_[layer], special, options.block_threshold, stream,
                       {buffers_.directions.at(layer), {images}}, logits, {});
  }
  classify(stream, special);
  return ok();
}

void DyvmModel::classify(Tensor stream, const SpecialTokens& special) {
  const Buffers& b = buffers_;
  backend_.norm_special_tokens(stream, special, final_norm_, kVimEpsilon, b.special);
  if (neck_ == nullptr) return backend_.linear(b.special, *head_, Activation::none, b.logits);
  // The register head: each register narrowed, all of them joined to one vector, and that normed.
  backend_.linear(b.special, *neck_, Activation::none, b.narrowed);
  const Tensor vector(b.narrowed.data(), {b.joined.extent(0), 1, b.joined.extent(2)});
  backend_.norm_special_tokens(vector, SpecialTokens::class_token(0), neck_norm_, kVimEpsilon, b.joined);
  backend_.linear(b.joined, *head_, Activation::none, b.logits);
}

}  // namespace winnow
