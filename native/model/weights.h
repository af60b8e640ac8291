// The tensors of a model package: a memory-mapped .safetensors file, checked before anything uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/result.h"
#include "platform/files.h"

namespace winnow {

class Weights {
 public:
  using Shape = std::vector<std::int64_t>;

  // Maps and parses a file. Fails with bad_model, naming the tensor or byte, when the header is no
  // safetensors header, is larger than the file or than 100 MB, or when the tensors do not follow each other
  // to the end.
  static Result<Weights> open(const std::string& path);
  // Tensors that are made when they are asked for and not there, as tests and benchmarks do.
  using Maker = std::function<std::vector<float>(const std::string& name, const Shape& shape)>;
  static Weights made_by(Maker maker);
  void make_no_more() { maker_ = nullptr; }
  // A tensor that the program made itself, fp32.
  void add(const std::string& name, Shape shape, std::vector<float> values);

  // Text of the `__metadata__` entry, or empty.
  std::string metadata(const std::string& key) const;
  std::vector<std::string> names() const;
  // The shape of a tensor, or an empty one where there is none.
  Shape shape(const std::string& name) const;
  // The tensor's values as fp32, valid as long as this object: mapped where they are stored so, converted
  // from fp16 or bf16 otherwise. Fails with bad_model when it is missing, of another shape, or holds NaN or
  // infinity.
  Result<const float*> tensor(const std::string& name, const Shape& shape);

 private:
  enum class Type { f32, f16, bf16 };
  struct Entry {
    Type type = Type::f32;
    Shape shape;
    const unsigned char* bytes = nullptr;  // in the mapped file; null for a tensor that the program made
    std::uint64_t begin = 0, end = 0;      // its place among the file's tensor bytes
    std::vector<float> values;             // where the bytes cannot be used as they are
  };
  Status read_entry(const std::string& name, const void* json, const unsigned char* base,
                    std::uint64_t available);
  Status check_places(const std::string& path, std::uint64_t available) const;

  std::unique_ptr<MappedFile> file_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
  Maker maker_;
};

}  // namespace winnow
