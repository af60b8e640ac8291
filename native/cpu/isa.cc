#include "cpu/isa.h"

#include <hwy/highway.h>
#include <hwy/targets.h>
#include <omp.h>

#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <fstream>
#include <mutex>

#include "cpu/kernels.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace winnow {
namespace {

struct Isa {
  const char* name;
  std::int64_t target;  // of Highway
  dnnl::cpu_isa dnnl;
};

#if HWY_ARCH_X86
constexpr Isa kIsas[] = {{"scalar", HWY_STATIC_TARGET, dnnl::cpu_isa::sse41},
                         {"sse4", HWY_SSE4, dnnl::cpu_isa::sse41},
                         {"avx2", HWY_AVX2, dnnl::cpu_isa::avx2},
                         {"avx512", HWY_AVX3, dnnl::cpu_isa::avx512_core}};
#else
constexpr Isa kIsas[] = {{"scalar", HWY_STATIC_TARGET, dnnl::cpu_isa::all}};
#endif

bool is_available(const Isa& isa) { return (hwy::SupportedTargets() & isa.target) != 0; }

Status force(const char* wanted) {
  std::string names;
  for (const Isa& isa : kIsas) {
    if (!is_available(isa)) continue;
    if (std::strcmp(isa.name, wanted) == 0) {
      // A smaller bit is a better target: what is better than the wanted one is left out.
      const std::int64_t allowed = hwy::SupportedTargets() & ~(isa.target - 1);
      hwy::SetSupportedTargetsForTest(allowed);
      hwy::GetChosenTarget().Update(allowed);
      dnnl::set_max_cpu_isa(isa.dnnl);
      return ok();
    }
    names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  return Error{ErrorCode::bad_argument, std::string("Expected WINNOW_ISA to be one of ") + names +
                                            " on this machine, but it is " + wanted + "."};
}

}  // namespace

std::vector<const char*> available_isas() {
  std::vector<const char*> names;
  for (const Isa& isa : kIsas)
    if (is_available(isa)) names.push_back(isa.name);
  return names;
}

namespace cpu {

Status force_isa_from_environment() {
  static std::once_flag once;
  static Status status = ok();
  std::call_once(once, [] {
    if (const char* wanted = std::getenv("WINNOW_ISA"); wanted != nullptr && *wanted != '\0')
      status = force(wanted);
  });
  return status;
}

const char* isa_in_use() {
  const std::int64_t target = kernel_target();
  for (const Isa& isa : kIsas)
    if (isa.target == target) return isa.name;
  return hwy::TargetName(target);
}

std::vector<Precision> native_precisions() {
  // An instruction set of oneDNN includes another when it has all of its bits.
  const auto has = [isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa())](dnnl::cpu_isa wanted) {
    return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
  };
  std::vector<Precision> precisions = {Precision::fp32};
#if HWY_ARCH_X86
  if (has(dnnl::cpu_isa::avx512_core_bf16)) precisions.push_back(Precision::bf16);
  if (has(dnnl::cpu_isa::avx512_core_vnni)) precisions.push_back(Precision::int8);
#endif
  return precisions;
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) {
      const std::size_t colon = line.find(':');
      if (colon != std::string::npos && colon + 2 < line.size()) return line.substr(colon + 2);
    }
  return "unknown processor";
}

ComputeThread::ComputeThread() : saved_(0) {
  if (omp_get_max_threads() != 1) omp_set_num_threads(1);
#if defined(__x86_64__)
  saved_ = _mm_getcsr();
  _mm_setcsr(saved_ | 0x8040);  // flush to zero, denormals are zero
#endif
}

ComputeThread::~ComputeThread() {
#if defined(__x86_64__)
  _mm_setcsr(saved_);
#endif
}

}  // namespace cpu
}  // namespace winnow
