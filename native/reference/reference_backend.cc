#include "reference/reference_backend.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/keep_best.h"
#include "reference/formulas.h"
#include "reference/reference_maps.h"

namespace winnow {
namespace {

using Rows = std::vector<float>;

using reference::dot;
using reference::norm;
using reference::sigmoid;
using reference::silu;

Rows copy(const float* values, std::size_t count) {
  return values == nullptr ? Rows() : Rows(values, values + count);
}

struct ReferenceLinear : Linear {
  Rows weight, bias;
};

struct ReferenceScan {
  ReferenceScan(const ScanWeights& w, std::size_t inner, int state, int rank, int width)
      : conv_weight(copy(w.conv_weight, inner * width)),
        conv_bias(copy(w.conv_bias, inner)),
        x_proj(copy(w.x_proj, (rank + 2 * state) * inner)),
        dt_weight(copy(w.dt_weight, inner * rank)),
        dt_bias(copy(w.dt_bias, inner)),
        a_log(copy(w.a_log, inner * state)),
        d(copy(w.d, inner)) {}
  Rows conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a_log, d;
};

struct ReferenceBlock : Block {
  explicit ReferenceBlock(const BlockWeights& w)
      : sizes(w),
        norm(copy(w.norm, w.embed_dim)),
        in_proj(copy(w.in_proj, 2ull * w.inner_dim * w.embed_dim)),
        out_proj(copy(w.out_proj, 1ull * w.inner_dim * w.embed_dim)),
        gate(copy(w.gate, 2ull * w.embed_dim)),
        gate_bias(copy(w.gate_bias, 2)),
        forward(w.forward, w.inner_dim, w.state_dim, w.dt_rank, w.conv_width),
        backward(w.backward, w.inner_dim, w.state_dim, w.dt_rank, w.conv_width) {}
  BlockWeights sizes;  // only its numbers; the pointers are not kept alive
  Rows norm, in_proj, out_proj, gate, gate_bias;
  ReferenceScan forward, backward;
};

struct ReferencePatchEmbedding : PatchEmbedding {
  explicit ReferencePatchEmbedding(const PatchEmbeddingWeights& w)
      : sizes(w),
        weight(copy(w.weight, 3ull * w.embed_dim * w.patch_size * w.patch_size)),
        bias(copy(w.bias, w.embed_dim)),
        special(copy(w.special, 1ull * w.special_tokens.count * w.embed_dim)),
        position(copy(w.position, 1ull * w.grid() * w.grid() * w.embed_dim)) {}
  PatchEmbeddingWeights sizes;  // only its numbers
  Rows weight, bias, special, position;
};

// One direction of the selective scan of one image, added to y [L,E]; x [L,E]. `at(t)` is the row of step t.
template <typename RowOf>
void scan_direction(const ReferenceScan& w, const BlockWeights& s, const float* x, int tokens, RowOf at,
                    float* y) {
  const int inner = s.inner_dim, states = s.state_dim, rank = s.dt_rank, width = s.conv_width;
  Rows u(inner), projected(rank + 2 * states), h(static_cast<std::size_t>(inner) * states, 0.0f);
  for (int t = 0; t < tokens; ++t) {
    for (int e = 0; e < inner; ++e) {
      const auto value = [&](int k) {  // causal: zeros before the first step
        const int source = t - (width - 1) + k;
        return source >= 0 ? x[at(source) * inner + e] : 0.0f;
      };
      const auto tap = [&](int k) { return w.conv_weight[e * width + k]; };
      u[e] = static_cast<float>(silu(reference::convolution_sum(w.conv_bias[e], width, tap, value)));
    }
    for (int r = 0; r < rank + 2 * states; ++r)
      projected[r] = static_cast<float>(dot(&w.x_proj[static_cast<std::size_t>(r) * inner], u.data(), inner));
    const float* input_matrix = projected.data() + rank;            // B [N]
    const float* output_matrix = projected.data() + rank + states;  // C [N]
    for (int e = 0; e < inner; ++e) {
      const double delta =
          reference::softplus(dot(&w.dt_weight[e * rank], projected.data(), rank) + w.dt_bias[e]);
      const auto a = [&](int n) { return -std::exp(static_cast<double>(w.a_log[e * states + n])); };
      const double sum = reference::scan_step(states, delta, u[e], a, input_matrix, output_matrix, w.d[e],
                                              &h[static_cast<std::size_t>(e) * states]);
      y[at(t) * inner + e] += static_cast<float>(sum);
    }
  }
}

// The mean of the special tokens of normed [L,D], or of all tokens where there are none.
Rows mean_of(const SpecialTokens& special, const Rows& normed, int tokens, int dim) {
  const int count = special.count > 0 ? special.count : tokens;
  Rows mean(dim);
  for (int d = 0; d < dim; ++d) {
    double sum = 0.0;
    for (int i = 0; i < count; ++i)
      sum += normed[static_cast<std::size_t>(special.count > 0 ? special.row(i) : i) * dim + d];
    mean[d] = static_cast<float>(sum / count);
  }
  return mean;
}

// The scan directions of one image from the mean [D] of its normalised special tokens; logits [2] are written
// unless null.
std::uint8_t choose_directions(const ReferenceBlock& w, const Rows& mean, float threshold, float* logits) {
  if (w.gate.empty()) return kForward | kBackward;
  std::uint8_t directions = 0;
  for (int i = 0; i < 2; ++i) {
    const double logit = dot(&w.gate[i * w.sizes.embed_dim], mean.data(), w.sizes.embed_dim) + w.gate_bias[i];
    if (logits != nullptr) logits[i] = static_cast<float>(logit);
    if (static_cast<float>(sigmoid(logit)) > threshold) directions |= i == 0 ? kForward : kBackward;
  }
  return directions;
}

// stream [L,D] += what the block computes from normed [L,D] for one image whose `directions` are not empty;
// `added` [L,D] gets it too unless it is null.
void mix(const ReferenceBlock& w, const Rows& normed, int tokens, std::uint8_t directions, float* stream,
         float* added) {
  const int dim = w.sizes.embed_dim, inner = w.sizes.inner_dim;
  Rows x(static_cast<std::size_t>(tokens) * inner), z(x.size()), y(x.size(), 0.0f);
  for (int t = 0; t < tokens; ++t) {
    const float* row = &normed[static_cast<std::size_t>(t) * dim];
    for (int e = 0; e < inner; ++e) {
      const std::size_t i = static_cast<std::size_t>(t) * inner + e;
      x[i] = static_cast<float>(dot(&w.in_proj[static_cast<std::size_t>(e) * dim], row, dim));
      z[i] = static_cast<float>(dot(&w.in_proj[static_cast<std::size_t>(inner + e) * dim], row, dim));
    }
  }
  if (directions & kForward)
    scan_direction(w.forward, w.sizes, x.data(), tokens, [](int t) { return t; }, y.data());
  if (directions & kBackward)
    scan_direction(w.backward, w.sizes, x.data(), tokens, [=](int t) { return tokens - 1 - t; }, y.data());
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = static_cast<float>(y[i] * silu(z[i]) * w.sizes.output_scale);
  for (int t = 0; t < tokens; ++t)
    for (int d = 0; d < dim; ++d) {
      const float hidden = static_cast<float>(dot(&w.out_proj[static_cast<std::size_t>(d) * inner],
                                                  &y[static_cast<std::size_t>(t) * inner], inner));
      stream[t * dim + d] += hidden;
      if (added != nullptr) added[t * dim + d] = hidden;
    }
}

class ReferenceBackend : public ReferenceMaps {
 public:
  void time_operations(bool) override {}
  std::vector<OperationTime> operation_times() const override { return {}; }

