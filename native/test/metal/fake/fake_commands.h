// Command buffers, their encoders and their queue: what is committed is done when it is waited for.
#pragma once

#import <Metal/Metal.h>

#include <functional>
#include <string>
#include <vector>

#include "gpu/host/host_kernels.h"

namespace winnow::gpu {

// Ends the process where Metal does: where it is misused.
void demand(bool is_true, const char* what);

}  // namespace winnow::gpu

@interface FakeCommands : NSObject <MTLCommandBuffer> {
 @public
  std::vector<std::function<std::string()>>* work_;  // each says what is wrong
  std::vector<FakeCommands*>* queue_;                // committed and not done, in order
  bool is_encoded_, is_done_;
  NSError* error_;
}
@end

@interface FakePipeline : NSObject <MTLComputePipelineState> {
 @public
  const winnow::gpu::HostKernel* kernel_;
}
@end

@interface FakeQueue : NSObject <MTLCommandQueue> {
 @public
  std::vector<FakeCommands*>* committed_;
}
@end
