// Every operation of the GPU backend against the reference: the kernels' own text, run on this machine's
// processor, on random numbers and odd shapes.
#include "gpu/gpu_backend.h"

#include <doctest/doctest.h>

#include <functional>

#include "bench/random_model.h"
#include "gpu/host/host_library.h"
#include "model/dyvm.h"
#include "reference/reference_backend.h"
#include "test/backend/operation_checks.h"
#include "test/gpu/host_gpus.h"

using namespace winnow;
using gpu::HostDevice;

namespace {

constexpr HostDevice kAll[] = {gpu::kHostBf16, gpu::kHostFp16, gpu::kHostSmall};
constexpr double kExact = 2e-5,
                 kOfHalves = 0.015;  // without products, and with their factors rounded to bf16

// Runs `compute` on the reference and on every kind of GPU, and compares what it returns.
void compare(double tolerance, const std::function<std::vector<float>(Backend&)>& compute) {
  const auto reference = make_reference_backend();
  const std::vector<float> expected = compute(*reference);
  for (HostDevice device : kAll) {
    CAPTURE(device);
    const auto backend = gpu_backend(device);
    const std::vector<float> actual = compute(*backend);
    require_ok(*backend);
    CHECK(difference(expected, actual) < tolerance);
  }
}

const OperationChecks checks = {
    [](const std::function<std::vector<float>(Backend&)>& compute, bool has_products) {
      compare(has_products ? kOfHalves : kExact, compute);
    }};

void compare_block(const RandomBlock& block, int images, int tokens, float threshold,
                   const SpecialTokens& special) {
  CAPTURE(block.weights.embed_dim);
  CAPTURE(block.weights.state_dim);
  CAPTURE(images);
  CAPTURE(tokens);
  CAPTURE(special.count);
  const auto reference = make_reference_backend();
  const BlockRun expected = run_block(*reference, block.weights, images, tokens, special, threshold);
  for (HostDevice device : kAll) {
    CAPTURE(device);
    const auto backend = gpu_backend(device);
    const BlockRun actual = run_block(*backend, block.weights, images, tokens, special, threshold);
    require_ok(*backend);
    CHECK(expected.directions == actual.directions);
    CHECK(difference(expected.stream, actual.stream) < kOfHalves);
    CHECK(difference(expected.added, actual.added) < 2 * kOfHalves);
    if (block.weights.gate != nullptr) CHECK(difference(expected.gate_logits, actual.gate_logits) < kExact);
  }
}

}  // namespace

TEST_CASE("gpu block: widths that no warp divides, one token, one image") {
  for (int dim : {4, 20, 48})
    for (int tokens : {1, 2, 3, 17, 67})
      for (int images : {1, 3}) {
        const RandomBlock block(dim, 16, (dim + 15) / 16, true, 0.3f, 11);
        compare_block(block, images, tokens, 0.5f, SpecialTokens::class_token((tokens - 1) / 2));
      }
}

TEST_CASE("gpu block: special tokens of every kind decide") {
  const RandomBlock block(20, 16, 2, true, 0.3f, 11);
  for (const SpecialTokens& special : special_tokens_of(19)) compare_block(block, 3, 19, 0.5f, special);
}

TEST_CASE("gpu block: numbers of states that no kernel has") {
  for (int states : {1, 7, 8, 13, 19, 32}) {
    const RandomBlock block(20, states, 3, true, 0.0f, 11);
    compare_block(block, 2, 13, 0.5f, SpecialTokens::class_token(6));
  }
}

TEST_CASE("gpu block: no gate, all images off, all on") {
  const SpecialTokens special = SpecialTokens::class_token(4);
  compare_block(RandomBlock(24, 16, 2, false, 0.0f, 11), 3, 9, 0.5f, special);
  for (float threshold : {0.0f, 1.0f})
    compare_block(RandomBlock(24, 16, 2, true, 0.0f, 11), 3, 9, threshold, special);
}

TEST_CASE("gpu block: a sequence that is too long for shared memory, and blocks of 64 channels") {
  compare_block(RandomBlock(20, 16, 2, true, 0.3f, 11), 1, 700, 0.5f, SpecialTokens::none());
  compare_block(RandomBlock(36, 8, 3, true, 0.3f, 11), 300, 5, 0.5f, SpecialTokens::class_token(2));
}

