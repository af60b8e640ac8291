// What a model is, as the manifest of its package says.
#pragma once

#include <string>
#include <vector>

#include "ops/result.h"
#include "ops/special_tokens.h"

namespace winnow {

struct DyvmConfig {
  bool class_token_first = false;  // VideoMamba: class token at row 0; Vim: in the middle of the patches
  bool halve_directions = true;    // Vim, MambaReg: mean of both scan directions; VideoMamba: their sum
  int registers = 0;               // MambaReg: registers in place of the class token; else 0
  int register_reduction = 1;      // MambaReg: the head narrows each register to D / this, then joins them
  int image_size = 0, patch_size = 0, stride = 0;
  int embed_dim = 0, depth = 0, state_dim = 0, conv_width = 0, dt_rank = 0, classes = 0;
  bool block_selection = false;
  std::vector<int> pruning_layers;  // blocks before which patches are pruned, ascending
  std::vector<double> token_keep;   // trained ratio of each pruning stage
  float mean[3] = {}, std[3] = {};

  int inner_dim() const { return 2 * embed_dim; }
  int grid() const { return (image_size - patch_size) / stride + 1; }
  int patches() const { return grid() * grid(); }
  int register_dim() const { return embed_dim / register_reduction; }
  int head_inputs() const { return registers > 0 ? registers * register_dim() : embed_dim; }
  // Where they are in a sequence of so many patches.
  SpecialTokens special_tokens(int patches) const {
    if (registers > 0) return SpecialTokens::registers(registers, patches);
    return SpecialTokens::class_token(class_token_first ? 0 : patches / 2);
  }
};

// Reads the manifest's JSON (docs/model-package.md). Fails with bad_model, naming the field.
Result<DyvmConfig> read_manifest(const std::string& json);

// Patches kept at each stage: int(ratio x M), at least 1 (DyVM, section 3.2; M counts the patches before any
// pruning). Fails with bad_argument unless there is one ratio per stage, each 0 < r <= 1 and none above the
// one before.
Result<std::vector<int>> kept_patches(const DyvmConfig& config, const std::vector<double>& token_keep);

}  // namespace winnow
