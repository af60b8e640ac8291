// The families of models, one record each: what the name of an architecture in a manifest stands for. How
// their blocks compute is the same (vim_layers.h); docs/extending.md says what a new family needs beside its
// record.
#pragma once

#include <span>
#include <string>

namespace winnow {

struct Family {
  const char* architecture;  // in the manifest
  bool class_token_first;    // its row is 0; else it is in the middle of the patches
  bool halve_directions;     // a block adds the mean of both scan directions; else their sum
  bool has_registers;        // registers in place of the class token, and a head over them: MambaReg
  bool is_backbone;          // also the backbone of segmentation and detection models
  bool is_trained;           // train/ can compute its gradients
};

std::span<const Family> families();

// Null where there is none of this name.
const Family* find_family(const std::string& architecture);

// That of configs which say nothing else.
const Family& vim();

}  // namespace winnow
