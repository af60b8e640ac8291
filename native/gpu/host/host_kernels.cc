#include "gpu/host/host_kernels.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#include <setjmp.h>
#include <ucontext.h>
#endif

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

namespace winnow::gpu {
namespace {

constexpr std::uint32_t kWarp = 32;
constexpr std::size_t kStack = 128 << 10;
constexpr std::uint32_t kGuard = 0x7fc0dead;  // a NaN behind the shared memory

std::vector<HostKernel>& kernels() {
  static std::vector<HostKernel> all;
  return all;
}

enum class Stop { at_warp, at_block, done };

#ifdef _WIN32
// Windows has fibres of its own.
struct Fibre {
  Fibre() = default;
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;
  ~Fibre() {
    if (place != nullptr) DeleteFiber(place);
  }
  void* place = nullptr;
  Stop stop = Stop::done;
  bool parity = false;  // which of the lists of values its last exchange used
};
using Scheduler = void*;
#else
// The system's own jump: that of AddressSanitizer asks about stacks each time, and a kernel takes twenty
// times as long.
using Jump = void (*)(jmp_buf, int);
const Jump jump = [] {
  void* const library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);  // nullptr but on Linux
  void* const found = library == nullptr ? nullptr : dlsym(library, "_longjmp");
  return found == nullptr ? &_longjmp : reinterpret_cast<Jump>(found);
}();

// Made once, and then given one thread after another. It begins as a context; from then on it is left and
// entered by jumps, as switching contexts asks the system each time.
struct Fibre {
  ucontext_t context;
  jmp_buf place;
  bool begun = false;
  std::unique_ptr<char[]> stack{new char[kStack]};
  Stop stop = Stop::done;
  bool parity = false;  // which of the lists of values its last exchange used
};
struct Scheduler {
  jmp_buf place;
};
#endif

// The launch that is running; there is one at a time, on one thread of the process.
struct Running {
  const HostKernel* kernel = nullptr;
  const void* arguments = nullptr;
  HostPlace block{};
  std::uint32_t threads = 0, thread = 0;
  float* scratch = nullptr;
  Scheduler scheduler{};
  std::vector<std::unique_ptr<Fibre>> fibres;
  float values[2][kWarp];  // that a warp exchanges, in turns: the one before may still be read
};

Running running;

Fibre& fibre_of(std::uint32_t thread) { return *running.fibres[thread]; }

#ifdef _WIN32
void enter(Fibre& fibre) { SwitchToFiber(fibre.place); }
#else
// Does not return, but does not say so: AddressSanitizer would ask about stacks here as well.
void enter(Fibre& fibre) {
  if (fibre.begun) jump(fibre.place, 1);
  fibre.begun = true;
  setcontext(&fibre.context);
}
#endif

// Lets the next thread of the warp go on; after the last one, whoever resumed the warp.
void stop_at(Stop stop) {
  Fibre& fibre = fibre_of(running.thread);
  fibre.stop = stop;
  const bool is_last = ++running.thread % kWarp == 0;
#ifdef _WIN32
  SwitchToFiber(is_last ? running.scheduler : fibre_of(running.thread).place);
#else
  if (_setjmp(fibre.place) != 0) return;
  if (is_last) jump(running.scheduler.place, 1);
  enter(fibre_of(running.thread));
#endif
}

void run_threads() {
  for (;;) {
    running.kernel->body(running.arguments, running.block, running.thread, running.threads, running.scratch);
    stop_at(Stop::done);
  }
}

#ifdef _WIN32
void resume_warp(std::uint32_t first) {
  running.thread = first;
  enter(fibre_of(first));
}

void make(Fibre& fibre) {
  fibre.place = CreateFiber(kStack, [](void*) { run_threads(); }, nullptr);
}

void become_scheduler() {
  running.scheduler = IsThreadAFiber() ? GetCurrentFiber() : ConvertThreadToFiber(nullptr);
}
#else
void resume_warp(std::uint32_t first) {
  running.thread = first;
  if (_setjmp(running.scheduler.place) == 0) enter(fibre_of(running.thread));
}

void make(Fibre& fibre) {
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = fibre.stack.get();
  fibre.context.uc_stack.ss_size = kStack;
  makecontext(&fibre.context, run_threads, 0);
}

void become_scheduler() {}
#endif

// Lets a warp go on until its threads are all at a barrier of the block, or done; false where they part.
bool run_warp(std::uint32_t first) {
  for (;;) {
    resume_warp(first);
    const Stop stop = fibre_of(first).stop;
    for (std::uint32_t lane = 1; lane < kWarp; ++lane)
      if (fibre_of(first + lane).stop != stop) return false;
    if (stop != Stop::at_warp) return true;
  }
}

// False where threads part.
bool run_block() {
  for (;;) {
    for (std::uint32_t first = 0; first < running.threads; first += kWarp)
      if (!run_warp(first)) return false;
    const Stop stop = fibre_of(0).stop;
    for (std::uint32_t first = kWarp; first < running.threads; first += kWarp)
      if (fibre_of(first).stop != stop) return false;
    if (stop == Stop::done) return true;
  }
}

}  // namespace

