#include "model/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "model/bounded_json.h"
#include "ops/shortened.h"

namespace winnow {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLargestHeader = 100'000'000;

Error bad(std::string message) { return Error{ErrorCode::bad_model, std::move(message)}; }

std::string text(const Weights::Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size() && out.size() <= kLongestQuote; ++i)
    out += (i ? ", " : "") + std::to_string(shape[i]);
  return shortened(out + "]");
}

float from_half(std::uint16_t half) {
  const std::uint32_t exponent = (half >> 10) & 31u, mantissa = half & 1023u;
  float magnitude;
  if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  else if (exponent == 31)
    magnitude = std::bit_cast<float>(0x7f800000u | (mantissa << 13));
  else
    magnitude = std::bit_cast<float>(((exponent + 112) << 23) | (mantissa << 13));
  return half & 0x8000u ? -magnitude : magnitude;
}

float from_bfloat(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

// Number of elements, or -1 when the product is beyond any file.
std::int64_t count(const Weights::Shape& shape) {
  std::int64_t product = 1;
  for (std::int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(product, extent, &product)) return -1;
  return product;
}

bool is_list_of_sizes(const json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_number_unsigned(); });
}

}  // namespace

Result<Weights> Weights::open(const std::string& path) {
  auto opened = MappedFile::open(path);
  if (!opened)
    return bad("Expected a model package at " + path + ", but it cannot be read: " + opened.error().message +
               ".");
  Weights weights;
  weights.file_ = std::move(*opened);
  const unsigned char* data = weights.file_->data();
  const std::size_t size = weights.file_->size();

  std::uint64_t header_size = 0;
  if (size >= 8) std::memcpy(&header_size, data, 8);
  if (size < 8 || header_size < 2 || header_size > kLargestHeader || header_size > size - 8)
    return bad("Expected a safetensors header in " + path + ", but byte 0 announces one of " +
               std::to_string(header_size) + " bytes in a file of " + std::to_string(size) + ".");
  const json header = parse_json({reinterpret_cast<const char*>(data) + 8, header_size});
  if (!header.is_object())
    return bad("Expected JSON in the safetensors header of " + path + ", but it does not parse.");

  const unsigned char* base = data + 8 + header_size;
  const std::uint64_t available = size - 8 - header_size;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return bad("Expected named texts in the metadata of " + path + ".");
      for (const auto& [key, value] : entry.items())
        if (value.is_string()) weights.metadata_[key] = value.get<std::string>();
    } else if (const Status read = weights.read_entry(name, &entry, base, available); !read) {
      return read.error();
    }
  }
  if (const Status placed = weights.check_places(path, available); !placed) return placed.error();
  return weights;
}

Status Weights::read_entry(const std::string& name, const void* entry_json, const unsigned char* base,
                           std::uint64_t available) {
  const json& entry = *static_cast<const json*>(entry_json);
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !is_list_of_sizes(entry["shape"]) || !entry.contains("data_offsets") ||
      !is_list_of_sizes(entry["data_offsets"]) || entry["data_offsets"].size() != 2)
    return bad("Tensor " + shortened(name) + ": expected dtype, shape and two data_offsets in the header.");

  const std::string type = entry["dtype"].get<std::string>();
  if (type != "F32" && type != "F16" && type != "BF16")
    return bad("Tensor " + shortened(name) + ": expected dtype F32, F16 or BF16, but it is " +
               shortened(type) + ".");
  Entry tensor;
  tensor.type = type == "F32" ? Type::f32 : type == "F16" ? Type::f16 : Type::bf16;
  for (const json& extent : entry["shape"])
    tensor.shape.push_back(static_cast<std::int64_t>(extent.get<std::uint64_t>()));
  tensor.begin = entry["data_offsets"][0].get<std::uint64_t>();
  tensor.end = entry["data_offsets"][1].get<std::uint64_t>();

  const std::uint64_t width = tensor.type == Type::f32 ? 4 : 2;
  const std::int64_t elements = count(tensor.shape);
  const bool inside = tensor.begin <= tensor.end && tensor.end <= available;
  const std::uint64_t bytes = tensor.end - tensor.begin;
  if (!inside || elements < 0 || bytes % width != 0 || bytes / width != static_cast<std::uint64_t>(elements))
    return bad("Tensor " + shortened(name) + ": expected " + type + " " + text(tensor.shape) +
               " to fill bytes " + std::to_string(tensor.begin) + " to " + std::to_string(tensor.end) +
               " of " + std::to_string(available) + ", but it does not.");
  tensor.bytes = base + tensor.begin;
  entries_.insert_or_assign(name, std::move(tensor));
  return ok();
}

Status Weights::check_places(const std::string& path, std::uint64_t available) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : entries_) ranges.emplace_back(entry.begin, entry.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t next = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != next) break;
    next = end;
  }
  if (next == available) return ok();
  return bad("Expected the tensors of " + path + " to follow each other, but byte " + std::to_string(next) +
             " of their " + std::to_string(available) + " belongs to none or to two.");
}

Weights Weights::made_by(Maker maker) {
  Weights weights;
  weights.maker_ = std::move(maker);
  return weights;
}

void Weights::add(const std::string& name, Shape shape, std::vector<float> values) {
  Entry& entry = entries_[name];
  entry = Entry{};
  entry.shape = std::move(shape);
  entry.values = std::move(values);
}

std::string Weights::metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? std::string() : found->second;
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

Weights::Shape Weights::shape(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? Shape() : found->second.shape;
}

Result<const float*> Weights::tensor(const std::string& name, const Shape& shape) {
  if (maker_ && !entries_.contains(name)) add(name, shape, maker_(name, shape));
  const auto found = entries_.find(name);
  if (found == entries_.end())
    return bad("Expected a tensor " + shortened(name) + " " + text(shape) + ", but there is none.");
  Entry& entry = found->second;
  if (entry.shape != shape)
    return bad("Tensor " + shortened(name) + ": expected shape " + text(shape) + ", but it is " +
               text(entry.shape) + ".");

  const auto elements = static_cast<std::size_t>(count(shape));
  const float* values = entry.values.data();
  if (entry.bytes != nullptr) {
    const bool usable =
        entry.type == Type::f32 && reinterpret_cast<std::uintptr_t>(entry.bytes) % alignof(float) == 0;
    if (usable) {
      values = reinterpret_cast<const float*>(entry.bytes);
    } else if (entry.values.empty()) {
      entry.values.resize(elements);
      for (std::size_t i = 0; i < elements; ++i) {
        std::uint16_t bits = 0;
        if (entry.type == Type::f32) {
          std::memcpy(&entry.values[i], entry.bytes + 4 * i, 4);
        } else {
          std::memcpy(&bits, entry.bytes + 2 * i, 2);
          entry.values[i] = entry.type == Type::f16 ? from_half(bits) : from_bfloat(bits);
        }
      }
      values = entry.values.data();
    }
  }
  const float* end = values + elements;
  const float* odd = std::find_if_not(values, end, [](float v) { return std::isfinite(v); });
  if (odd != end)
    return bad("Tensor " + shortened(name) + ": expected finite values, but element " +
               std::to_string(odd - values) + " is " + std::to_string(*odd) + ".");
  return values;
}

}  // namespace winnow
