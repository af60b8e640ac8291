// The kernels in Apple's form: from the file that the build made beside this library, where it had Metal's
// compiler; else compiled here from their text, which the system keeps for the next time.
#include <dlfcn.h>

#include "metal/metal_gpu.h"

namespace winnow::gpu {
namespace {

const char* const kText =
#include "metal/kernels_text.inc"  // join_kernels.cmake
    ;

NSURL* file_beside_this_library() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&load_kernels), &info) == 0) return nil;
  NSString* folder = @(info.dli_fname).stringByDeletingLastPathComponent;
  NSString* file = [folder stringByAppendingPathComponent:@"winnow-kernels.metallib"];
  return [NSFileManager.defaultManager fileExistsAtPath:file] ? [NSURL fileURLWithPath:file] : nil;
}

}  // namespace

id<MTLLibrary> load_kernels(id<MTLDevice> device, std::string& reason) {
  NSError* error = nil;
  if (NSURL* file = file_beside_this_library(); file != nil) {
    id<MTLLibrary> library = [device newLibraryWithURL:file error:&error];
    if (library != nil) return library;
  }
  MTLCompileOptions* options = [[MTLCompileOptions alloc] init];
  options.languageVersion = MTLLanguageVersion3_0;
  options.fastMathEnabled = NO;  // the kernels say where less exact is enough
  id<MTLLibrary> library = [device newLibraryWithSource:@(kText) options:options error:&error];
  if (library == nil)
    reason = "Metal does not compile the kernels: " +
             std::string(error == nil ? "no reason given" : error.localizedDescription.UTF8String);
  return library;
}

}  // namespace winnow::gpu