  Result<std::unique_ptr<Linear>> make_linear(const float* weight, const float* bias, int outputs,
                                              int inputs) override {
    auto linear = std::make_unique<ReferenceLinear>();
    linear->outputs = outputs;
    linear->inputs = inputs;
    linear->weight = copy(weight, static_cast<std::size_t>(outputs) * inputs);
    linear->bias = copy(bias, outputs);
    return std::unique_ptr<Linear>(std::move(linear));
  }
  Result<std::unique_ptr<Block>> make_block(const BlockWeights& weights) override {
    return std::unique_ptr<Block>(std::make_unique<ReferenceBlock>(weights));
  }
  Result<std::unique_ptr<PatchEmbedding>> make_patch_embedding(
      const PatchEmbeddingWeights& weights) override {
    return std::unique_ptr<PatchEmbedding>(std::make_unique<ReferencePatchEmbedding>(weights));
  }

  void normalise(TensorView<const std::uint8_t> pixels, const float mean[3], const float std[3],
                 Tensor out) override {
    const int area = pixels.extent(1) * pixels.extent(2);
    for (int b = 0; b < pixels.extent(0); ++b)
      for (int c = 0; c < 3; ++c)
        for (int i = 0; i < area; ++i)
          out.at(b)[c * area + i] = (pixels.at(b)[i * 3 + c] / 255.0f - mean[c]) / std[c];
  }

