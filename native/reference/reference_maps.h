// The part of the reference backend that works on feature maps.
#pragma once

#include "ops/host_backend.h"

namespace winnow {

class ReferenceMaps : public HostBackend {
 public:
  WINNOW_MAP_OPERATIONS;
};

}  // namespace winnow
