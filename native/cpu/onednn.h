// What every use of oneDNN shares.
#pragma once

#include <dnnl.hpp>

namespace winnow::cpu {

// What the elements of a matrix are.
enum class Element { fp32, bf16, int8 };

// Outlives every primitive: oneDNN keeps bare pointers to it.
inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

inline dnnl::memory::data_type type_of(Element element) {
  switch (element) {
    case Element::bf16:
      return dnnl::memory::data_type::bf16;
    case Element::int8:
      return dnnl::memory::data_type::s8;
    case Element::fp32:
      break;
  }
  return dnnl::memory::data_type::f32;
}

}  // namespace winnow::cpu