TEST_CASE("gpu block: an image whose directions are off keeps its stream to the bit") {
  const RandomBlock block(24, 16, 2, true, 0.0f, 5);
  const auto backend = gpu_backend(gpu::kHostBf16);
  const BlockRun run = run_block(*backend, block.weights, 2, 9, SpecialTokens::class_token(4), 1.0f);
  CHECK(run.directions == std::vector<std::uint8_t>{0, 0});
  CHECK(run.stream == random_values(run.stream.size(), 1.0, 7));
}

TEST_CASE("gpu block: what no kernel has is refused in a sentence") {
  const auto backend = gpu_backend(gpu::kHostBf16);
  const auto refused = backend->make_block(RandomBlock(8, 33, 1, false, 0.0f, 3).weights);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::bad_model);
  CHECK(refused.error().message.find("33") != std::string::npos);
}

TEST_CASE("gpu patch embedding: overlapping patches, special tokens of every kind") {
  checks.patch_embedding();
}

TEST_CASE("gpu normalise") { checks.normalise(); }

TEST_CASE("gpu linear: odd sizes, with and without bias, every activation") { checks.linear(); }

TEST_CASE("gpu score predictor's steps: norm, pooling, log softmax") { checks.score_predictor(); }

TEST_CASE("gpu keep and gather: everything kept, one kept, more patches than threads") {
  const int images = 3, dim = 5;
  for (int patches : {40, 300}) {
    std::vector<float> scores(images * patches);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i * 7919 % 4001);
    const auto check = [&](int kept, const SpecialTokens& special, const SpecialTokens& moved) {
      const int tokens = patches + special.count, left = kept + moved.count;
      auto stream = random_values(static_cast<std::size_t>(images) * tokens * dim, 1.0, 1);
      compare(1e-12, [&](Backend& backend) {
        std::vector<std::int32_t> indices(images * kept);
        std::vector<float> out(static_cast<std::size_t>(images) * left * dim);
        backend.keep_best({scores.data(), {images, patches}}, {indices.data(), {images, kept}});
        backend.gather_tokens({stream.data(), {images, tokens, dim}}, special,
                              {indices.data(), {images, kept}}, moved, {out.data(), {images, left, dim}});
        return out;
      });
    };
    for (int kept : {1, 13, patches}) {
      check(kept, SpecialTokens::class_token(patches / 2), SpecialTokens::class_token(kept / 2));
      check(kept, SpecialTokens::class_token(0), SpecialTokens::class_token(0));
      check(kept, SpecialTokens::registers(12, patches), SpecialTokens::registers(12, kept));
      check(kept, SpecialTokens::none(), SpecialTokens::none());
    }
  }
}

TEST_CASE("gpu keep: of equal scores the earlier patches") {
  std::vector<float> scores = {1, 2, 2, 0, 2, 1};
  std::vector<std::int32_t> kept(3);
  const auto backend = gpu_backend(gpu::kHostBf16);
  backend->keep_best({scores.data(), {1, 6}}, {kept.data(), {1, 3}});
  CHECK(kept == std::vector<std::int32_t>{1, 2, 4});
  kept.resize(4);
  backend->keep_best({scores.data(), {1, 6}}, {kept.data(), {1, 4}});
  CHECK(kept == std::vector<std::int32_t>{0, 1, 2, 4});
}

TEST_CASE("gpu special tokens' norm") { checks.special_norm(); }

TEST_CASE("gpu dense tokens: rotated by their positions, and put back") {
  const int images = 2, grid = 5, patches = grid * grid, kept = 7, dim = 12;
  const auto angles = random_values(static_cast<std::size_t>(grid) * dim / 4, 1.0, 3);
  std::vector<float> cosines, sines;
  for (float angle : angles) {
    cosines.push_back(std::cos(angle));
    sines.push_back(std::sin(angle));
  }
  std::vector<std::int32_t> indices;
  for (int i = 0; i < images * kept; ++i) indices.push_back(i * 3 % patches);
  const auto values = random_values(static_cast<std::size_t>(images) * kept * dim, 1.0, 1);
  compare(kExact, [&](Backend& backend) {
    std::vector<float> tokens = values, out(static_cast<std::size_t>(images) * patches * dim, 3.0f);
    backend.rotate_tokens({tokens.data(), {images, kept, dim}}, {indices.data(), {images, kept}}, grid,
                          {cosines.data(), {grid, dim / 4}}, {sines.data(), {grid, dim / 4}});
    backend.scatter_tokens({tokens.data(), {images, kept, dim}}, {indices.data(), {images, kept}},
                           {out.data(), {images, patches, dim}});
    return out;
  });
}
