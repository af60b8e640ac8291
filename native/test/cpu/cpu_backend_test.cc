// Every operation of the cpu backend against the reference, on random numbers and odd shapes.
#include "cpu/cpu_backend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "cpu/isa.h"
#include "engine/engine.h"
#include "reference/reference_backend.h"
#include "test/backend/backend_checks.h"
#include "test/backend/operation_checks.h"

using namespace winnow;

namespace {

constexpr double kTolerance = 2e-5;

std::unique_ptr<Backend> cpu_backend() {
  auto backend = make_backend("cpu", 0);
  REQUIRE(backend);
  return std::move(*backend);
}

// Runs `compute` on both backends and compares what it returns.
void compare(const std::function<std::vector<float>(Backend&)>& compute) {
  const auto reference = make_reference_backend();
  const auto fast = cpu_backend();
  CHECK(difference(compute(*reference), compute(*fast)) < kTolerance);
}

const OperationChecks checks = {
    [](const std::function<std::vector<float>(Backend&)>& compute, bool) { compare(compute); }};

void compare_block(int dim, int states, int rank, int images, int tokens, bool gated, float bias,
                   float threshold, const SpecialTokens& special) {
  CAPTURE(dim);
  CAPTURE(states);
  CAPTURE(images);
  CAPTURE(tokens);
  CAPTURE(threshold);
  CAPTURE(special.count);
  const RandomBlock block(dim, states, rank, gated, bias, 11);
  const auto reference = make_reference_backend();
  const auto fast = cpu_backend();
  const BlockRun expected = run_block(*reference, block.weights, images, tokens, special, threshold);
  const BlockRun actual = run_block(*fast, block.weights, images, tokens, special, threshold);
  CHECK(expected.directions == actual.directions);
  CHECK(difference(expected.stream, actual.stream) < kTolerance);
  CHECK(difference(expected.added, actual.added) < kTolerance);
  if (gated) CHECK(difference(expected.gate_logits, actual.gate_logits) < kTolerance);
}

void compare_block(int dim, int states, int rank, int images, int tokens, bool gated, float bias,
                   float threshold) {
  for (const SpecialTokens& special : special_tokens_of(tokens))
    compare_block(dim, states, rank, images, tokens, gated, bias, threshold, special);
}

}  // namespace

TEST_CASE("the forced instruction set is the one in use") {
  const char* forced = std::getenv("WINNOW_ISA");
  const auto names = available_isas();
  REQUIRE(!names.empty());
  cpu_backend();
  CHECK(std::string(cpu::isa_in_use()) == (forced != nullptr && *forced != '\0' ? forced : names.back()));
}

TEST_CASE("block: widths that no vector divides, one token, one image") {
  for (int dim : {4, 12, 20, 48})
    for (int tokens : {1, 2, 3, 8, 67})
      for (int images : {1, 3}) compare_block(dim, 16, (dim + 15) / 16, images, tokens, true, 0.3f, 0.5f);
}

TEST_CASE("block: numbers of states that no group divides") {
  for (int states : {1, 7, 16, 19, 32}) compare_block(20, states, 3, 2, 13, true, 0.0f, 0.5f);
}

TEST_CASE("block: no gate, all images off, all on") {
  compare_block(24, 16, 2, 3, 9, false, 0.0f, 0.5f);
  compare_block(24, 16, 2, 3, 9, true, 0.0f, 1.0f);
  compare_block(24, 16, 2, 3, 9, true, 0.0f, 0.0f);
}

TEST_CASE("block: an image whose directions are off keeps its stream to the bit") {
  const RandomBlock block(24, 16, 2, true, 0.0f, 5);
  for (const char* device : {"reference", "cpu"}) {
    auto backend = make_backend(device, 0);
    REQUIRE(backend);
    const BlockRun run = run_block(**backend, block.weights, 2, 9, SpecialTokens::class_token(4), 1.0f);
    CHECK(run.directions == std::vector<std::uint8_t>{0, 0});
    CHECK(run.stream == random_values(run.stream.size(), 1.0, 7));
  }
}

