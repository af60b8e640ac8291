// What a model is, as the manifest of its package says.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "model/families.h"
#include "ops/result.h"
#include "ops/special_tokens.h"

namespace winnow {

// UperNet (arXiv 1807.10221) over four taps, or a projection and two convolutions over the last block's map.
struct SegmentationHead {
  enum class Kind { uper_net, convolutions };
  std::vector<int> taps;         // UperNet: blocks behind which features are taken, ascending
  int width = 0;                 // channels
  std::vector<int> pool_scales;  // UperNet
  int slide_stride = 0;          // pixels between two windows, at the trained image size
  Kind kind = Kind::uper_net;
};

// Mask R-CNN (arXiv 1703.06870), or Cascade Mask R-CNN (arXiv 1906.09756) with three stages.
struct MaskRcnnHead {
  int width = 0;      // channels of the pyramid, the proposal network and the heads
  int box_width = 0;  // values of the box head's hidden layer
  int stages = 0;
  bool box_per_class = false;  // whether every class has box corrections of its own
};

// One stage without anchors (FCOS, arXiv 1904.01355), with masks from prototypes (YOLACT, arXiv 1904.02689).
struct OneStageHead {
  int width = 0;       // channels of the pyramid and the towers
  int layers = 0;      // convolutions of each of the two towers
  int prototypes = 0;  // that masks are mixed of; 0 where there are boxes alone
};

using DetectionHead = std::variant<MaskRcnnHead, OneStageHead>;

// A model with neither head is a classifier. Those with one are `dense`: they have no special tokens, and
// their patches make a map of features.
struct DyvmConfig {
  const Family* family = &vim();
  bool halve_directions = true;  // the family's, but a dense model says so itself
  bool rotary = false;           // dense: tokens are rotated by their positions before every block
  int registers = 0;             // of a family that has them; else 0
  int register_reduction = 1;    // the head narrows each register to D / this, then joins them
  int image_size = 0, patch_size = 0, stride = 0;
  int trained_size = 0;  // image size that the position embedding is for; see with_input_size
  int embed_dim = 0, depth = 0, state_dim = 0, conv_width = 0, dt_rank = 0, classes = 0;
  bool block_selection = false;
  std::vector<int> pruning_layers;  // blocks before which patches are pruned, ascending
  std::vector<double> token_keep;   // trained ratio of each pruning stage
  float mean[3] = {}, std[3] = {};
  std::optional<SegmentationHead> segmentation;
  std::optional<DetectionHead> detection;

  int inner_dim() const { return 2 * embed_dim; }
  int grid() const { return (image_size - patch_size) / stride + 1; }
  int patches() const { return grid() * grid(); }
  int register_dim() const { return embed_dim / register_reduction; }
  int head_inputs() const { return registers > 0 ? registers * register_dim() : embed_dim; }
  bool dense() const { return segmentation.has_value() || detection.has_value(); }
  // A dense model's features are what these blocks add to the stream, or, without any, the stream at the end.
  std::span<const int> taps() const {
    return segmentation ? std::span<const int>(segmentation->taps) : std::span<const int>();
  }
  // Where they are in a sequence of so many patches.
  SpecialTokens special_tokens(int patches) const {
    if (dense()) return SpecialTokens::none();
    if (registers > 0) return SpecialTokens::registers(registers, patches);
    return SpecialTokens::class_token(family->class_token_first ? 0 : patches / 2);
  }
};

// Reads the manifest's JSON (docs/model-package.md). Fails with bad_model, naming the field.
Result<DyvmConfig> read_manifest(const std::string& json);

// The model for pictures of another size: a multiple of 32 pixels, 2048 at most, for a dense model that is
// trained at such a one; its trained size always. Fails with bad_argument.
Result<DyvmConfig> with_input_size(const DyvmConfig& config, int size);

// Patches kept at each stage: int(ratio x M), at least 1 (DyVM, section 3.2; M counts the patches before any
// pruning). Fails with bad_argument unless there is one ratio per stage, each 0 < r <= 1 and none above the
// one before.
Result<std::vector<int>> kept_patches(const DyvmConfig& config, const std::vector<double>& token_keep);

}  // namespace winnow
