// The gradients of each training operation in plain loops against finite differences, in fp64.
#include <doctest/doctest.h>

#include <cmath>

#include "test/train/operations/operation_data.h"

using namespace winnow;
using namespace winnow::train;

namespace {

ReferenceOperations<double> ops;

}  // namespace

TEST_CASE("gradients of matrix products are those of finite differences") {
  Random random(1);
  for (const LinearShape s : {LinearShape{1, 3, 5, 3}, LinearShape{7, 5, 3, 9}}) {
    Doubles x = numbers(s.rows * s.x_stride, random), weight = numbers(s.outputs * s.inputs, random),
            bias = numbers(s.outputs, random), out(s.rows * s.outputs);
    const Doubles d_out = numbers(out.size(), random);
    const auto loss = [&] {
      ops.linear(s, x.data(), weight.data(), bias.data(), false, out.data());
      return weighted(out, d_out);
    };
    Doubles d_x(x.size(), 0.0), d_weight(weight.size(), 0.0), d_bias(bias.size(), 0.0);
    ops.linear_input_gradient(s, d_out.data(), weight.data(), true, d_x.data());
    ops.linear_weight_gradient(s, d_out.data(), x.data(), d_weight.data(), d_bias.data());
    check_differences("x", x, d_x, loss);
    check_differences("weight", weight, d_weight, loss);
    check_differences("bias", bias, d_bias, loss);
  }
}

TEST_CASE("gradients of norms are those of finite differences") {
  Random random(2);
  for (bool centred : {false, true}) {
    const int rows = 3, dim = 7;
    Doubles x = numbers(rows * dim, random), weight = numbers(dim, random), bias = numbers(dim, random),
            out(rows * dim);
    if (!centred) bias.assign(dim, 0.0);
    const Doubles d_out = numbers(out.size(), random);
    const auto loss = [&] {
      if (centred)
        ops.layer_norm(rows, dim, x.data(), weight.data(), bias.data(), out.data());
      else
        ops.rms_norm(rows, dim, x.data(), weight.data(), out.data());
      return weighted(out, d_out);
    };
    Doubles d_x(x.size(), 0.0), d_weight(dim, 0.0), d_bias(dim, 0.0);
    if (centred)
      ops.layer_norm_gradient(rows, dim, x.data(), weight.data(), d_out.data(), d_x.data(), d_weight.data(),
                              d_bias.data());
    else
      ops.rms_norm_gradient(rows, dim, x.data(), weight.data(), d_out.data(), d_x.data(), d_weight.data());
    check_differences("x", x, d_x, loss);
    check_differences("weight", weight, d_weight, loss);
    check_differences("bias", bias, d_bias, loss);
  }
}

TEST_CASE("gradients of GELU and of the gate are those of finite differences") {
  Random random(3);
  Doubles x = numbers(41, random, 2.0), out(x.size());
  const Doubles d_out = numbers(x.size(), random);
  Doubles d_x(x.size());
  ops.gelu_gradient(x.size(), x.data(), d_out.data(), d_x.data());
  check_differences("gelu", x, d_x, [&] {
    ops.gelu(x.size(), x.data(), out.data());
    return weighted(out, d_out);
  });

  GateShape s{3, 5, 8, 0.5f, 0.25f};
  Doubles forward = numbers(15, random), backward = numbers(15, random), z = numbers(24, random, 2.0);
  const Doubles d_gated = numbers(15, random);
  Doubles gated(15), d_sum(15), d_z(24, 0.0), again(15), d_weights(2);
  const auto loss = [&] {
    ops.gate(s, forward.data(), backward.data(), z.data(), gated.data());
    return weighted(gated, d_gated);
  };
  ops.gate_sum_gradient(s, d_gated.data(), z.data(), d_sum.data());
  ops.gate_gradient(s, d_gated.data(), forward.data(), backward.data(), z.data(), again.data(), d_z.data(),
                    d_weights.data());
  Doubles d_forward = d_sum, d_backward = d_sum;
  for (double& d : d_forward) d *= s.forward;
  for (double& d : d_backward) d *= s.backward;
  check_differences("y_forward", forward, d_forward, loss);
  check_differences("y_backward", backward, d_backward, loss);
  check_differences("z", z, d_z, loss);
  CHECK(again == gated);
  CHECK(d_weights[0] == doctest::Approx(weighted(d_sum, forward)));
  CHECK(d_weights[1] == doctest::Approx(weighted(d_sum, backward)));
}

TEST_CASE("gradients of the masked convolution are those of finite differences") {
  Random random(4);
  for (const ConvolutionShape& s : kConvolutions) {
    Doubles x = numbers(s.tokens * s.x_stride, random), taps = numbers(s.width * s.channels, random),
            bias = numbers(s.channels, random), u(s.tokens * s.channels), d_u = numbers(u.size(), random);
    const auto loss = [&] {
      ops.convolve(s, x.data(), taps.data(), bias.data(), u.data());
      return weighted(u, d_u);
    };
    Doubles d_x(x.size(), 0.0), d_taps(taps.size(), 0.0), d_bias(bias.size(), 0.0), d_mask(s.tokens, 0.0);
    ops.convolve_gradient(s, x.data(), taps.data(), bias.data(), d_u.data(), d_x.data(), d_taps.data(),
                          d_bias.data(), d_mask.data());
    check_differences("x", x, d_x, loss);
    check_differences("taps", taps, d_taps, loss);
    check_differences("bias", bias, d_bias, loss);
    // The mask as numbers: what multiplies x and u, one for live tokens and zero for others.
    Doubles mask(s.tokens, 0.0);
    for (int t = 0; t < s.live; ++t) mask[t] = 1.0;
    ConvolutionShape all = s;
    all.live = s.tokens;
    check_differences("mask", mask, d_mask, [&] {
      Doubles masked = x;
      for (int t = 0; t < s.tokens; ++t)
        for (int e = 0; e < s.channels; ++e) masked[t * s.x_stride + e] *= mask[t];
      ops.convolve(all, masked.data(), taps.data(), bias.data(), u.data());
      double sum = 0.0;
      for (int t = 0; t < s.tokens; ++t)
        for (int e = 0; e < s.channels; ++e) sum += mask[t] * u[t * s.channels + e] * d_u[t * s.channels + e];
      return sum;
    });
  }
}

TEST_CASE("gradients of the selective scan are those of finite differences") {
  Random random(5);
  for (const ScanShape& s : kScans) {
    ScanData data(s, random);
    Doubles y(data.u.size());
    const auto loss = [&] {
      ops.scan(s, data.inputs(), y.data(), nullptr, nullptr);
      return weighted(y, data.d_y);
    };
    Doubles d_steps(data.steps.size()), d_u(data.u.size()), d_b(data.b.size(), 0.0), d_c(data.c.size(), 0.0),
        d_state_matrix(data.state_matrix.size(), 0.0), d_skip(data.skip.size(), 0.0), again(y.size());
    ops.scan_gradient(
        s, data.inputs(), nullptr, data.d_y.data(), again.data(),
        {d_steps.data(), d_u.data(), d_b.data(), d_c.data(), d_state_matrix.data(), d_skip.data()}, nullptr);
    check_differences("steps", data.steps, d_steps, loss);
    check_differences("u", data.u, d_u, loss);
    check_differences("B", data.b, d_b, loss);
    check_differences("C", data.c, d_c, loss);
    check_differences("A", data.state_matrix, d_state_matrix, loss);
    check_differences("D", data.skip, d_skip, loss);
    loss();
    CHECK(again == y);
  }
}
