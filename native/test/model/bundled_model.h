// A small trained model on any backend, and pictures for it.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "model/dyvm.h"
#include "model/weights.h"

namespace winnow {

// Its decisions differ between pictures.
struct BundledModel {
  explicit BundledModel(std::unique_ptr<Backend> on) : backend(std::move(on)) {
    auto weights = Weights::open(std::string(WINNOW_GOLDEN_DIR) + "/../models/everyday10.safetensors");
    REQUIRE(weights);
    const auto config = read_manifest(weights->metadata("winnow"));
    REQUIRE(config);
    auto made = DyvmModel::create(*config, *weights, *backend);
    if (made)
      model = std::move(*made);
    else
      failure = made.error();
  }
  // `replay`: patches to go on with, where they are not the model's own choice.
  Status predict(int images, double keep, Outputs& outputs,
                 const std::vector<std::vector<std::int32_t>>* replay = nullptr) {
    const int side = model->config().image_size;
    std::vector<std::uint8_t> pixels(3ull * side * side * images);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const auto x = i / 3 % side, y = i / 3 / side % side, picture = i / 3 / side / side;
      pixels[i] = static_cast<std::uint8_t>(x * (3 + picture) + y * (5 + i % 3) + 40 * (i % 3) * picture);
    }
    DynamicOptions options;
    double ratio = 1.0;
    for (std::size_t stage = 0; stage < model->config().pruning_layers.size(); ++stage)
      options.token_keep.push_back(ratio *= keep);
    options.replay = replay;
    return model->predict(pixels.data(), images, options, outputs);
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<DyvmModel> model;
  Error failure{ErrorCode::engine, ""};
};

}  // namespace winnow
