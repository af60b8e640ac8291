#include "train/network/block.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {
namespace {

// to [columns, rows] = from [rows, columns] transposed.
void transpose(const float* from, int rows, int columns, float* to) {
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      to[static_cast<std::size_t>(c) * rows + r] = from[static_cast<std::size_t>(r) * columns + c];
}

}  // namespace

void BlockMemory::reserve(const DyvmConfig& c, const Operations& operations, int rows, int longest) {
  const int dim = c.embed_dim, inner = c.inner_dim(), projected = c.dt_rank + 2 * c.state_dim;
  const std::size_t scan_floats = operations.scan_memory({longest, inner, c.state_dim, projected, false});
  struct Piece {
    float** place;
    std::size_t floats;
  };
  const auto wide = [&](float** place, int width) { return Piece{place, offset(rows, width)}; };
  const auto floats = [](float** place, int count) { return Piece{place, static_cast<std::size_t>(count)}; };
  const Piece pieces[] = {wide(&normed, dim),
                          wide(&d_normed, dim),
                          wide(&u, inner),
                          wide(&steps, inner),
                          wide(&y[0], inner),
                          wide(&y[1], inner),
                          wide(&gated, inner),
                          wide(&d_gated, inner),
                          wide(&d_sum, inner),
                          wide(&d_steps, inner),
                          wide(&d_u, inner),
                          wide(&d_xz, 2 * inner),
                          wide(&d_projected, projected),
                          {&scan, scan_floats},
                          floats(&mean, dim),
                          floats(&d_mean, dim),
                          floats(&mean_xz, 2 * inner),
                          floats(&d_mean_xz, 2 * inner),
                          floats(&d_gate_logits, 2 * rows)};
  std::size_t total = 0;
  for (const Piece& piece : pieces) total += (piece.floats + 15) / 16 * 16;
  if (memory_.size() < total) memory_.assign(total, 0.0f);
  float* next = memory_.data();
  for (const Piece& piece : pieces) {
    *piece.place = next;
    next += (piece.floats + 15) / 16 * 16;
  }
}

void TrainedBlock::prepare(const float* weights, float* prepared) const {
  std::copy_n(weights, offsets_.size, prepared);
  const int inner = c_.inner_dim();
  for (const ScanTensors<std::size_t>& at : offsets_.directions) {
    transpose(weights + at.conv_weight, inner, c_.conv_width, prepared + at.conv_weight);
    transpose(weights + at.a_log, inner, c_.state_dim, prepared + at.a_log);
    for (std::size_t i = 0; i < offset(inner, c_.state_dim); ++i)
      prepared[at.a_log + i] = -std::exp(prepared[at.a_log + i]);
  }
}

void TrainedBlock::finish(const float* prepared, const float* d_prepared, float* d_weights) const {
  const int inner = c_.inner_dim();
  std::vector<float> transposed_back(d_prepared, d_prepared + offsets_.size);
  for (const ScanTensors<std::size_t>& at : offsets_.directions) {
    std::vector<float> d_logs(offset(inner, c_.state_dim));  // A = -exp(A_log): its own derivative
    for (std::size_t i = 0; i < d_logs.size(); ++i)
      d_logs[i] = d_prepared[at.a_log + i] * prepared[at.a_log + i];
    transpose(d_logs.data(), c_.state_dim, inner, transposed_back.data() + at.a_log);
    transpose(d_prepared + at.conv_weight, c_.conv_width, inner, transposed_back.data() + at.conv_weight);
  }
  ops_.add(offsets_.size, transposed_back.data(), d_weights);
}

TrainedBlock::Rows TrainedBlock::rows_of(const Sequences& sequences, ImageRange images) const {
  const auto &first = sequences.images[images.first], &last = sequences.images[images.last - 1];
  return {first.begin, last.begin + last.length - first.begin};
}

ScanShape TrainedBlock::scan_shape(const Sequences::Sequence& sequence, int direction) const {
  return {sequence.scanned, c_.inner_dim(), c_.state_dim, c_.dt_rank + 2 * c_.state_dim, direction == 1};
}

