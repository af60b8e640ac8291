// MambaReg: where its registers lie, and that they couple nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/random_model.h"
#include "engine/engine.h"
#include "ops/special_tokens.h"

using namespace winnow;

namespace {

constexpr int kSide = 36, kPatches = 81, kDepth = 7;
constexpr std::size_t kBytes = 3 * kSide * kSide;  // of a picture

DyvmConfig small_config() {
  DyvmConfig c = published_size("T-reg");
  c.image_size = kSide;
  c.patch_size = c.stride = 4;
  c.embed_dim = 40;
  c.dt_rank = 3;
  c.depth = kDepth;
  c.pruning_layers = {2, 4, 6};
  c.classes = 9;
  c.family = find_family("mambareg");
  c.registers = 6;
  return c;
}

struct Model {
  explicit Model(const std::string& device, int threads = 0, Precision precision = Precision::fp32) {
    auto random = random_weights(small_config(), {}, 0, 1.0);
    REQUIRE(random);
    weights = std::move(*random);
    auto made = make_backend(device, threads, precision);
    REQUIRE(made);
    backend = std::move(*made);
    auto loaded = DyvmModel::create(small_config(), weights, *backend);
    REQUIRE(loaded);
    model = std::move(*loaded);
  }
  // Pictures `first` to `first + count`; r, r^2 and r^3 of the patches are kept.
  Outputs predict(int first, int count, double r) {
    std::vector<std::uint8_t> pixels(kBytes * count);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const int picture = first + static_cast<int>(i / kBytes), offset = static_cast<int>(i % kBytes);
      pixels[i] =
          static_cast<std::uint8_t>((offset % 36 * (5 + picture) + offset / 108 * (picture + 1)) % 256);
    }
    DynamicOptions options;
    options.token_keep = {r, r * r, r * r * r};
    Outputs outputs;
    const Status done = model->predict(pixels.data(), count, options, outputs);
    if (!done) FAIL(done.error().message);
    return outputs;
  }
  Weights weights;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<DyvmModel> model;
};

std::vector<int> rows_of(const SpecialTokens& special) {
  std::vector<int> rows;
  for (int i = 0; i < special.count; ++i) rows.push_back(special.row(i));
  return rows;
}

// The manifest of a model without weights, with `fields` in place of the registers'.
std::string manifest(const std::string& fields) {
  return R"({"format": 1, "task": "classification", "architecture": "mambareg", "imageSize": 36,
    "patchSize": 4, "stride": 4, "embedDim": 40, "depth": 7, "stateDim": 16, "convWidth": 4, "dtRank": 3,
    "classes": 9, "blockSelection": true, "pruningLayers": [2], "tokenKeep": [0.5],
    "preprocessing": {"mean": [0, 0, 0], "std": [1, 1, 1]})" +
         fields + "}";
}

}  // namespace

TEST_CASE("registers lie where MambaReg puts them") {
  CHECK(rows_of(SpecialTokens::registers(12, 196)) ==
        std::vector<int>{15, 31, 47, 63, 79, 95, 111, 127, 143, 159, 175, 191});
  CHECK(rows_of(SpecialTokens::registers(16, 196)).back() == 191);
  CHECK(rows_of(SpecialTokens::registers(12, 137)).front() == 10);
  CHECK(rows_of(SpecialTokens::registers(12, 67)).back() == 71);
  CHECK(rows_of(SpecialTokens::registers(3, 2)) == std::vector<int>{0, 1, 2});
}

TEST_CASE("special tokens and patches fill the rows of a sequence, each once and in order") {
  for (int patches = 1; patches < 40; ++patches) {
    std::vector<SpecialTokens> all = {SpecialTokens::class_token(0), SpecialTokens::class_token(patches / 2)};
    for (int registers = 1; registers < 15; ++registers)
      all.push_back(SpecialTokens::registers(registers, patches));
    for (const SpecialTokens& special : all) {
      std::vector<int> expected(patches + special.count, -1);  // patch of each row, or -1
      for (int row = 0, patch = 0; row < patches + special.count; ++row) {
        const std::vector<int> rows = rows_of(special);
        if (std::find(rows.begin(), rows.end(), row) == rows.end()) expected[row] = patch++;
      }
      std::vector<int> by_patch(expected.size(), -1), by_run(expected.size(), -1);
      for (int patch = 0; patch < patches; ++patch) by_patch.at(special.row_of_patch(patch)) = patch;
      special.for_each_run(patches, [&](int patch, int row, int count) {
        CHECK(count > 0);
        for (int i = 0; i < count; ++i) by_run.at(row + i) = patch + i;
      });
      CHECK(by_patch == expected);
      CHECK(by_run == expected);
    }
  }
}

