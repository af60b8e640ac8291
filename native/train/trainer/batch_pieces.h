// A step on more images than memory should hold at once: in pieces, one after the other, whose gradients are
// added up, each by its share of the images. What is a mean over the batch (the block ratio, the objects of a
// detector) is one over each piece then, as it is over each GPU's part where several learn together.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "train/trainer/trainer.h"

namespace winnow::train {

struct Piece {
  int first, count;  // images of the batch
};

// A batch in as few pieces as can be, none of more than `most` >= 1 images; their sizes differ by one at
// most.
std::vector<Piece> cut_batch(int images, int most);

// Images whose activations take about kStepBytes, at least one. It depends on the model alone, so that a
// training goes on with the same pieces wherever it does.
int most_images(const DyvmConfig& config);
inline constexpr double kStepBytes = 2.0 * 1024 * 1024 * 1024;

// One step's result and, in `gradients`, its gradients. `learn` computes those of a piece: from its seed, the
// step's own for the first; it fails as a step does.
using LearnPiece = std::function<Result<StepResult>(const Piece& piece, std::uint64_t seed)>;
Result<StepResult> learn_in_pieces(int images, int most, std::uint64_t seed, std::vector<float>& gradients,
                                   const LearnPiece& learn);

}  // namespace winnow::train
