// Each fast training operation against the reference, on odd shapes.
#ifdef WINNOW_CPU
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "test/train/operations/operation_data.h"

using namespace winnow;
using namespace winnow::train;

namespace {

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

}  // namespace

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
  Adam settings{0.1f, 0.9f, 0.999f, 1e-8f, 0.05f, 0.1f, 0.001f, 1.0f, 0.75f};
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
