// UperNet (arXiv 1807.10221) over the features of a Vim backbone: a pyramid of four maps, then a head that
// scores classes at a quarter of the picture's resolution. As mmsegmentation has it, without the auxiliary
// head.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "model/segmentation/map_head.h"

namespace winnow {

class UperNet : public MapHead {
 public:
  UperNet(const DyvmConfig& config, Backend& backend);

  // The tensors `backbone.fpn*` and `decode_head.*`, with every batch normalisation folded into the
  // convolution before it. A failure stays in the reader.
  void load(TensorReader& read) override;
  int side() const override { return 4 * config_.grid(); }
  void plan(Workspace& workspace) override;
  void run(const std::vector<Tensor>& features, Tensor scores) override;
  std::span<const Tensor> pyramid() const override { return pyramid_; }

 private:
  // Weight and bias of a convolution behind which a batch normalisation has been folded.
  struct Folded {
    std::vector<float> weight, bias;
  };
  // A 3 x 3 convolution over several maps side by side: over the first as it is, over the others, which are
  // resized to its size, by way of their taps (Backend::add_resized_taps).
  struct Joint {
    std::unique_ptr<Convolution> first;
    std::vector<std::unique_ptr<Convolution>> taps;
  };

  Folded fold(TensorReader& read, const std::string& name, int inputs, int kernel);
  void read_convolution(TensorReader& read, std::unique_ptr<Convolution>& place, const std::string& name,
                        int inputs, int kernel);
  void read_joint(TensorReader& read, Joint& place, const std::string& name, const std::vector<int>& inputs);
  void read_pyramid(TensorReader& read);
  template <typename Layer>
  void keep(TensorReader& read, std::unique_ptr<Layer>& place, Result<std::unique_ptr<Layer>> made);
  // out = ReLU of the joint convolution of the maps.
  void run_joint(const Joint& joint, std::span<const Tensor> maps, Tensor out);
  Tensor shaped(Tensor memory, int side, int channels) const {
    return {memory.data(), {1, side, side, channels}};
  }

  DyvmConfig config_;
  Backend& backend_;
  int dim_, width_;
  std::unique_ptr<Upsampling> finest_first_, finest_second_, finer_;
  std::vector<std::unique_ptr<Convolution>> pooled_;
  Joint pooling_bottleneck_, bottleneck_;
  std::unique_ptr<Convolution> laterals_[3], smooth_[3], classifier_;
  std::array<Tensor, 4> pyramid_, merged_, smoothed_;
  std::vector<Tensor> pools_, branches_;
  Tensor taps_, between_, joined_;
};

}  // namespace winnow