TEST_CASE("MambaReg: an image's result depends neither on the batch nor on the threads") {
  for (const DeviceInfo& device : list_devices())
    for (Precision precision : device.precisions) {
      CAPTURE(device.name);
      CAPTURE(static_cast<int>(precision));
      Model model(device.name, 0, precision), single(device.name, 1, precision);
      const Outputs together = model.predict(0, 5, 0.7);
      CHECK(single.predict(0, 5, 0.7).logits == together.logits);
      for (int b = 0; b < 5; ++b) {
        const Outputs alone = model.predict(b, 1, 0.7);
        CHECK(std::equal(alone.logits.begin(), alone.logits.end(), together.logits.begin() + b * 9));
        CHECK(std::equal(alone.directions.begin(), alone.directions.end(),
                         together.directions.begin() + b * kDepth));
        CHECK(std::equal(alone.survived.begin(), alone.survived.end(),
                         together.survived.begin() + b * kPatches));
      }
    }
}

TEST_CASE("MambaReg: from all patches to fewer than registers, on every device alike") {
  for (double r : {1.0, 0.7, 0.3, 1e-9}) {
    CAPTURE(r);
    const Outputs expected = Model("reference").predict(0, 3, r);
    for (int b = 0; b < 3; ++b)
      for (int stage = 1; stage <= 3; ++stage) {
        const double ratio = stage == 1 ? r : stage == 2 ? r * r : r * r * r;
        const auto begin = expected.survived.begin() + b * kPatches;
        CHECK(std::count_if(begin, begin + kPatches, [&](int stages) { return stages >= stage; }) ==
              std::max(1, static_cast<int>(ratio * kPatches)));
      }
    for (const DeviceInfo& device : list_devices()) {
      CAPTURE(device.name);
      const Outputs actual = Model(device.name).predict(0, 3, r);
      CHECK(actual.directions == expected.directions);
      CHECK(actual.survived == expected.survived);
      for (std::size_t i = 0; i < actual.logits.size(); ++i)
        CHECK(actual.logits[i] == doctest::Approx(expected.logits[i]).epsilon(1e-3));
    }
  }
}

TEST_CASE("a manifest's registers are refused by name") {
  const auto message = [](const std::string& fields) {
    const auto config = read_manifest(manifest(fields));
    return config ? "" : config.error().message;
  };
  CHECK(message(R"(, "registers": 6, "registerReduction": 2)") == "");
  for (const char* registers : {"0", "-1", "1.5", "\"6\"", "1025", "null"})
    CHECK(message(std::string(R"(, "registerReduction": 2, "registers": )") + registers)
              .starts_with("Manifest: expected registers to be a whole number from 1 to 1024"));
  for (const char* reduction : {"0", "3", "80", "2.0", "null"})
    CHECK(message(std::string(R"(, "registers": 6, "registerReduction": )") + reduction)
              .starts_with("Manifest: expected registerReduction to divide embedDim 40"));
}

TEST_CASE("the tensors of a model without registers are refused by name") {
  DyvmConfig without = small_config();
  without.registers = 0;
  auto weights = random_weights(without, {}, 0, 1.0);
  REQUIRE(weights);
  auto backend = make_backend("reference", 1);
  REQUIRE(backend);
  const auto model = DyvmModel::create(small_config(), *weights, **backend);
  REQUIRE(!model);
  CHECK(model.error().code == ErrorCode::bad_model);
  CHECK(model.error().message.find("cls_token") != std::string::npos);
}