TEST_CASE("block: long step sizes do not leave the range of the exponential") {
  RandomBlock block(16, 16, 1, false, 0.0f, 3);
  for (float& bias : block.storage[0]) bias *= 100.0f;  // norm weight: drives every product far out
  const auto reference = make_reference_backend();
  const auto fast = cpu_backend();
  const SpecialTokens special = SpecialTokens::class_token(10);
  const BlockRun expected = run_block(*reference, block.weights, 1, 21, special, 0.5f);
  const BlockRun actual = run_block(*fast, block.weights, 1, 21, special, 0.5f);
  CHECK(difference(expected.stream, actual.stream) < kTolerance);
}

TEST_CASE("block: bf16 and int8 stay as close as their digits allow, decisions exact") {
  const std::vector<Precision> native = cpu_precisions();
  for (const auto& [precision, tolerance] :
       {std::pair{Precision::bf16, 0.01}, std::pair{Precision::int8, 0.06}}) {
    if (std::find(native.begin(), native.end(), precision) == native.end()) {
      CHECK(!make_backend("cpu", 0, precision));
      continue;
    }
    for (int dim : {4, 20, 48, 200})
      for (int tokens : {1, 3, 67}) {
        CAPTURE(dim);
        CAPTURE(tokens);
        const RandomBlock block(dim, 16, (dim + 15) / 16, true, 0.3f, 11);
        const auto reference = make_reference_backend();
        auto fast = make_backend("cpu", 0, precision);
        REQUIRE(fast);
        for (const SpecialTokens& special : special_tokens_of(tokens)) {
          const BlockRun expected = run_block(*reference, block.weights, 3, tokens, special, 0.5f);
          const BlockRun actual = run_block(**fast, block.weights, 3, tokens, special, 0.5f);
          CHECK(expected.directions == actual.directions);
          CHECK(difference(expected.gate_logits, actual.gate_logits) < kTolerance);
          if (special.count > 1) continue;  // changes nothing but the decisions
          CHECK(difference(expected.stream, actual.stream) < tolerance);
          if (expected.directions != std::vector<std::uint8_t>{0, 0, 0})
            CHECK(difference(expected.stream, actual.stream) > 0.0);
        }
      }
  }
}

TEST_CASE("patch embedding: overlapping patches, special tokens of every kind") { checks.patch_embedding(); }

TEST_CASE("normalise") { checks.normalise(); }

TEST_CASE("linear: odd sizes, with and without bias, every activation") { checks.linear(); }

TEST_CASE("score predictor's steps: norm, pooling, log softmax") { checks.score_predictor(); }

TEST_CASE("keep and gather: equal scores, everything kept, one kept") {
  const int images = 3, patches = 40, dim = 5;
  std::vector<float> scores(images * patches);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>((i * 7) % 6);  // many ties
  const auto check = [&](int kept, const SpecialTokens& special, const SpecialTokens& moved) {
    const int tokens = patches + special.count, left = kept + moved.count;
    auto stream = random_values(static_cast<std::size_t>(images) * tokens * dim, 1.0, 1);
    std::vector<std::vector<std::int32_t>> chosen;
    compare([&](Backend& backend) {
      std::vector<std::int32_t> indices(images * kept);
      std::vector<float> out(static_cast<std::size_t>(images) * left * dim);
      backend.keep_best({scores.data(), {images, patches}}, {indices.data(), {images, kept}});
      backend.gather_tokens({stream.data(), {images, tokens, dim}}, special, {indices.data(), {images, kept}},
                            moved, {out.data(), {images, left, dim}});
      chosen.push_back(indices);
      return out;
    });
    CHECK(chosen[0] == chosen[1]);
  };
  for (int kept : {1, 13, 40}) {
    check(kept, SpecialTokens::class_token(patches / 2), SpecialTokens::class_token(kept / 2));
    check(kept, SpecialTokens::registers(12, patches), SpecialTokens::registers(12, kept));
  }
}

TEST_CASE("special tokens' norm") { checks.special_norm(); }
