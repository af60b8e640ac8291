// Each training operation: the reference's gradients against finite differences in fp64, the fast ones
// against the reference, both on odd shapes.
#include "train/operations/operations.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "train/operations/reference_formulas.h"
#include "train/random.h"

using namespace winnow;
using namespace winnow::train;

namespace {

using Doubles = std::vector<double>;

Doubles numbers(std::size_t count, Random& random, double scale = 1.0) {
  Doubles values(count);
  for (double& value : values) value = scale * random.normal();
  return values;
}

double weighted(const Doubles& values, const Doubles& weights) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * weights[i];
  return sum;
}

// `gradient` of loss() with respect to `x`, which loss reads, against central differences.
void check_differences(const std::string& name, Doubles& x, const Doubles& gradient,
                       const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double before = x[i];
    x[i] = before + kStep;
    const double above = loss();
    x[i] = before - kStep;
    const double below = loss();
    x[i] = before;
    const double expected = (above - below) / (2.0 * kStep);
    worst = std::max(worst, std::abs(expected - gradient[i]) / std::max(1.0, std::abs(expected)));
  }
  CAPTURE(name);
  CHECK(worst < 1e-7);
}

using Floats = std::vector<float>;

Floats floats(std::size_t count, Random& random, double scale = 1.0) {
  Floats values(count);
  for (float& value : values) value = static_cast<float>(scale * random.normal());
  return values;
}

// The norm of the difference over the norm of what is expected.
void check_alike(const std::string& name, const Floats& actual, const Floats& expected,
                 double tolerance = 5e-6) {
  REQUIRE(actual.size() == expected.size());
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference +=
        (static_cast<double>(actual[i]) - expected[i]) * (static_cast<double>(actual[i]) - expected[i]);
    norm += static_cast<double>(expected[i]) * expected[i];
  }
  CAPTURE(name);
  CHECK(std::sqrt(difference) <= tolerance * std::sqrt(norm) + 1e-12);
}

struct ScanData {
  ScanShape shape;
  Doubles steps, u, b, c, state_matrix, skip, d_y;
  ScanData(const ScanShape& s, Random& random) : shape(s) {
    const std::size_t wide = static_cast<std::size_t>(s.tokens) * s.channels,
                      narrow = static_cast<std::size_t>(s.tokens) * s.matrix_stride;
    steps = numbers(wide, random, 2.0);
    u = numbers(wide, random);
    b = numbers(narrow, random);
    c = numbers(narrow, random);
    state_matrix = numbers(static_cast<std::size_t>(s.states) * s.channels, random);
    for (double& rate : state_matrix) rate = -std::exp(rate);
    skip = numbers(s.channels, random);
    d_y = numbers(wide, random);
  }
  reference::Inputs<double> inputs() const {
    return {steps.data(), u.data(), b.data(), c.data(), state_matrix.data(), skip.data()};
  }
};

const std::vector<ScanShape> kScans = {{1, 3, 2, 2, false},
                                       {5, 7, 3, 5, true},
                                       {8, 16, 16, 19, false},
                                       {13, 21, 16, 16, true},
                                       {17, 5, 1, 4, false}};
const std::vector<ConvolutionShape> kConvolutions = {
    {1, 3, 4, 5, 1, false},  {7, 5, 4, 6, 7, true},    {9, 17, 4, 40, 5, true}, {9, 17, 4, 40, 5, false},
    {6, 19, 3, 19, 4, true}, {5, 33, 1, 33, 3, false}, {4, 6, 4, 6, 0, true}};

}  // namespace

