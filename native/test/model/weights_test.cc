// Model packages: what is accepted, and that nothing damaged is.
#include "model/weights.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/bounded_json.h"
#include "model/dyvm_config.h"
#include "ops/shortened.h"

using namespace winnow;

namespace {

const std::string kPackage = std::string(WINNOW_GOLDEN_DIR) + "/../models/everyday10.safetensors";

// A file that goes with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes)
      : path_(std::filesystem::temp_directory_path() /
              ("winnow-test-" + std::to_string(getpid()) + ".safetensors")) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string file_of(const std::string& header, const std::string& data) {
  std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

std::string refusal(const std::string& bytes) {
  const TemporaryFile file(bytes);
  const auto weights = Weights::open(file.path());
  return weights ? "" : weights.error().message;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string bytes_of(const std::vector<std::uint16_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), 2 * values.size()};
}

}  // namespace

TEST_CASE("half precision is read exactly") {
  // 1, -2, the smallest denormal, 65504, 0 as fp16; the same bits' meaning as bf16 is checked with its own
  // values.
  const TemporaryFile file(file_of(
      R"({"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[10,16]}})",
      bytes_of({0x3c00, 0xc000, 0x0001, 0x7bff, 0x0000, 0x3f80, 0xc000, 0x3eab})));
  auto weights = Weights::open(file.path());
  REQUIRE(weights);
  const auto half = weights->tensor("h", {5}), brain = weights->tensor("b", {3});
  REQUIRE(half);
  REQUIRE(brain);
  CHECK(std::vector<float>(*half, *half + 5) ==
        std::vector<float>{1.0f, -2.0f, 5.9604644775390625e-8f, 65504.0f, 0.0f});
  CHECK(std::vector<float>(*brain, *brain + 3) == std::vector<float>{1.0f, -2.0f, 0.333984375f});
}

TEST_CASE("tensors are made when they are asked for, once, until no more are wanted") {
  int made = 0;
  Weights weights = Weights::made_by([&](const std::string& name, const Weights::Shape& shape) {
    ++made;
    CHECK(name == "head.bias");
    return std::vector<float>(static_cast<std::size_t>(shape[0]), 2.0f);
  });
  for (int i = 0; i < 2; ++i) {
    const auto values = weights.tensor("head.bias", {3});
    REQUIRE(values);
    CHECK((*values)[2] == 2.0f);
  }
  CHECK(made == 1);
  CHECK(!weights.tensor("head.bias", {4}));
  weights.make_no_more();
  CHECK(!weights.tensor("head.weight", {4, 3}));
  CHECK(weights.names() == std::vector<std::string>{"head.bias"});
}

TEST_CASE("a tensor with NaN or infinity is refused by name and element") {
  const TemporaryFile file(
      file_of(R"({"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", bytes_of({0x3c00, 0x7c00})));
  auto weights = Weights::open(file.path());
  REQUIRE(weights);
  const auto tensor = weights->tensor("w", {2});
  REQUIRE(!tensor);
  CHECK(tensor.error().message == "Tensor w: expected finite values, but element 1 is inf.");
}

TEST_CASE("headers that lie are refused") {
  const auto one = [](const std::string& entry) {
    return file_of("{\"w\":" + entry + "}", std::string(8, '\0'));
  };
  CHECK(refusal("") != "");
  CHECK(refusal(std::string(8, '\xff')) != "");
  CHECK(refusal(file_of("not json", "")) != "");
  CHECK(refusal(file_of("[1,2]", "")) != "");
  CHECK(refusal(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})")) == "");
  CHECK(refusal(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})")).starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,16]})")).starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})")).starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})")).starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"))
            .starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"I64","shape":[1],"data_offsets":[0,8]})")).starts_with("Tensor w: "));
  CHECK(refusal(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})")) != "");  // 4 bytes belong to none
  CHECK(refusal(one(R"({"dtype":"F32","shape":[2]})")).starts_with("Tensor w: "));
  CHECK(refusal(one("17")).starts_with("Tensor w: "));
}

TEST_CASE("a package whose tensors contradict its manifest is refused by the tensor's name") {
  std::string bytes = read_file(kPackage);
  const auto load = [&](const std::string& from, const std::string& to) {
    std::string changed = bytes;
    const std::size_t offset = changed.find(from);
    REQUIRE(offset != std::string::npos);
    REQUIRE(from.size() == to.size());
    changed.replace(offset, from.size(), to);
    const TemporaryFile file(changed);
    const auto engine = Engine::load(file.path(), "reference", 1);
    REQUIRE(!engine);
    CHECK(engine.error().code == ErrorCode::bad_model);
    return engine.error().message;
  };
  CHECK(load("\"norm_f.weight\"", "\"norm_g.weight\"").find("norm_f.weight") != std::string::npos);
  CHECK(load("\\\"depth\\\":8", "\\\"depth\\\":7").find("layers.7.") != std::string::npos);
  CHECK(load("\\\"patchSize\\\":4", "\\\"patchSize\\\":8").find("patch_embed.proj.weight") !=
        std::string::npos);
  CHECK(load("\\\"format\\\":1", "\\\"format\\\":2").find("format") != std::string::npos);
}

TEST_CASE("what a sentence quotes of a package is shortened to 80 characters") {
  std::string letters, expected;
  for (int i = 0; i < 81; ++i) letters += "\u00e4";
  for (int i = 0; i < 80; ++i) expected += "\u00e4";
  CHECK(shortened(letters) == expected + "\u2026");
  CHECK(shortened(expected) == expected);
  CHECK(shortened(std::string(500, '\x80')).size() <= 4 * kLongestQuote);  // no UTF-8
  const std::string many(3000, 'x'), name(80, 'x');
  CHECK(refusal(file_of("{\"" + many + "\":1}", "")) ==
        "Tensor " + name + "\u2026: expected dtype, shape and two data_offsets in the header.");
  const auto depth = [](const std::string& value) {
    const auto config = read_manifest(
        R"({"format":1,"task":"classification","architecture":"vim","imageSize":)" + value + "}");
    REQUIRE(!config);
    return config.error().message;
  };
  const std::string wanted = "Manifest: expected imageSize to be a positive whole number, but it is ";
  CHECK(depth("\"" + many + "\"") == wanted + "\"" + name.substr(1) + "\u2026.");
  CHECK(depth(R"([1,{"a":[true]}])") == wanted + R"([1,{"a":[true]}])" + ".");
}

TEST_CASE("JSON in lists and objects without end is refused before it is parsed") {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');  // more than a stack holds
  CHECK(refusal(file_of(R"({"w":)" + deep + "}", "")).ends_with("but it does not parse."));
  const auto config = read_manifest(R"({"format":)" + deep + "}");
  REQUIRE(!config);
  CHECK(config.error().message == "Expected a Winnow manifest in the package's metadata, but there is none.");
  CHECK(!is_too_deep(R"({"a":"[[[[[[[[[[[[[[[[[[[[\"[[[[[[[[","b":[1],"c":[2]})"));
}

TEST_CASE("mutated packages are refused or predict, and never more") {
  const std::string bytes = read_file(kPackage);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  std::mt19937 random(42);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string changed = bytes;
    if (i % 3 == 0) {
      changed.resize(random() % bytes.size());
    } else {
      for (int flips = 0; flips < 4; ++flips)
        changed[random() % (8 + header)] ^= static_cast<char>(1 << random() % 8);
    }
    const TemporaryFile file(changed);
    refused += !Engine::load(file.path(), "reference", 1);
  }
  CHECK(refused >= 50);  // every truncation at least
}
