#include "cpu/thread_pool.h"

#include "cpu/isa.h"
#include "platform/atomic_wait.h"

namespace winnow::cpu {
namespace {

// Phases of a layer follow each other within tens of microseconds: worth a short wait before the kernel's
// help.
constexpr int kSpins = 2000;

template <typename T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  wait_for_change(value, old);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  closing_ = true;
  runs_.fetch_add(1, std::memory_order_release);
  wake_all(runs_);
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::start(int count, Call call, const void* context) {
  const ComputeThread scope;
  if (count <= 1 || workers_.empty()) {
    for (int index = 0; index < count; ++index) call(context, index, 0);
    return;
  }
  // Nobody holds a ticket of the run before, so nobody reads these.
  call_ = call;
  context_ = context;
  count_ = count;
  unfinished_.store(count, std::memory_order_relaxed);
  const std::uint32_t run = runs_.load(std::memory_order_relaxed) + 1;
  tickets_.store(std::uint64_t{run} << 32 | static_cast<std::uint32_t>(count), std::memory_order_release);
  runs_.store(run, std::memory_order_release);
  wake_all(runs_);
  take_tasks(0);
  for (int left = unfinished_.load(std::memory_order_acquire); left != 0;
       left = unfinished_.load(std::memory_order_acquire))
    wait_while(unfinished_, left);
}

void ThreadPool::work(int thread) {
  const ComputeThread scope;
  std::uint32_t seen = 0;
  while (true) {
    wait_while(runs_, seen);
    seen = runs_.load(std::memory_order_acquire);
    if (closing_) return;
    take_tasks(thread);
  }
}

void ThreadPool::take_tasks(int thread) {
  std::uint64_t tickets = tickets_.load(std::memory_order_acquire);
  while (const auto left = static_cast<std::uint32_t>(tickets)) {
    if (!tickets_.compare_exchange_weak(tickets, tickets - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire))
      continue;
    call_(context_, count_ - static_cast<int>(left), thread);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_all(unfinished_);
    tickets = tickets_.load(std::memory_order_acquire);
  }
}

}  // namespace winnow::cpu