  void embed_patches(Tensor images, const PatchEmbedding& embedding, Tensor stream) override {
    const auto& w = static_cast<const ReferencePatchEmbedding&>(embedding);
    const int side = w.sizes.image_size, patch = w.sizes.patch_size, dim = w.sizes.embed_dim;
    const int grid = w.sizes.grid();
    const SpecialTokens& special = w.sizes.special_tokens;
    for (int b = 0; b < images.extent(0); ++b) {
      for (int i = 0; i < special.count; ++i)
        std::copy_n(&w.special[static_cast<std::size_t>(i) * dim], dim, stream.at(b) + special.row(i) * dim);
      for (int index = 0; index < grid * grid; ++index) {
        float* out = stream.at(b) + special.row_of_patch(index) * dim;
        const float* position = &w.position[static_cast<std::size_t>(index) * dim];
        const int top = index / grid * w.sizes.stride, left = index % grid * w.sizes.stride;
        for (int d = 0; d < dim; ++d) {
          double sum = w.bias[d];
          for (int c = 0; c < 3; ++c)
            for (int y = 0; y < patch; ++y)
              sum += dot(&w.weight[((static_cast<std::size_t>(d) * 3 + c) * patch + y) * patch],
                         images.at(b) + (c * side + top + y) * side + left, patch);
          out[d] = static_cast<float>(sum) + position[d];
        }
      }
    }
  }

  void run_block(const Block& block, const SpecialTokens& special, float threshold, Tensor stream,
                 TensorView<std::uint8_t> directions, Tensor gate_logits, Tensor added) override {
    const auto& w = static_cast<const ReferenceBlock&>(block);
    std::fill_n(added.data(), added.data() == nullptr ? 0 : added.size(), 0.0f);
    const int tokens = stream.extent(1), dim = w.sizes.embed_dim;
    Rows normed(static_cast<std::size_t>(tokens) * dim);
    for (int b = 0; b < stream.extent(0); ++b) {
      for (int t = 0; t < tokens; ++t)
        norm<float>(stream.at(b) + t * dim, w.norm.data(), nullptr, w.sizes.norm_epsilon, dim,
                    &normed[t * dim]);
      float* logits = gate_logits.data() == nullptr ? nullptr : gate_logits.at(b);
      directions.data()[b] = choose_directions(w, mean_of(special, normed, tokens, dim), threshold, logits);
      float* hidden = added.data() == nullptr ? nullptr : added.at(b);
      if (directions.data()[b] != 0) mix(w, normed, tokens, directions.data()[b], stream.at(b), hidden);
    }
  }