TEST_CASE("gradients of matrix products are those of finite differences") {
  Random random(1);
  for (const LinearShape s : {LinearShape{1, 3, 5, 3}, LinearShape{7, 5, 3, 9}}) {
    Doubles x = numbers(s.rows * s.x_stride, random), weight = numbers(s.outputs * s.inputs, random),
            bias = numbers(s.outputs, random), out(s.rows * s.outputs);
    const Doubles d_out = numbers(out.size(), random);
    const auto loss = [&] {
      reference::linear(s, x.data(), weight.data(), bias.data(), false, out.data());
      return weighted(out, d_out);
    };
    Doubles d_x(x.size(), 0.0), d_weight(weight.size(), 0.0), d_bias(bias.size(), 0.0);
    reference::linear_input_gradient(s, d_out.data(), weight.data(), true, d_x.data());
    reference::linear_weight_gradient(s, d_out.data(), x.data(), d_weight.data(), d_bias.data());
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
      reference::norm(rows, dim, centred, x.data(), weight.data(), bias.data(), out.data());
      return weighted(out, d_out);
    };
    Doubles d_x(x.size(), 0.0), d_weight(dim, 0.0), d_bias(dim, 0.0);
    reference::norm_gradient(rows, dim, centred, x.data(), weight.data(), d_out.data(), d_x.data(),
                             d_weight.data(), d_bias.data());
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
  reference::gelu_gradient(x.size(), x.data(), d_out.data(), d_x.data());
  check_differences("gelu", x, d_x, [&] {
    reference::gelu(x.size(), x.data(), out.data());
    return weighted(out, d_out);
  });

  GateShape s{3, 5, 8, 0.5f, 0.25f};
  Doubles forward = numbers(15, random), backward = numbers(15, random), z = numbers(24, random, 2.0);
  const Doubles d_gated = numbers(15, random);
  Doubles gated(15), d_sum(15), d_z(24, 0.0), again(15), d_weights(2);
  const auto loss = [&] {
    reference::gate(s, forward.data(), backward.data(), z.data(), gated.data());
    return weighted(gated, d_gated);
  };
  reference::gate_sum_gradient(s, d_gated.data(), z.data(), d_sum.data());
  reference::gate_gradient(s, d_gated.data(), forward.data(), backward.data(), z.data(), again.data(),
                           d_z.data(), d_weights.data());
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
      reference::convolve(s, x.data(), taps.data(), bias.data(), u.data());
      return weighted(u, d_u);
    };
    Doubles d_x(x.size(), 0.0), d_taps(taps.size(), 0.0), d_bias(bias.size(), 0.0), d_mask(s.tokens, 0.0);
    reference::convolve_gradient(s, x.data(), taps.data(), bias.data(), d_u.data(), d_x.data(), d_taps.data(),
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
      reference::convolve(all, masked.data(), taps.data(), bias.data(), u.data());
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
      reference::scan(s, data.inputs(), y.data());
      return weighted(y, data.d_y);
    };
    Doubles d_steps(data.steps.size()), d_u(data.u.size()), d_b(data.b.size(), 0.0), d_c(data.c.size(), 0.0),
        d_state_matrix(data.state_matrix.size(), 0.0), d_skip(data.skip.size(), 0.0), again(y.size());
    reference::scan_gradient(s, data.inputs(), data.d_y.data(), again.data(),
                             reference::Gradients<double>{d_steps.data(), d_u.data(), d_b.data(), d_c.data(),
                                                          d_state_matrix.data(), d_skip.data()});
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

#ifdef WINNOW_CPU

