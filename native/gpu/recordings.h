// What was recorded of calls that come again (Backend::repeat).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "gpu/gpu.h"

namespace winnow::gpu {

// A call is done as it is when it comes first, which lets memory grow; recorded when it comes again; and from
// then on replayed, until any memory is allocated or released.
class Recordings {
 public:
  explicit Recordings(Gpu& gpu) : gpu_(gpu) {}
  ~Recordings() { drop_all(); }
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  Status repeat(const std::vector<std::int64_t>& key, const std::function<Status()>& operations);

 private:
  void drop_all();

  Gpu& gpu_;
  std::uint64_t memory_version_ = 0;
  std::map<std::vector<std::int64_t>, void*> recorded_;  // null: it came once
};

}  // namespace winnow::gpu
