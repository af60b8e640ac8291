#include "model/segmentation/map_head.h"

#include "model/segmentation/convolution_head.h"
#include "model/segmentation/uper_net.h"

namespace winnow {

std::unique_ptr<MapHead> make_map_head(const DyvmConfig& config, Backend& backend) {
  if (config.segmentation->kind == SegmentationHead::Kind::convolutions)
    return std::make_unique<ConvolutionHead>(config, backend);
  return std::make_unique<UperNet>(config, backend);
}

}  // namespace winnow