// A sequence keeps fewer states than there are tiles from its first row to the next sequence's.
float* TrainedBlock::kept_states(const Sequences::Sequence& sequence, const BlockTape& tape,
                                 int direction) const {
  float* states = tape.states[direction];
  return states == nullptr
             ? nullptr
             : states + sequence.begin / kScanTile * scan_shape(sequence, direction).state_floats();
}

ScanInputs TrainedBlock::scan_inputs(const float* prepared, int direction, const float* projected,
                                     const BlockMemory& memory, std::size_t row) const {
  const ScanTensors<std::size_t>& at = offsets_.directions[direction];
  const std::size_t first = row * c_.inner_dim();
  return {memory.steps + first,   memory.u + first,
          projected + c_.dt_rank, projected + c_.dt_rank + c_.state_dim,
          prepared + at.a_log,    prepared + at.d};
}

void TrainedBlock::project(const float* prepared, const Sequences& sequences, ImageRange images,
                           const BlockTape& tape, int direction, bool known, BlockMemory& m) const {
  const Rows rows = rows_of(sequences, images);
  const int inner = c_.inner_dim(), width = c_.dt_rank + 2 * c_.state_dim;
  const ScanTensors<std::size_t>& at = offsets_.directions[direction];
  for (int b = images.first; b < images.last; ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    ops_.convolve({s.length, inner, c_.conv_width, 2 * inner, s.live, direction == 1},
                  tape.xz + offset(s.begin, 2 * inner), prepared + at.conv_weight, prepared + at.conv_bias,
                  m.u + offset(s.begin - rows.first, inner));
  }
  float* projected = tape.projected[direction] + offset(rows.first, width);
  if (!known)
    ops_.linear({rows.count, inner, width, inner}, m.u, prepared + at.x_proj, nullptr, false, projected);
  ops_.linear({rows.count, c_.dt_rank, inner, width}, projected, prepared + at.dt_weight,
              prepared + at.dt_bias, false, m.steps);
}

void TrainedBlock::decide(const float* prepared, int image, const float* seen, const BlockTape& tape,
                          const BlockNoise& noise) const {
  for (int direction = 0; direction < 2; ++direction) {
    const std::size_t i = 2 * static_cast<std::size_t>(image) + direction;
    if (!c_.block_selection) {
      tape.gates[i] = 1.0f;
      continue;
    }
    double logit = prepared[offsets_.head_bias + direction];
    const float* weight = prepared + offsets_.head_weight + offset(direction, 2 * c_.inner_dim());
    for (int j = 0; j < 2 * c_.inner_dim(); ++j) logit += static_cast<double>(weight[j]) * seen[j];
    // The difference of two Gumbel draws, -log e each.
    if (noise.first != nullptr) logit += std::log(noise.second[i]) - std::log(noise.first[i]);
    tape.gate_logits[i] = static_cast<float>(logit);
    tape.gates[i] = logit > 0.0 ? 1.0f : 0.0f;
  }
}

void TrainedBlock::decide_backward(const float* prepared, const float* d_logits, const float* seen,
                                   float* d_seen, float* d_prepared) const {
  const int inner = c_.inner_dim();
  for (int direction = 0; direction < 2; ++direction) {
    const float d_logit = d_logits[direction];
    const std::size_t head = offsets_.head_weight + offset(direction, 2 * inner);
    d_prepared[offsets_.head_bias + direction] += d_logit;
    for (int j = 0; j < 2 * inner; ++j) {
      d_prepared[head + j] += d_logit * seen[j];
      d_seen[j] += d_logit * prepared[head + j];
    }
  }
}

void TrainedBlock::take_mean(const float* prepared, const Sequences::Sequence& s, const float* normed,
                             BlockMemory& m) const {
  const int dim = c_.embed_dim, inner = c_.inner_dim();
  std::fill_n(m.mean, dim, 0.0f);
  for (int row = 0; row < s.live; ++row) ops_.add(dim, normed + offset(row, dim), m.mean);
  for (int d = 0; d < dim && s.live > 0; ++d) m.mean[d] /= static_cast<float>(s.live);
  ops_.linear({1, dim, 2 * inner, dim}, m.mean, prepared + offsets_.in_proj, nullptr, false, m.mean_xz);
}

