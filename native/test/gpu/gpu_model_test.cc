// A whole model on a GPU, whose kernels run on this machine's processor: against the reference, when calls
// come again, and when the device fails.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "gpu/gpu_backend.h"
#include "gpu/host/host_library.h"
#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"
#include "test/gpu/host_gpus.h"
#include "test/model/bundled_model.h"

using namespace winnow;

namespace {}  // namespace

TEST_CASE("gpu model: logits and decisions are the reference's, to the factors' digits") {
  BundledModel reference(make_reference_backend());
  Outputs expected, actual;
  REQUIRE(reference.predict(4, 0.7, expected));
  for (int device : {gpu::kHostBf16, gpu::kHostFp16, gpu::kHostSmall}) {
    CAPTURE(device);
    BundledModel model(gpu_backend(device));
    REQUIRE(model.model);
    const Status done = model.predict(4, 0.7, actual, &expected.kept);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    CHECK(difference(expected.logits, actual.logits) < 0.02);
    int differ = 0;
    for (std::size_t i = 0; i < expected.directions.size(); ++i)
      differ += expected.directions[i] != actual.directions[i];
    CHECK(differ <= static_cast<int>(expected.directions.size()) / 20);
  }
}

TEST_CASE("gpu model: a call that comes again is replayed, with the same result") {
  BundledModel model(gpu_backend(gpu::kHostBf16));
  REQUIRE(model.model);
  gpu::set_host_faults({});
  std::vector<Outputs> outputs(6);
  for (Outputs& output : outputs) REQUIRE(model.predict(2, 0.7, output));
  CHECK(gpu::host_counts().replays >= 3);
  for (const Outputs& output : outputs) CHECK(output.logits == outputs[0].logits);
  // Another ratio is another call; a larger batch moves the memory, and nothing old is replayed.
  Outputs other, larger, again;
  const auto replays = gpu::host_counts().replays;
  REQUIRE(model.predict(2, 0.5, other));
  CHECK(other.logits != outputs[0].logits);
  REQUIRE(model.predict(3, 0.7, larger));
  REQUIRE(model.predict(2, 0.7, again));
  CHECK(gpu::host_counts().replays == replays);
  CHECK(again.logits == outputs[0].logits);
}

TEST_CASE(
    "gpu model: too little memory for a batch is told, and what a fresh model can do is possible again") {
  Outputs before, outputs;
  for (int megabytes : {6, 12}) {
    CAPTURE(megabytes);
    const gpu::HostFaults small{.memory_bytes = static_cast<std::size_t>(megabytes) << 20};
    int most = 0;  // images of a batch that a fresh model has room for
    for (int images : {1, 4}) {
      gpu::set_host_faults(small);
      BundledModel fresh(gpu_backend(gpu::kHostBf16));
      if (fresh.model && fresh.predict(images, 0.7, before)) most = images;
    }
    gpu::set_host_faults({});
    BundledModel model(gpu_backend(gpu::kHostBf16));
    REQUIRE(model.model);
    gpu::set_host_faults(small);
    for (int images : {400, 100, 30}) {
      const Status refused = model.predict(images, 0.7, outputs);
      if (refused) continue;
      CHECK(refused.error().code == ErrorCode::out_of_memory);
      CHECK(refused.error().message.find("MB") != std::string::npos);
    }
    if (most > 0) CHECK(model.predict(most, 0.7, outputs));
  }
  gpu::set_host_faults({});
}

TEST_CASE("gpu model: too little memory for the weights is told") {
  gpu::set_host_faults({.memory_bytes = 100 << 10});
  {
    BundledModel model(gpu_backend(gpu::kHostBf16));
    CHECK(!model.model);
    CHECK(model.failure.code == ErrorCode::out_of_memory);
  }
  gpu::set_host_faults({});
}

TEST_CASE("gpu model: a device that is lost in the middle of a call is told, and stays lost") {
  BundledModel model(gpu_backend(gpu::kHostBf16));
  REQUIRE(model.model);
  gpu::set_host_faults({.launches_before_loss = 40});
  Outputs outputs;
  for (int i = 0; i < 2; ++i) {
    const Status done = model.predict(1, 0.7, outputs);
    REQUIRE(!done);
    CHECK(done.error().code == ErrorCode::device_lost);
    CHECK(done.error().message.find("taken away") != std::string::npos);
  }
  gpu::set_host_faults({});
}

TEST_CASE("gpu model: a device that there is not is refused") {
  const auto none = make_gpu_backend(*gpu::host_gpu_library(), 7);
  REQUIRE(!none);
  CHECK(none.error().message.find('7') != std::string::npos);
}
