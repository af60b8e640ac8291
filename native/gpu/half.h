// The 16-bit numbers of GPUs on the host: bf16, and fp16 where a device has no bf16. Rounded to the nearest,
// of two to the even one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace winnow::gpu {

inline std::uint16_t bf16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// IEEE 754 binary16; what is too large becomes infinite.
inline std::uint16_t fp16_bits(float value) {
  const auto sign = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16 & 0x8000);
  const float size = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (size >= 65520.0f) return sign | 0x7c00;
  if (size < 0x1p-14f) return sign | static_cast<std::uint16_t>(std::lrint(size * 0x1p24f));
  const auto bits = std::bit_cast<std::uint32_t>(size);
  return sign | static_cast<std::uint16_t>((bits - (112u << 23) + 0xfff + ((bits >> 13) & 1)) >> 13);
}

inline float from_fp16(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 0) {
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -size : size;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | (fraction == 0 ? 0x7f800000u : 0x7fc00000u));
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

}  // namespace winnow::gpu