TEST_CASE("the cpu's products, norms and elementwise operations are the reference's") {
  const auto slow = reference_operations(), fast = cpu_operations(2);
  Random random(6);
  for (const LinearShape s : {LinearShape{1, 96, 10, 96}, LinearShape{33, 7, 5, 11},
                              LinearShape{65, 48, 97, 48}, LinearShape{130, 6, 192, 38}}) {
    const Floats x = floats(s.rows * s.x_stride, random), weight = floats(s.outputs * s.inputs, random),
                 bias = floats(s.outputs, random), d_out = floats(s.rows * s.outputs, random);
    for (bool add : {false, true}) {
      Floats out[2] = {d_out, d_out}, d_x[2] = {x, x};
      int i = 0;
      for (Operations* ops : {slow.get(), fast.get()}) {
        ops->linear(s, x.data(), weight.data(), add ? nullptr : bias.data(), add, out[i].data());
        ops->linear_input_gradient(s, d_out.data(), weight.data(), add, d_x[i].data());
        ++i;
      }
      check_alike("linear", out[1], out[0]);
      check_alike("d_x", d_x[1], d_x[0]);
    }
    Floats d_weight[2] = {weight, weight}, d_bias[2] = {bias, bias};
    slow->linear_weight_gradient(s, d_out.data(), x.data(), d_weight[0].data(), d_bias[0].data());
    fast->linear_weight_gradient(s, d_out.data(), x.data(), d_weight[1].data(), d_bias[1].data());
    check_alike("d_weight", d_weight[1], d_weight[0]);
    check_alike("d_bias", d_bias[1], d_bias[0]);
  }
  for (int dim : {1, 15, 16, 48, 97}) {
    const int rows = 5;
    const Floats x = floats(rows * dim, random), weight = floats(dim, random), bias = floats(dim, random),
                 d_out = floats(rows * dim, random);
    Floats out[2][3], gradients[2][6];
    int i = 0;
    for (Operations* ops : {slow.get(), fast.get()}) {
      for (Floats& values : out[i]) values.resize(x.size());
      for (Floats& values : gradients[i]) values = x;
      ops->rms_norm(rows, dim, x.data(), weight.data(), out[i][0].data());
      ops->layer_norm(rows, dim, x.data(), weight.data(), bias.data(), out[i][1].data());
      ops->gelu(x.size(), x.data(), out[i][2].data());
      ops->rms_norm_gradient(rows, dim, x.data(), weight.data(), d_out.data(), gradients[i][0].data(),
                             gradients[i][1].data());
      ops->layer_norm_gradient(rows, dim, x.data(), weight.data(), d_out.data(), gradients[i][2].data(),
                               gradients[i][3].data(), gradients[i][4].data());
      ops->gelu_gradient(x.size(), x.data(), d_out.data(), gradients[i][5].data());
      ops->add(x.size(), d_out.data(), gradients[i][5].data());
      ++i;
    }
    CAPTURE(dim);
    for (int j = 0; j < 3; ++j) check_alike("norm or GELU " + std::to_string(j), out[1][j], out[0][j]);
    for (int j = 0; j < 6; ++j)
      check_alike("gradient " + std::to_string(j), gradients[1][j], gradients[0][j]);
    CHECK(fast->sum_of_squares(x.size(), x.data()) ==
          doctest::Approx(slow->sum_of_squares(x.size(), x.data())).epsilon(1e-6));
  }
}

TEST_CASE("the cpu's gate and convolution are the reference's") {
  const auto slow = reference_operations(), fast = cpu_operations(1);
  Random random(7);
  for (int channels : {3, 16, 37}) {
    const GateShape s{7, channels, 2 * channels, 0.5f, 1.0f};
    const Floats forward = floats(7 * channels, random), backward = floats(7 * channels, random),
                 z = floats(14 * channels, random, 3.0), d_out = floats(7 * channels, random);
    Floats out[2], again[2], d_sum[2], d_z[2], d_weights[2];
    int i = 0;
    for (Operations* ops : {slow.get(), fast.get()}) {
      out[i] = again[i] = d_sum[i] = d_out;
      d_z[i] = z;
      double weights[2];
      ops->gate(s, forward.data(), backward.data(), z.data(), out[i].data());
      ops->gate_sum_gradient(s, d_out.data(), z.data(), d_sum[i].data());
      ops->gate_gradient(s, d_out.data(), forward.data(), backward.data(), z.data(), again[i].data(),
                         d_z[i].data(), weights);
      d_weights[i] = {static_cast<float>(weights[0]), static_cast<float>(weights[1])};
      ++i;
    }
    check_alike("gate", out[1], out[0]);
    check_alike("gate again", again[1], out[0]);
    check_alike("d_sum", d_sum[1], d_sum[0]);
    check_alike("d_z", d_z[1], d_z[0]);
    check_alike("d_weights", d_weights[1], d_weights[0], 2e-5);
  }
  for (const ConvolutionShape& s : kConvolutions)
    for (bool masked : {false, true}) {
      const Floats x = floats(s.tokens * s.x_stride, random), taps = floats(s.width * s.channels, random),
                   bias = floats(s.channels, random), d_u = floats(s.tokens * s.channels, random);
      Floats u[2], d_x[2], d_taps[2], d_bias[2], d_mask[2];
      int i = 0;
      for (Operations* ops : {slow.get(), fast.get()}) {
        Floats used = d_u;
        u[i] = d_u;
        d_x[i] = x;
        d_taps[i] = taps;
        d_bias[i] = bias;
        d_mask[i].assign(s.tokens, 0.5f);
        ops->convolve(s, x.data(), taps.data(), bias.data(), u[i].data());
        ops->convolve_gradient(s, x.data(), taps.data(), bias.data(), used.data(), d_x[i].data(),
                               d_taps[i].data(), d_bias[i].data(), masked ? d_mask[i].data() : nullptr);
        ++i;
      }
      CAPTURE(s.tokens);
      CAPTURE(s.live);
      CAPTURE(s.backward);
      check_alike("u", u[1], u[0]);
      check_alike("d_x", d_x[1], d_x[0]);
      check_alike("d_taps", d_taps[1], d_taps[0]);
      check_alike("d_bias", d_bias[1], d_bias[0]);
      check_alike("d_mask", d_mask[1], d_mask[0]);
    }
}

