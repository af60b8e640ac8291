// The tokens of a sequence that are no patches.
#pragma once

#include <algorithm>

namespace winnow {

// `count` special tokens at rows first, first + step, ...; the patches fill the other rows in their order.
// Vim and VideoMamba have one, the class token; MambaReg (arXiv 2405.14858) has registers spread over the
// sequence.
struct SpecialTokens {
  int count = 1, first = 0, step = 1;

  // Segmentation and detection models have patches alone.
  static SpecialTokens none() { return {0, 0, 1}; }
  static SpecialTokens class_token(int row) { return {1, row, 1}; }
  // A register behind every s = patches / (registers + 1) patches; what patches are left follow the last one.
  static SpecialTokens registers(int registers, int patches) {
    const int between = patches / (registers + 1);
    return {registers, between, between + 1};
  }

  int row(int index) const { return first + index * step; }
  // Row of the `patch`-th patch.
  int row_of_patch(int patch) const {
    if (patch < first) return patch;
    return patch + (step == 1 ? count : std::min(count, 1 + (patch - first) / (step - 1)));
  }
  // Calls run(first patch, its row, length) for each run of patches without a special token between them.
  template <typename Run>
  void for_each_run(int patches, Run run) const {
    for (int patch = 0; patch < patches;) {
      const int row = row_of_patch(patch), before = row - patch;  // special tokens ahead of it
      const int end = before < count ? std::min(patches, this->row(before) - before) : patches;
      run(patch, row, end - patch);
      patch = end;
    }
  }
};

}  // namespace winnow
