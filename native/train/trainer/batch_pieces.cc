#include "train/trainer/batch_pieces.h"

#include <algorithm>

#include "train/random.h"

namespace winnow::train {
namespace {

// What a block keeps of a token and what its gradients need beside it, measured on whole steps.
constexpr double kBesideActivations = 1.25;
constexpr double kWithHead = 1.5;  // of a dense model

void add_share(const StepResult& piece, double share, StepResult& sum) {
  const auto add = [share](double& to, double value) { to += share * value; };
  add(sum.losses.total, piece.losses.total);
  add(sum.losses.classification, piece.losses.classification);
  add(sum.losses.token_ratio, piece.losses.token_ratio);
  add(sum.losses.block_ratio, piece.losses.block_ratio);
  add(sum.losses.distill_class, piece.losses.distill_class);
  add(sum.losses.distill_token, piece.losses.distill_token);
  add(sum.losses.boxes, piece.losses.boxes);
  add(sum.losses.quality, piece.losses.quality);
  add(sum.losses.masks, piece.losses.masks);
  add(sum.accuracy, piece.accuracy);
  add(sum.tokens_kept, piece.tokens_kept);
  add(sum.directions_kept, piece.directions_kept);
}

}  // namespace

std::vector<Piece> cut_batch(int images, int most) {
  const int pieces = (images + most - 1) / most;
  std::vector<Piece> cut;
  for (int piece = 0, first = 0; piece < pieces; ++piece) {
    const int count = images / pieces + (piece < images % pieces ? 1 : 0);
    cut.push_back({first, count});
    first += count;
  }
  return cut;
}

int most_images(const DyvmConfig& c) {
  const double tokens = c.patches() + 1.0, inner = c.inner_dim(), projected = c.dt_rank + 2.0 * c.state_dim;
  // The stream, both halves of in_proj; of both directions x_proj and the states of each tile.
  const double floats = c.embed_dim + 2.0 * inner + 2.0 * projected + 2.0 * inner * c.state_dim / kScanTile;
  const double bytes =
      sizeof(float) * tokens * c.depth * floats * (c.dense() ? kWithHead : kBesideActivations);
  return std::max(1, static_cast<int>(kStepBytes / bytes));
}

Result<StepResult> learn_in_pieces(int images, int most, std::uint64_t seed, std::vector<float>& gradients,
                                   const LearnPiece& learn) {
  const std::vector<Piece> pieces = cut_batch(images, most);
  if (pieces.size() == 1) return learn(pieces[0], seed);
  StepResult sum;
  sum.tokens_kept = sum.directions_kept = 0.0;
  std::vector<float> added;
  Random seeds(seed);
  for (const Piece& piece : pieces) {
    const auto result = learn(piece, piece.first == 0 ? seed : seeds.bits());
    if (!result) return result.error();
    const double share = static_cast<double>(piece.count) / images;
    add_share(*result, share, sum);
    added.resize(gradients.size(), 0.0f);
    for (std::size_t i = 0; i < added.size(); ++i) added[i] += static_cast<float>(share) * gradients[i];
  }
  gradients = std::move(added);
  return sum;
}

}  // namespace winnow::train