void TrainedBlock::mean_backward(const float* prepared, const Sequences::Sequence& s, int row,
                                 const float* d_logits, float* d_mask, float* d_absent, float* d_prepared,
                                 BlockMemory& m) const {
  const int dim = c_.embed_dim, inner = c_.inner_dim();
  const LinearShape in{1, dim, 2 * inner, dim};
  const float* normed = m.normed + offset(row, dim);
  take_mean(prepared, s, normed, m);
  std::fill_n(m.d_mean_xz, 2 * inner, 0.0f);
  decide_backward(prepared, d_logits, m.mean_xz, m.d_mean_xz, d_prepared);
  if (s.live == 0) return;  // a mean of nothing
  ops_.linear_weight_gradient(in, m.d_mean_xz, m.mean, d_prepared + offsets_.in_proj, nullptr);
  ops_.linear_input_gradient(in, m.d_mean_xz, prepared + offsets_.in_proj, false, m.d_mean);
  for (int d = 0; d < dim; ++d) m.d_mean[d] /= static_cast<float>(s.live);
  for (int r = 0; r < s.live; ++r) ops_.add(dim, m.d_mean, m.d_normed + offset(row + r, dim));

  // mean = sum(mask normed) / sum(mask): its slope along a mask is (normed - mean) / sum(mask).
  double known = 0.0;
  for (int d = 0; d < dim; ++d) known += static_cast<double>(m.d_mean[d]) * m.mean[d];
  for (int r = 0; r < s.length && d_mask != nullptr; ++r) {
    double sum = 0.0;
    for (int d = 0; d < dim; ++d) sum += static_cast<double>(m.d_mean[d]) * normed[offset(r, dim) + d];
    d_mask[r] += static_cast<float>(sum - known);
  }
  for (int d = 0; d < dim && d_absent != nullptr; ++d)
    d_absent[d] += m.d_mean[d] * prepared[offsets_.norm + d];
  if (d_absent != nullptr) d_absent[dim] += static_cast<float>(known);
}

void TrainedBlock::forward(const float* prepared, const Sequences& sequences, ImageRange images,
                           const BlockTape& tape, const BlockNoise& noise, float* out, BlockMemory& m) const {
  const Rows rows = rows_of(sequences, images);
  const int dim = c_.embed_dim, inner = c_.inner_dim(), width = c_.dt_rank + 2 * c_.state_dim;
  const float* stream = tape.stream + offset(rows.first, dim);
  float* xz = tape.xz + offset(rows.first, 2 * inner);
  ops_.rms_norm(rows.count, dim, stream, prepared + offsets_.norm, m.normed);
  ops_.linear({rows.count, dim, 2 * inner, dim}, m.normed, prepared + offsets_.in_proj, nullptr, false, xz);
  for (int b = images.first; b < images.last; ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    const float* seen = nullptr;
    if (c_.block_selection && c_.dense()) {
      take_mean(prepared, s, m.normed + offset(s.begin - rows.first, dim), m);
      seen = m.mean_xz;
    } else if (c_.block_selection) {
      seen = tape.xz + offset(s.begin + s.class_row, 2 * inner);
    }
    decide(prepared, b, seen, tape, noise);
  }
  for (int direction = 0; direction < 2; ++direction) {
    project(prepared, sequences, images, tape, direction, false, m);
    for (int b = images.first; b < images.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      const std::size_t row = s.begin - rows.first;
      float* y = m.y[direction] + row * inner;
      const bool runs = tape.gates[2 * static_cast<std::size_t>(b) + direction] != 0.0f;
      if (runs)
        ops_.scan(
            scan_shape(s, direction),
            scan_inputs(prepared, direction, tape.projected[direction] + offset(s.begin, width), m, row), y,
            kept_states(s, tape, direction), m.scan);
      std::fill(y + (runs ? offset(s.scanned, inner) : 0), y + offset(s.length, inner), 0.0f);
    }
  }
  for (int b = images.first; b < images.last; ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    const std::size_t row = s.begin - rows.first, gate = 2 * static_cast<std::size_t>(b);
    ops_.gate({s.length, inner, 2 * inner, share() * tape.gates[gate], share() * tape.gates[gate + 1]},
              m.y[0] + row * inner, m.y[1] + row * inner, tape.xz + offset(s.begin, 2 * inner) + inner,
              m.gated + row * inner);
  }
  float* behind = out + offset(rows.first, dim);
  if (behind != stream) std::copy_n(stream, offset(rows.count, dim), behind);
  const LinearShape projection{rows.count, inner, dim, inner};
  if (tape.added == nullptr) {
    ops_.linear(projection, m.gated, prepared + offsets_.out_proj, nullptr, true, behind);
  } else {
    float* added = tape.added + offset(rows.first, dim);
    ops_.linear(projection, m.gated, prepared + offsets_.out_proj, nullptr, false, added);
    ops_.add(offset(rows.count, dim), added, behind);
  }
}

