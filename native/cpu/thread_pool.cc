#include "cpu/thread_pool.h"

#include "cpu/isa.h"

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
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  closing_ = true;
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::start(int count, Call call, const void* context) {
  const ComputeThread scope;
  call_ = call;
  context_ = context;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  const bool shared = count > 1 && !workers_.empty();
  if (shared) {
    busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }
  take_tasks(0);
  if (!shared) return;
  for (int left = busy_.load(std::memory_order_acquire); left != 0;
       left = busy_.load(std::memory_order_acquire))
    wait_while(busy_, left);
}

void ThreadPool::work(int thread) {
  const ComputeThread scope;
  std::uint32_t seen = 0;
  while (true) {
    wait_while(generation_, seen);
    const std::uint32_t generation = generation_.load(std::memory_order_acquire);
    if (closing_) return;
    if (generation == seen) continue;
    seen = generation;
    take_tasks(thread);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void ThreadPool::take_tasks(int thread) {
  for (int index = next_.fetch_add(1, std::memory_order_relaxed); index < count_;
       index = next_.fetch_add(1, std::memory_order_relaxed))
    call_(context_, index, thread);
}

}  // namespace winnow::cpu
