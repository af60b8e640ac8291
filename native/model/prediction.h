// Options of one call of a model, and its outputs.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace winnow {

// The stream in front of a block, for whoever asks what that block does.
struct StreamProbe {
  int layer = 0;
  int patches = 0;            // that there still are; written, as is
  std::vector<float> stream;  // [B, L, D]
};

// How much of the model a call uses.
struct DynamicOptions {
  std::vector<double> token_keep;  // one ratio per pruning stage, of the patches before any pruning
  float block_threshold = 0.5f;    // a direction runs where sigmoid(its logit) is above this
  bool trace = false;              // also report scores and gate logits
  // Patches to go on with at each stage, [B, k], in place of the best ones: for comparing with a recorded
  // run.
  const std::vector<std::vector<std::int32_t>>* replay = nullptr;
  StreamProbe* probe = nullptr;
  const std::atomic<bool>* cancel = nullptr;  // set by any thread; looked at before every block

  bool cancelled() const { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
};

// What came out for B images, and what it took: the receipt.
struct Outputs {
  int images = 0;
  std::vector<float> logits;             // [B, classes]; of a classifier
  std::vector<std::uint8_t> directions;  // [B, depth]: kForward | kBackward where that scan ran
  std::vector<std::uint8_t> survived;    // [B, M]: pruning stages that the patch survived
  std::vector<std::vector<std::int32_t>>
      kept;                                // per stage [B, k]: indices among the patches before that stage
  std::vector<std::vector<float>> scores;  // per stage [B, patches before]; only with trace
  double milliseconds = 0.0;               // of the whole batch
  std::vector<float> gate_logits;          // [depth, B, 2]; only with trace, zero without block selection
};

}  // namespace winnow