  void rotate_tokens(Tensor tokens, TensorView<const std::int32_t> indices, int grid, Tensor cosines,
                     Tensor sines) override {
    const int dim = tokens.extent(2), quarter = dim / 4;
    for (int b = 0; b < tokens.extent(0); ++b)
      for (int t = 0; t < tokens.extent(1); ++t)
        for (int pair = 0; pair < 2 * quarter; ++pair) {
          const int index = indices.at(b)[t], position = pair < quarter ? index / grid : index % grid;
          const double cosine = cosines.at(position)[pair % quarter],
                       sine = sines.at(position)[pair % quarter];
          float* values = tokens.at(b) + t * dim + 2 * pair;
          const double first = values[0], second = values[1];
          values[0] = static_cast<float>(first * cosine - second * sine);
          values[1] = static_cast<float>(second * cosine + first * sine);
        }
  }

  void scatter_tokens(Tensor tokens, TensorView<const std::int32_t> indices, Tensor out) override {
    const int dim = tokens.extent(2);
    for (int b = 0; b < tokens.extent(0); ++b)
      for (int t = 0; t < tokens.extent(1); ++t)
        std::copy_n(tokens.at(b) + t * dim, dim, out.at(b) + indices.at(b)[t] * dim);
  }

  void norm_patches(Tensor stream, const SpecialTokens& special, const float* weight, const float* bias,
                    float epsilon, Tensor out) override {
    const int dim = stream.extent(2);
    for (int b = 0; b < stream.extent(0); ++b)
      for (int i = 0; i < out.extent(1); ++i)
        norm(stream.at(b) + special.row_of_patch(i) * dim, weight, bias, epsilon, dim, out.at(b) + i * dim);
  }

  void linear(Tensor x, const Linear& weights, Activation activation, Tensor out) override {
    const auto& w = static_cast<const ReferenceLinear&>(weights);
    const std::size_t rows = x.size() / w.inputs;
    for (std::size_t r = 0; r < rows; ++r)
      for (int o = 0; o < w.outputs; ++o) {
        double value =
            dot(&w.weight[static_cast<std::size_t>(o) * w.inputs], x.data() + r * w.inputs, w.inputs);
        if (!w.bias.empty()) value += w.bias[o];
        out.data()[r * w.outputs + o] = static_cast<float>(reference::activate(activation, value));
      }
  }

  void pool_second_half(Tensor x) override {
    const int rows = x.extent(1), dim = x.extent(2);
    for (int b = 0; b < x.extent(0); ++b)
      for (int d = dim / 2; d < dim; ++d) {
        double sum = 0.0;
        for (int i = 0; i < rows; ++i) sum += x.at(b)[i * dim + d];
        for (int i = 0; i < rows; ++i) x.at(b)[i * dim + d] = static_cast<float>(sum / (rows + 1));
      }
  }

  void keep_best(Tensor scores, TensorView<std::int32_t> kept) override {
    std::vector<std::int32_t> order(scores.extent(1));
    for (int b = 0; b < scores.extent(0); ++b) {
      winnow::keep_best(scores.at(b), scores.extent(1), kept.extent(1), order.data());
      std::copy_n(order.begin(), kept.extent(1), kept.at(b));
    }
  }

  void gather_tokens(Tensor stream, const SpecialTokens& special, TensorView<const std::int32_t> kept,
                     const SpecialTokens& moved, Tensor out) override {
    for (int b = 0; b < stream.extent(0); ++b) gather_image(b, stream, special, kept, moved, out);
  }

  void norm_special_tokens(Tensor stream, const SpecialTokens& special, const float* weight, float epsilon,
                           Tensor out) override {
    const int dim = stream.extent(2);
    for (int b = 0; b < stream.extent(0); ++b)
      for (int i = 0; i < special.count; ++i)
        norm<float>(stream.at(b) + special.row(i) * dim, weight, nullptr, epsilon, dim, out.at(b) + i * dim);
  }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace winnow
