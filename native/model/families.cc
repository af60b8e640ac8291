#include "model/families.h"

#include <algorithm>

namespace winnow {
namespace {

constexpr Family kFamilies[] = {
    // Vim (arXiv 2401.09417)
    {.architecture = "vim",
     .class_token_first = false,
     .halve_directions = true,
     .has_registers = false,
     .is_backbone = true,
     .is_trained = true},
    // VideoMamba (arXiv 2403.06977)
    {.architecture = "videomamba",
     .class_token_first = true,
     .halve_directions = false,
     .has_registers = false,
     .is_backbone = false,
     .is_trained = true},
    // MambaReg (arXiv 2405.14858)
    {.architecture = "mambareg",
     .class_token_first = false,
     .halve_directions = true,
     .has_registers = true,
     .is_backbone = false,
     .is_trained = false},
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family* find_family(const std::string& architecture) {
  const auto found = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                  [&](const Family& family) { return architecture == family.architecture; });
  return found == std::end(kFamilies) ? nullptr : found;
}

const Family& vim() { return kFamilies[0]; }

}  // namespace winnow
