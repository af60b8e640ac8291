// Checks of the operations of classification that any backend must pass: the same as the reference on odd
// shapes.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <numeric>
#include <vector>

#include "test/backend/backend_checks.h"

namespace winnow {

struct OperationChecks {
  // Runs `compute` on the reference and on the backends under test, and compares what it returns.
  // `has_products`: of factors that a backend may round.
  std::function<void(const std::function<std::vector<float>(Backend&)>& compute, bool has_products)> compare;

  void patch_embedding() const {
    const auto check = [&](int side, int patch, int stride, int dim, const SpecialTokens& special) {
      const int grid = (side - patch) / stride + 1, patches = grid * grid, images = 3;
      const int tokens = patches + special.count;
      const auto weight = random_values(3ull * dim * patch * patch, 0.1, 1),
                 bias = random_values(dim, 1.0, 2);
      const auto rows = random_values(1ull * special.count * dim, 1.0, 3),
                 position = random_values(1ull * patches * dim, 1.0, 4);
      auto input = random_values(3ull * images * side * side, 1.0, 5);
      compare(
          [&](Backend& backend) {
            auto embedding = backend.make_patch_embedding({side, patch, stride, dim, special, weight.data(),
                                                           bias.data(), rows.data(), position.data()});
            REQUIRE(embedding);
            std::vector<float> stream(static_cast<std::size_t>(images) * tokens * dim);
            backend.embed_patches({input.data(), {images, 3, side, side}}, **embedding,
                                  {stream.data(), {images, tokens, dim}});
            return stream;
          },
          true);
    };
    check(32, 8, 8, 20, SpecialTokens::class_token(8));
    check(32, 8, 4, 12, SpecialTokens::class_token(0));
    check(32, 8, 4, 20, SpecialTokens::class_token(24));
    check(9, 3, 2, 5, SpecialTokens::class_token(8));
    check(7, 7, 7, 4, SpecialTokens::class_token(0));
    check(32, 8, 4, 12, SpecialTokens::registers(12, 49));
    check(9, 3, 2, 5, SpecialTokens::registers(4, 16));
    check(7, 7, 7, 4, SpecialTokens::registers(3, 1));
    check(9, 3, 2, 5, SpecialTokens::none());
  }

  void normalise() const {
    const int images = 2, side = 13;
    std::vector<std::uint8_t> pixels(3ull * images * side * side);
    std::iota(pixels.begin(), pixels.end(), 0);
    const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
    compare(
        [&](Backend& backend) {
          std::vector<float> out(pixels.size());
          backend.normalise({pixels.data(), {images, side, side, 3}}, mean, std,
                            {out.data(), {images, 3, side, side}});
          return out;
        },
        false);
  }

  void linear() const {
    for (int inputs : {1, 3, 17, 96})
      for (int outputs : {1, 2, 7, 33, 133}) {
        const int images = 2, rows = 65;
        const auto weight = random_values(1ull * inputs * outputs, 1.0, 1),
                   bias = random_values(outputs, 1.0, 2);
        auto x = random_values(static_cast<std::size_t>(images) * rows * inputs, 1.0, 3);
        for (const float* b : {bias.data(), static_cast<const float*>(nullptr)})
          for (Activation activation : {Activation::none, Activation::gelu, Activation::relu})
            compare(
                [&](Backend& backend) {
                  auto linear = backend.make_linear(weight.data(), b, outputs, inputs);
                  REQUIRE(linear);
                  std::vector<float> out(static_cast<std::size_t>(images) * rows * outputs);
                  backend.linear({x.data(), {images, rows, inputs}}, **linear, activation,
                                 {out.data(), {images, rows, outputs}});
                  return out;
                },
                true);
      }
  }

  void score_predictor() const {
    for (int dim : {2, 12, 13, 48, 96})
      for (int patches : {1, 5, 66}) {
        const int images = 3;
        const auto weight = random_values(dim, 1.0, 2), bias = random_values(dim, 1.0, 3);
        for (const SpecialTokens& special :
             {SpecialTokens::class_token(patches / 2), SpecialTokens::class_token(0), SpecialTokens::none(),
              SpecialTokens::registers(1, patches), SpecialTokens::registers(7, patches)}) {
          const int tokens = patches + special.count;
          auto stream = random_values(static_cast<std::size_t>(images) * tokens * dim, 3.0, 1);
          compare(
              [&](Backend& backend) {
                std::vector<float> out(static_cast<std::size_t>(images) * patches * dim);
                backend.norm_patches({stream.data(), {images, tokens, dim}}, special, weight.data(),
                                     bias.data(), 1e-5f, {out.data(), {images, patches, dim}});
                backend.pool_second_half({out.data(), {images, patches, dim}});
                return out;
              },
              false);
        }
        auto pairs = random_values(2ull * images * patches, 20.0, 4);
        compare(
            [&](Backend& backend) {
              std::vector<float> scores(1ull * images * patches);
              backend.keep_scores({pairs.data(), {images, patches, 2}}, {scores.data(), {images, patches}});
              return scores;
            },
            false);
      }
  }

  void special_norm() const {
    for (int dim : {1, 17, 96})
      for (const SpecialTokens& special : {SpecialTokens::class_token(2), SpecialTokens::registers(4, 6)}) {
        auto stream = random_values(3ull * 10 * dim, 1.0, 1);
        const auto weight = random_values(dim, 1.0, 2);
        compare(
            [&](Backend& backend) {
              std::vector<float> out(3ull * special.count * dim);
              backend.norm_special_tokens({stream.data(), {3, 10, dim}}, special, weight.data(), 1e-5f,
                                          {out.data(), {3, special.count, dim}});
              return out;
            },
            false);
      }
  }
};

}  // namespace winnow
