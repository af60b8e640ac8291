// The part of the cpu backend that works on feature maps, and what the rest of it shares with that part.
#pragma once

#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels.h"
#include "cpu/operation_times.h"
#include "cpu/thread_pool.h"
#include "ops/host_backend.h"

namespace winnow::cpu {

class CpuMaps : public HostBackend {
 public:
  CpuMaps(int threads, Precision precision)
      : pool_(threads), precision_(precision), terms_(threads), axes_(threads) {}

  WINNOW_MAP_OPERATIONS;

 protected:
  // In place.
  static void activate(Activation activation, float* x, std::size_t n);

  ThreadPool pool_;
  Precision precision_;
  OperationTimes times_;

 private:
  // For each of `bins` positions along one axis the cells that it is made of.
  struct AxisWeights {
    struct Bin {
      int first, count;  // cells
    };
    std::vector<Bin> bins;
    std::vector<float> weights;  // [bins, cells of the map], from a bin's first cell on
  };
  static void align_axis(float low, float high, int stride, int bins, int cells, AxisWeights& axis);
  // Calls body(b, y, thread) for every row of `out`, on all threads, booked as `operation`.
  template <typename Body>
  void for_each_row(Tensor out, Operation operation, Body body);

  AlignedBuffer rows_;                    // per thread: of segmentation, between the directions of a resizing
  AlignedBuffer rounded_;                 // per thread: rows of a map as bf16
  std::vector<std::vector<Term>> terms_;  // per thread
  struct Axes {
    AxisWeights down, across;
  };
  std::vector<Axes> axes_;  // per thread
};

}  // namespace winnow::cpu