void TrainedBlock::backward(const float* prepared, const Sequences& sequences, ImageRange images,
                            const BlockTape& tape, const BlockGradients& gradients, float* d_prepared,
                            BlockMemory& m) const {
  const Rows rows = rows_of(sequences, images);
  const int dim = c_.embed_dim, inner = c_.inner_dim(), width = c_.dt_rank + 2 * c_.state_dim;
  const float* stream = tape.stream + offset(rows.first, dim);
  float *d_behind = gradients.d_stream + offset(rows.first, dim), *d_mask = gradients.d_mask;
  const float* d_sent = d_behind;  // to what the block adds
  if (tape.d_added != nullptr) {
    float* d_added = tape.d_added + offset(rows.first, dim);
    ops_.add(offset(rows.count, dim), d_behind, d_added);
    d_sent = d_added;
  }
  const LinearShape in{rows.count, dim, 2 * inner, dim}, out{rows.count, inner, dim, inner},
      projection{rows.count, inner, width, inner}, step{rows.count, c_.dt_rank, inner, width};

  ops_.linear_input_gradient(out, d_sent, prepared + offsets_.out_proj, false, m.d_gated);
  for (int b = images.first; b < images.last; ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    const std::size_t row = s.begin - rows.first;
    ops_.gate_sum_gradient({s.length, inner, 2 * inner, share(), share()}, m.d_gated + row * inner,
                           tape.xz + offset(s.begin, 2 * inner) + inner, m.d_sum + row * inner);
  }
  for (std::size_t i = 0; i < offset(rows.count, inner); ++i) m.d_sum[i] *= share();
  for (int r = 0; r < rows.count; ++r) std::fill_n(m.d_xz + offset(r, 2 * inner), inner, 0.0f);

  for (int direction = 0; direction < 2; ++direction) {
    const ScanTensors<std::size_t>& at = offsets_.directions[direction];
    float* projected = tape.projected[direction];
    project(prepared, sequences, images, tape, direction, true, m);
    std::fill_n(m.d_projected, offset(rows.count, width), 0.0f);
    bool any = false;
    for (int b = images.first; b < images.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      const std::size_t row = s.begin - rows.first, wide = row * inner, narrow = row * width;
      const ScanShape shape = scan_shape(s, direction);
      const ScanInputs inputs = scan_inputs(prepared, direction, projected + offset(s.begin, width), m, row);
      const std::size_t scanned = offset(s.scanned, inner), whole = offset(s.length, inner);
      const bool runs = tape.gates[2 * static_cast<std::size_t>(b) + direction] != 0.0f;
      any |= runs;
      if (runs)
        ops_.scan_gradient(
            shape, inputs, kept_states(s, tape, direction), m.d_sum + wide, m.y[direction] + wide,
            {m.d_steps + wide, m.d_u + wide, m.d_projected + narrow + c_.dt_rank,
             m.d_projected + narrow + c_.dt_rank + c_.state_dim, d_prepared + at.a_log, d_prepared + at.d},
            m.scan);
      else
        // What the decision would have let through.
        ops_.scan(shape, inputs, m.y[direction] + wide, nullptr, m.scan);
      std::fill(m.y[direction] + wide + scanned, m.y[direction] + wide + whole, 0.0f);
      const std::size_t known = runs ? scanned : 0;
      std::fill(m.d_steps + wide + known, m.d_steps + wide + whole, 0.0f);
      std::fill(m.d_u + wide + known, m.d_u + wide + whole, 0.0f);
    }
    if (!any) continue;
    ops_.linear_weight_gradient(step, m.d_steps, projected + offset(rows.first, width),
                                d_prepared + at.dt_weight, d_prepared + at.dt_bias);
    ops_.linear_input_gradient(step, m.d_steps, prepared + at.dt_weight, false, m.d_projected);
    ops_.linear_weight_gradient(projection, m.d_projected, m.u, d_prepared + at.x_proj, nullptr);
    ops_.linear_input_gradient(projection, m.d_projected, prepared + at.x_proj, true, m.d_u);
    for (int b = images.first; b < images.last; ++b) {
      const Sequences::Sequence& s = sequences.images[b];
      if (tape.gates[2 * static_cast<std::size_t>(b) + direction] == 0.0f) continue;
      const int row = s.begin - rows.first;
      ops_.convolve_gradient({s.length, inner, c_.conv_width, 2 * inner, s.live, direction == 1},
                             tape.xz + offset(s.begin, 2 * inner), prepared + at.conv_weight,
                             prepared + at.conv_bias, m.d_u + offset(row, inner),
                             m.d_xz + offset(row, 2 * inner), d_prepared + at.conv_weight,
                             d_prepared + at.conv_bias, d_mask != nullptr ? d_mask + s.begin : nullptr);
    }
  }

  for (int b = images.first; b < images.last; ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    const int row = s.begin - rows.first;
    const std::size_t gate = 2 * static_cast<std::size_t>(b);
    const float* z = tape.xz + offset(s.begin, 2 * inner) + inner;
    double d_weights[2];
    ops_.gate_gradient(
        {s.length, inner, 2 * inner, share() * tape.gates[gate], share() * tape.gates[gate + 1]},
        m.d_gated + offset(row, inner), m.y[0] + offset(row, inner), m.y[1] + offset(row, inner), z,
        m.gated + offset(row, inner), m.d_xz + offset(row, 2 * inner) + inner, d_weights);
    float* d_logits = m.d_gate_logits + offset(b - images.first, 2);
    for (int direction = 0; direction < 2 && c_.block_selection; ++direction) {
      // Straight through the decision to the sigmoid of logit / temperature.
      const double soft = 1.0 / (1.0 + std::exp(-tape.gate_logits[gate + direction] / kBlockTemperature));
      d_logits[direction] = static_cast<float>((share() * d_weights[direction] + gradients.d_gates) * soft *
                                               (1.0 - soft) / kBlockTemperature);
    }
    if (c_.block_selection && !c_.dense())
      decide_backward(prepared, d_logits, tape.xz + offset(s.begin + s.class_row, 2 * inner),
                      m.d_xz + offset(row + s.class_row, 2 * inner), d_prepared);
  }

  ops_.linear_weight_gradient(out, d_sent, m.gated, d_prepared + offsets_.out_proj, nullptr);
  ops_.rms_norm(rows.count, dim, stream, prepared + offsets_.norm, m.normed);
  ops_.linear_weight_gradient(in, m.d_xz, m.normed, d_prepared + offsets_.in_proj, nullptr);
  ops_.linear_input_gradient(in, m.d_xz, prepared + offsets_.in_proj, false, m.d_normed);
  for (int b = images.first; b < images.last && c_.block_selection && c_.dense(); ++b) {
    const Sequences::Sequence& s = sequences.images[b];
    float* d_absent = gradients.d_absent;
    mean_backward(prepared, s, s.begin - rows.first, m.d_gate_logits + offset(b - images.first, 2),
                  d_mask == nullptr ? nullptr : d_mask + s.begin,
                  d_absent == nullptr ? nullptr : d_absent + offset(b, dim + 1), d_prepared, m);
  }
  ops_.rms_norm_gradient(rows.count, dim, stream, prepared + offsets_.norm, m.d_normed, d_behind,
                         d_prepared + offsets_.norm);
}

}  // namespace winnow::train
