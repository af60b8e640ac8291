// Numbers that a seed determines, on every machine alike.
#pragma once

#include <cmath>
#include <cstdint>

namespace winnow::train {

// SplitMix64.
class Random {
 public:
  // Neighbouring seeds share no numbers.
  explicit Random(std::uint64_t seed) : state_(scramble(seed + kStep)) {}

  // Of the index-th of several that share a seed.
  Random(std::uint64_t seed, std::uint64_t index) : Random(Random(seed).bits() + index) {}

  std::uint64_t bits() { return scramble(state_ += kStep); }
  double uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }  // 0 < u < 1, exactly
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  int whole(int count) { return static_cast<int>(uniform() * count); }  // 0 <= n < count
  bool chance(double probability) { return uniform() < probability; }
  double exponential() { return -std::log(uniform()); }
  double normal() {
    constexpr double kTurn = 6.283185307179586;
    const double radius = std::sqrt(2.0 * exponential());
    return radius * std::cos(kTurn * uniform());
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static std::uint64_t scramble(std::uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
  }
  std::uint64_t state_;
};

}  // namespace winnow::train
