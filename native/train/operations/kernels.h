// The vector kernels of the cpu's training operations, compiled for every instruction set and chosen at run
// time by Highway. What they compute is said in operations.h.
#pragma once

#include "train/operations/operations.h"

namespace winnow::train::kernels {

void rms_norm(int rows, int dim, const float* x, const float* weight, float* out);
void rms_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out, float* d_x,
                       float* d_weight);
void layer_norm(int rows, int dim, const float* x, const float* weight, const float* bias, float* out);
void layer_norm_gradient(int rows, int dim, const float* x, const float* weight, const float* d_out,
                         float* d_x, float* d_weight, float* d_bias);
void gelu(std::size_t count, const float* x, float* out);
void gelu_gradient(std::size_t count, const float* x, const float* d_out, float* d_x);
void gate(const GateShape& shape, const float* y_forward, const float* y_backward, const float* z,
          float* out);
void gate_sum_gradient(const GateShape& shape, const float* d_out, const float* z, float* d_sum);
void gate_gradient(const GateShape& shape, const float* d_out, const float* y_forward,
                   const float* y_backward, const float* z, float* out, float* d_z, double d_weights[2]);
void adam(const Operations::Adam& settings, std::size_t count, const float* gradient, float* weight,
          float* first_moment, float* second_moment, float* average);
double sum_of_squares(std::size_t count, const float* values);
void add(std::size_t count, const float* values, float* sum);
void add_columns(int rows, int columns, const float* values, float* sums);  // sums[c] += values[r, c]

void convolve(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias, float* u);
void convolve_gradient(const ConvolutionShape& shape, const float* x, const float* taps, const float* bias,
                       float* d_u, float* d_x, float* d_taps, float* d_bias, float* d_mask);
std::size_t scan_memory(const ScanShape& shape);
void scan(const ScanShape& shape, const ScanInputs& in, float* y, float* kept, float* memory);
void scan_gradient(const ScanShape& shape, const ScanInputs& in, const float* kept, const float* d_y,
                   float* y, const ScanGradients& out, float* memory);

}  // namespace winnow::train::kernels