HostKernel::Registration::Registration(const HostKernel& kernel) { kernels().push_back(kernel); }

const HostKernel* HostKernel::find(const std::string& name, bool is_fp16) {
  for (const HostKernel& kernel : kernels())
    if (kernel.name == name && kernel.is_fp16 == is_fp16) return &kernel;
  return nullptr;
}

std::string HostKernel::launch(const HostPlace& blocks, std::uint32_t threads, std::size_t shared_bytes,
                               const void* given) const {
  if (threads == 0 || threads % kWarp != 0 || threads > largest_block)
    return name + " was launched with " + std::to_string(threads) + " threads of a block.";
  const std::size_t floats = (shared_bytes + 63) / 64 * 16;
  std::vector<float> memory(floats + 32);
  void* aligned = memory.data();
  std::size_t space = memory.size() * sizeof(float);
  running.scratch = static_cast<float*>(std::align(64, floats * sizeof(float), aligned, space));
  running.kernel = this;
  running.arguments = given;
  running.threads = threads;
  become_scheduler();
  while (running.fibres.size() < threads) make(*running.fibres.emplace_back(new Fibre));
  for (HostPlace place{0, 0, 0}; place.z < blocks.z; ++place.z)
    for (place.y = 0; place.y < blocks.y; ++place.y)
      for (place.x = 0; place.x < blocks.x; ++place.x) {
        std::fill(memory.begin(), memory.end(), NAN);
        const std::size_t used = shared_bytes / sizeof(float);
        std::memcpy(running.scratch + used, &kGuard, sizeof kGuard);
        running.block = place;
        const std::string where = name + ", block " + std::to_string(place.x) + " " +
                                  std::to_string(place.y) + " " + std::to_string(place.z) + ": ";
        if (!run_block()) {
          running.fibres.clear();  // they are somewhere in the middle
          return where + "its threads do not come to the same barriers.";
        }
        if (std::memcmp(running.scratch + used, &kGuard, sizeof kGuard) != 0)
          return where + "it wrote beyond its shared memory.";
      }
  return "";
}

void HostThread::meet_block() { stop_at(Stop::at_block); }
void HostThread::meet_warp() { stop_at(Stop::at_warp); }

float HostThread::exchange(float value, std::uint32_t mask) {
  const std::uint32_t lane = running.thread % kWarp;
  Fibre& fibre = fibre_of(running.thread);
  fibre.parity = !fibre.parity;
  float* const values = running.values[fibre.parity ? 1 : 0];
  values[lane] = value;
  meet_warp();
  return values[lane ^ mask];
}

}  // namespace winnow::gpu
