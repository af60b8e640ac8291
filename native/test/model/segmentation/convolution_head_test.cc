// The light segmentation head against PyTorch's numbers, and a whole model with it over windows.
#include "model/segmentation/convolution_head.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "bench/random_weights.h"
#include "model/segmentation/segmenter.h"
#include "test/device_names.h"
#include "test/golden/golden_support.h"

using namespace winnow;

namespace {

// Of test/golden/convolution-head/compute.py.
DyvmConfig golden_config() {
  DyvmConfig c;
  c.image_size = c.trained_size = 12;
  c.patch_size = c.stride = 4;
  c.embed_dim = 12;
  c.classes = 4;
  c.segmentation.emplace();
  c.segmentation->kind = SegmentationHead::Kind::convolutions;
  c.segmentation->width = 8;
  c.segmentation->slide_stride = 12;
  return c;
}

}  // namespace

TEST_CASE("scores of the light segmentation head are PyTorch's") {
  const auto expected =
      Expected::open(std::string(WINNOW_GOLDEN_DIR) + "/convolution-head/expected.safetensors");
  REQUIRE(expected);
  const DyvmConfig c = golden_config();
  for (const std::string& device : device_names()) {
    Weights weights;
    const auto add = [&](const std::string& name) {
      const Recorded recorded = expected->read("weight/head." + name);
      weights.add("head." + name, recorded.shape, {recorded.values.begin(), recorded.values.end()});
    };
    for (const char* norm : {"norm", "project.norm", "smooth.0.norm", "smooth.1.norm"})
      for (const char* part : {".weight", ".bias"}) add(std::string(norm) + part);
    for (const char* name : {"project.weight", "project.bias", "smooth.0.weight", "smooth.1.weight",
                             "classes.weight", "classes.bias"})
      add(name);
    auto backend = make_backend(device, 1);
    REQUIRE(backend);
    TensorReader read(weights);
    ConvolutionHead head(c, **backend);
    head.load(read);
    if (!read.status) FAIL(read.status.error().message);
    CHECK(read.check_all_asked());
    CHECK(head.side() == 6);
    Workspace workspace(**backend);
    REQUIRE(workspace.lay_out([&] { head.plan(workspace); }));
    const Recorded map = expected->read("map"), scores = expected->read("scores");
    const std::size_t in = 3 * 3 * 12, out = 6 * 6 * 4;
    for (int image = 0; image < 2; ++image) {
      std::vector<float> features(map.values.begin() + image * in, map.values.begin() + (image + 1) * in),
          found(out);
      head.run({{features.data(), {1, 3, 3, 12}}}, {found.data(), {1, 6, 6, 4}});
      for (std::size_t i = 0; i < out; ++i)
        CHECK(found[i] == doctest::Approx(scores.values[image * out + i]).epsilon(1e-4).scale(1.0));
    }
  }
}

TEST_CASE("a manifest names the light head, and no other than the known") {
  const auto manifest = [](const std::string& head) {
    return R"({"format": 1, "task": "segmentation", "architecture": "vim", "imageSize": 32, "patchSize": 4,
      "stride": 4, "embedDim": 24, "depth": 3, "stateDim": 4, "convWidth": 4, "dtRank": 2, "classes": 2,
      "halveDirections": true, "rotary": false, "blockSelection": true, "pruningLayers": [1],
      "tokenKeep": [0.7], "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, "head": )" +
           head + "}";
  };
  const auto config = read_manifest(manifest(R"({"kind": "convolutions", "width": 12, "slideStride": 24})"));
  if (!config) FAIL(config.error().message);
  CHECK(config->segmentation->kind == SegmentationHead::Kind::convolutions);
  CHECK(config->segmentation->width == 12);
  CHECK(config->segmentation->slide_stride == 24);
  CHECK(config->taps().empty());
  const auto other = read_manifest(manifest(R"({"kind": "pyramid", "width": 12, "slideStride": 24})"));
  REQUIRE(!other);
  CHECK(other.error().message.find("head.kind") != std::string::npos);

  // Its tensors are asked for, all of them, and the model draws regions of the whole picture.
  for (const std::string& device : device_names()) {
    Weights weights = random_tensors(*config);
    auto backend = make_backend(device, 1);
    REQUIRE(backend);
    auto segmenter = Segmenter::create(*config, weights, **backend);
    if (!segmenter) FAIL(segmenter.error().message);
    std::vector<std::uint8_t> pixels(3ull * 40 * 32);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7919 % 251);
    DynamicOptions dynamic;
    dynamic.token_keep = {0.5};
    Segmentation segmentation;
    const Status done = (*segmenter)->segment(pixels.data(), {40, 32}, dynamic, {24, {40, 32}}, segmentation);
    if (!done) FAIL(done.error().message);
    std::size_t area = 0;
    for (const Region& region : segmentation.regions) area += region.mask.area;
    CHECK(area == 40u * 32u);
  }
}
