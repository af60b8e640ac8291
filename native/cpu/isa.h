// Which instruction set the cpu backend runs on, and the state that its threads compute in.
#pragma once

#include <string>
#include <vector>

#include "ops/backend.h"
#include "ops/result.h"

namespace winnow {

// Names that the environment variable WINNOW_ISA may force on this machine, slowest first:
// "scalar" (the lowest that Highway offers here), "sse4", "avx2", "avx512", "avx512-bf16", "amx" on x86.
std::vector<const char*> available_isas();

namespace cpu {

// Obeys WINNOW_ISA, once per process and before any kernel runs; without it the best available is used.
// Fails with bad_argument, naming what is available.
Status force_isa_from_environment();

// The instruction set that Highway's dispatch and oneDNN really use.
const char* isa_in_use();

// Precisions whose matrix products have instructions in the instruction set in use; most exact first.
std::vector<Precision> native_precisions();

// Whether matrix products of bf16 run on the processor's matrix tiles (AMX).
bool has_tiles();

// Processor name as the system reports it, or "unknown processor".
std::string processor_name();

// While alive, the calling thread flushes denormal numbers (scan states decay through them, and they cost a
// hundred times a normal number) and oneDNN computes on this thread alone.
class ComputeThread {
 public:
  ComputeThread();
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

 private:
  unsigned saved_;
};

}  // namespace cpu
}  // namespace winnow
