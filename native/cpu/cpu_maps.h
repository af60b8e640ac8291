// The part of the cpu backend that works on feature maps, and what the rest of it shares with that part.
#pragma once

#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels.h"
#include "cpu/operation_times.h"
#include "cpu/thread_pool.h"
#include "ops/backend.h"

namespace winnow::cpu {

class CpuMaps : public Backend {
 public:
  CpuMaps(int threads, Precision precision)
      : pool_(threads), precision_(precision), terms_(threads), axes_(threads) {}

  Result<std::unique_ptr<Convolution>> make_convolution(const float* weight, const float* bias, int outputs,
                                                        int inputs, int kernel) override;
  Result<std::unique_ptr<Upsampling>> make_upsampling(const float* weight, const float* bias, int inputs,
                                                      int outputs) override;
  void convolve(Tensor x, const Convolution& weights, Activation activation, Tensor out) override;
  void upsample(Tensor x, const Upsampling& weights, Activation activation, Tensor out) override;
  void max_pool(Tensor x, Tensor out) override;
  void subsample(Tensor x, Tensor out) override;
  void average_pool(Tensor x, Tensor out) override;
  void resize_map(Tensor x, Tensor out, bool add) override;
  void concatenate(std::span<const Tensor> maps, Tensor out) override;
  void norm_channels(Tensor x, const float* weight, const float* bias, float epsilon, Activation activation,
                     Tensor out) override;
  void roi_align(std::span<const Tensor> levels, std::span<const int> strides, const float* boxes,
                 const int* level, int count, Tensor out) override;

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

  AlignedBuffer rounded_;                 // per thread: rows of a map as bf16
  std::vector<std::vector<Term>> terms_;  // per thread
  struct Axes {
    AxisWeights down, across;
  };
  std::vector<Axes> axes_;  // per thread
};

}  // namespace winnow::cpu
