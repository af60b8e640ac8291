// The fast backend for processors: Highway for what is ours, oneDNN for matrix products, all cores.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace winnow {

// `threads`: 0 for one per core; `precision`: one of cpu_precisions(). Fails with bad_argument when
// WINNOW_ISA names an instruction set that is not there.
Result<std::unique_ptr<Backend>> make_cpu_backend(int threads, Precision precision);

// What the processor, or the instruction set that WINNOW_ISA forces, has instructions for; most exact first.
std::vector<Precision> cpu_precisions();

// Processor, instruction set and cores, in words.
std::string describe_cpu();

}  // namespace winnow