TEST_CASE("the cpu's scan and its gradients are the reference's") {
  const auto slow = reference_operations(), fast = cpu_operations(1);
  Random random(8);
  std::vector<ScanShape> shapes = kScans;
  shapes.push_back({65, 192, 16, 38, false});
  shapes.push_back({197, 37, 16, 44, true});
  for (const ScanShape& s : shapes) {
    const ScanData data(s, random);
    const auto narrowed = [](const Doubles& values) { return Floats(values.begin(), values.end()); };
    const Floats steps = narrowed(data.steps), u = narrowed(data.u), b = narrowed(data.b),
                 c = narrowed(data.c), state_matrix = narrowed(data.state_matrix), skip = narrowed(data.skip),
                 d_y = narrowed(data.d_y);
    const ScanInputs in{steps.data(), u.data(), b.data(), c.data(), state_matrix.data(), skip.data()};
    Floats y[2], again[2], d_steps[2], d_u[2], d_b[2], d_c[2], d_state_matrix[2], d_skip[2];
    int i = 0;
    for (Operations* ops : {slow.get(), fast.get()}) {
      Floats memory(ops->scan_memory(s), NAN);
      y[i] = again[i] = d_steps[i] = d_u[i] = Floats(u.size(), NAN);
      d_b[i] = b;  // columns beyond the states stay
      d_c[i] = c;
      d_state_matrix[i] = state_matrix;
      d_skip[i] = skip;
      Floats kept((s.tokens - 1) / kScanTile * s.state_floats(), NAN);
      ops->scan(s, in, y[i].data(), kept.data(), memory.data());
      std::fill(memory.begin(), memory.end(), NAN);
      ops->scan_gradient(s, in, kept.data(), d_y.data(), again[i].data(),
                         {d_steps[i].data(), d_u[i].data(), d_b[i].data(), d_c[i].data(),
                          d_state_matrix[i].data(), d_skip[i].data()},
                         memory.data());
      ++i;
    }
    CAPTURE(s.tokens);
    CAPTURE(s.channels);
    check_alike("y", y[1], y[0]);
    CHECK(again[1] == y[1]);
    check_alike("d_steps", d_steps[1], d_steps[0], 2e-5);
    check_alike("d_u", d_u[1], d_u[0], 2e-5);
    check_alike("d_B", d_b[1], d_b[0], 2e-5);
    check_alike("d_C", d_c[1], d_c[0], 2e-5);
    check_alike("d_A", d_state_matrix[1], d_state_matrix[0], 2e-5);
    check_alike("d_D", d_skip[1], d_skip[0], 2e-5);
  }
}

TEST_CASE("the cpu's AdamW is the reference's, and that the formula's") {
  const auto slow = reference_operations(), fast = cpu_operations(1);
  Random random(9);
  const Floats gradient = floats(37, random), start = floats(37, random);
  Operations::Adam settings{0.1f, 0.9f, 0.999f, 1e-8f, 0.05f, 0.1f, 0.001f, 1.0f, 0.75f};
  Floats weight[2], first[2], second[2], average[2];
  int i = 0;
  for (Operations* ops : {slow.get(), fast.get()}) {
    weight[i] = average[i] = start;
    first[i].assign(37, 0.0f);
    second[i].assign(37, 0.0f);
    ops->adam(settings, 37, gradient.data(), weight[i].data(), first[i].data(), second[i].data(),
              average[i].data());
    ++i;
  }
  check_alike("weight", weight[1], weight[0]);
  check_alike("first moment", first[1], first[0]);
  check_alike("second moment", second[1], second[0]);
  check_alike("average", average[1], average[0]);
  // The first step goes by the learning rate against the gradient's sign, after the decay.
  for (int j = 0; j < 37; ++j) {
    const double expected = start[j] * (1.0 - 0.1 * 0.05) - std::copysign(0.1, gradient[j]);
    CHECK(weight[1][j] == doctest::Approx(expected).epsilon(1e-5));
    CHECK(average[1][j] == doctest::Approx(0.75 * start[j] + 0.25 * expected).epsilon(1e-5));
  }
}

#endif  // WINNOW_CPU
