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
#include <cpuid.h>
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
                         {"avx512", HWY_AVX3, dnnl::cpu_isa::avx512_core},
                         {"avx512-bf16", HWY_AVX3, dnnl::cpu_isa::avx512_core_bf16},
                         {"amx", HWY_AVX3, dnnl::cpu_isa::avx512_core_amx}};
#else
constexpr Isa kIsas[] = {{"scalar", HWY_STATIC_TARGET, dnnl::cpu_isa::all}};
#endif

// Of the processor, for the part of oneDNN that Highway does not tell.
bool has_products(dnnl::cpu_isa isa) {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (isa == dnnl::cpu_isa::avx512_core_bf16) return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
  if (isa == dnnl::cpu_isa::avx512_core_amx) return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
#endif
  (void)isa;
  return true;
}

bool is_available(const Isa& isa) {
  return (hwy::SupportedTargets() & isa.target) != 0 && has_products(isa.dnnl);
}

// Whether oneDNN may use `wanted`: an instruction set includes another when it has all of its bits.
bool in_use(dnnl::cpu_isa wanted) {
  const auto all = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (all & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

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
  const char* name = hwy::TargetName(target);
  for (const Isa& isa : kIsas)
    if (isa.target == target && in_use(isa.dnnl)) name = isa.name;
  return name;
}

std::vector<Precision> native_precisions() {
  std::vector<Precision> precisions = {Precision::fp32};
#if HWY_ARCH_X86
  if (in_use(dnnl::cpu_isa::avx512_core_bf16)) precisions.push_back(Precision::bf16);
  if (in_use(dnnl::cpu_isa::avx512_core_vnni)) precisions.push_back(Precision::int8);
#endif
  return precisions;
}

bool has_tiles() {
#if HWY_ARCH_X86
  return in_use(dnnl::cpu_isa::avx512_core_amx);
#else
  return false;
#endif
}

std::string processor_name() {
#if defined(__x86_64__)
  unsigned brand[13] = {};  // its three parts, 16 characters each, and a zero
  bool found = true;
  for (unsigned part = 0; part < 3; ++part) {
    unsigned* to = brand + 4 * part;
    found = found && __get_cpuid(0x80000002 + part, to, to + 1, to + 2, to + 3) != 0;
  }
  const std::string name = reinterpret_cast<const char*>(brand);
  const std::size_t first = name.find_first_not_of(' ');
  if (found && first != std::string::npos) return name.substr(first, name.find_last_not_of(' ') + 1 - first);
#endif
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
