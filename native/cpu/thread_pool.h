// The one set of threads that the cpu backend computes with.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace winnow::cpu {

class ThreadPool {
 public:
  // `threads` including the one that calls run; at least 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(index, thread) for every index below `count`, on all threads that come in time, and returns
  // when all are done. A thread that the system keeps from running is waited for only while it has a task.
  // Allocates nothing. Tasks must not throw and not call run.
  template <typename Task>
  void run(int count, const Task& task) {
    start(
        count,
        [](const void* context, int index, int thread) {
          (*static_cast<const Task*>(context))(index, thread);
        },
        &task);
  }

 private:
  using Call = void (*)(const void* context, int index, int thread);
  void start(int count, Call call, const void* context);
  void work(int thread);
  void take_tasks(int thread);

  std::vector<std::thread> workers_;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  int count_ = 0;
  // The number of this run of tasks in the upper half, and how many nobody has taken yet in the lower: who
  // lowers the one knows that the other still holds, and with it what is above.
  std::atomic<std::uint64_t> tickets_ = 0;
  std::atomic<std::uint32_t> runs_ = 0;  // that workers were called to
  std::atomic<int> unfinished_ = 0;      // tasks, taken or not
  std::atomic<bool> closing_ = false;
};

}  // namespace winnow::cpu
