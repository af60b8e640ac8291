// The threads of the cpu backend: every task runs once, and what it wrote is seen when the run is over.
#include "cpu/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

using namespace winnow;

TEST_CASE("every task of every run is done once, by a thread that the pool has") {
  for (const int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    cpu::ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    std::vector<int> sums(40, 0);  // plain numbers: only the pool orders what is written to them
    std::vector<int> wanted(40, 0);
    int strangers = 0;
    for (int run = 0; run < 3000; ++run) {
      const int count = run * 7 % 41;
      for (int i = 0; i < count; ++i) wanted[i] += run;
      std::vector<int> by(count, -1);
      pool.run(count, [&](int index, int thread) {
        sums[index] += run;
        by[index] = thread;
      });
      for (const int thread : by) strangers += thread < 0 || thread >= threads;
    }
    CHECK(sums == wanted);
    CHECK(strangers == 0);
  }
}

TEST_CASE("tasks run at the same time on as many threads as there are") {
  cpu::ThreadPool pool(4);
  for (int run = 0; run < 50; ++run) {
    std::atomic<int> begun = 0;
    std::vector<int> by(4, -1);
    pool.run(4, [&](int index, int thread) {
      by[index] = thread;
      ++begun;
      while (begun < 4) std::this_thread::yield();  // for ever, were one thread to take two
    });
    CHECK(std::set<int>(by.begin(), by.end()) == std::set<int>{0, 1, 2, 3});
  }
}

TEST_CASE("a pool ends while its threads are still on their way to a run that is over") {
  for (int i = 0; i < 200; ++i) {
    int done = 0;
    {
      cpu::ThreadPool pool(4);
      pool.run(1, [&](int, int) { ++done; });
      std::atomic<int> shared = 0;
      pool.run(2, [&](int, int) { ++shared; });
      done += shared;
    }
    CHECK(done == 3);
  }
}
