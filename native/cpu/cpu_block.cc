#include "cpu/cpu_block.h"

#include <algorithm>
#include <cmath>

#include "cpu/isa.h"

namespace winnow::cpu {
namespace {

constexpr int kLargestTile = 64;   // rows: enough for oneDNN's speed, few enough to stay in a core's cache
constexpr int kTileRows = 16;      // of a matrix tile of the processor
constexpr int kScanChannels = 64;  // channels of one scan task: one cache line of 16 for each of 4 passes

// Channels of y, a twelfth of them, that int8 gives a scale of their own: the gated channels of a token
// differ much in size, and with one scale for all the small ones would be lost.
int group_width(int channels) { return padded((channels + 11) / 12); }

// weight [rows, columns] with zeros added to [padded_rows, padded_columns], times `scale`.
AlignedBuffer pad(const float* weight, int rows, int columns, int padded_rows, int padded_columns,
                  float scale = 1.0f) {
  AlignedBuffer out(static_cast<std::size_t>(padded_rows) * padded_columns);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      out.data()[static_cast<std::size_t>(r) * padded_columns + c] =
          weight[static_cast<std::size_t>(r) * columns + c] * scale;
  return out;
}

// The table of kernels.h from values [channels, values].
AlignedBuffer table(const float* values, int channels, int count) {
  AlignedBuffer out(static_cast<std::size_t>(padded(channels)) * count);
  for (int e = 0; e < channels; ++e)
    for (int i = 0; i < count; ++i) out.data()[table_offset(e, count) + i * kLanes] = values[e * count + i];
  return out;
}

}  // namespace

RowTiles::RowTiles(int rows, int unit)
    : rows_(rows), unit_(unit), units_((rows + unit - 1) / unit), tiles_(1) {
  const int most = std::max(1, kLargestTile / unit);  // units in a tile
  tiles_ = std::max(1, (units_ + most - 1) / most);
}

Result<std::unique_ptr<CpuBlock>> CpuBlock::create(const BlockWeights& w, Precision precision) {
  std::unique_ptr<CpuBlock> block(new CpuBlock);
  // Without instructions for bf16, what int8 leaves to it is fp32.
  const auto native = native_precisions();
  const bool has_bf16 = std::find(native.begin(), native.end(), Precision::bf16) != native.end();
  if (precision != Precision::fp32 && has_bf16) block->element_ = Element::bf16;
  block->in_ = block->out_ = precision == Precision::int8 ? Element::int8 : block->element_;
  if (has_bf16 && has_tiles()) {
    // Tiles multiply bf16 so fast that out_proj in groups of int8 channels would take longer.
    block->out_ = block->element_;
    if (block->element_ == Element::bf16) block->row_unit_ = kTileRows;
  }
  const int inner = w.inner_dim, dim = w.embed_dim;
  block->dim_ = dim;
  block->channels_ = padded(inner);
  block->states_ = w.state_dim;
  block->width_ = w.dt_rank + 2 * w.state_dim;
  block->norm_epsilon_ = w.norm_epsilon;
  block->norm_ = pad(w.norm, 1, dim, 1, dim);
  const std::vector<float> ones(dim, 1.0f);
  block->row_norm_ = pad(block->in_ == Element::int8 ? ones.data() : w.norm, 1, dim, 1, dim);
  block->gated_ = w.gate != nullptr;
  if (block->gated_) {
    block->gate_ = pad(w.gate, 2, dim, 2, dim);
    float* normed_gate = block->normed_gate_.reserve(2ull * dim);
    for (int i = 0; i < 2 * dim; ++i) normed_gate[i] = w.gate[i] * w.norm[i % dim];
    std::copy_n(w.gate_bias, 2, block->gate_bias_);
  }

  const int channels = block->channels_;
  // Rows are quantised before the norm's weight, which would widen their range, goes over to in_proj.
  const bool int8 = block->in_ == Element::int8;
  const AlignedBuffer in_x = pad(w.in_proj, inner, dim, channels, dim);
  const AlignedBuffer in_z =
      pad(w.in_proj + static_cast<std::size_t>(inner) * dim, inner, dim, channels, dim);
  for (float* half : {in_x.data(), in_z.data()})
    for (std::size_t i = 0; int8 && i < static_cast<std::size_t>(inner) * dim; ++i)
      half[i] *= w.norm[i % dim];
  const AlignedBuffer out = pad(w.out_proj, dim, inner, dim, channels, w.output_scale);
  const bool grouped = block->out_ == Element::int8;
  const PackedLinear::Types in_types{block->in_, block->element_, false};
  const PackedLinear::Types out_types{block->out_, Element::fp32, !grouped};
  const auto keep = [](auto& place, auto made) -> Status {
    if (!made) return made.error();
    place = std::move(*made);
    return ok();
  };
  for (const Status& status :
       {keep(block->in_x_, PackedLinear::create(in_x.data(), nullptr, channels, dim, in_types)),
        keep(block->in_z_, PackedLinear::create(in_z.data(), nullptr, channels, dim, in_types)),
        block->pack(w.forward, w, block->directions_[0]), block->pack(w.backward, w, block->directions_[1])})
    if (!status) return status.error();
  const int width = grouped ? group_width(channels) : channels;
  for (int first = 0; first < channels; first += width) {
    const int count = std::min(width, channels - first);
    AlignedBuffer group(static_cast<std::size_t>(dim) * count);
    for (int d = 0; d < dim; ++d)
      std::copy_n(out.data() + static_cast<std::size_t>(d) * channels + first, count,
                  group.data() + static_cast<std::size_t>(d) * count);
    const Status packed = keep(block->out_groups_.emplace_back(),
                               PackedLinear::create(group.data(), nullptr, dim, count, out_types));
    if (!packed) return packed.error();
  }
  return block;
}

Status CpuBlock::pack(const ScanWeights& w, const BlockWeights& s, Direction& direction) const {
  const int inner = s.inner_dim, channels = padded(inner), width = s.dt_rank + 2 * s.state_dim;
  direction.conv_weight = table(w.conv_weight, inner, s.conv_width);
  direction.conv_bias = pad(w.conv_bias, 1, inner, 1, channels);
  direction.dt_weight = table(w.dt_weight, inner, s.dt_rank);
  direction.dt_bias = pad(w.dt_bias, 1, inner, 1, channels);
  direction.d = pad(w.d, 1, inner, 1, channels);
  std::vector<float> decay(static_cast<std::size_t>(inner) * s.state_dim);
  for (std::size_t i = 0; i < decay.size(); ++i)
    decay[i] = static_cast<float>(-std::exp(static_cast<double>(w.a_log[i])) * 1.44269504088896340736);
  direction.decay = table(decay.data(), inner, s.state_dim);
  float* steepest = direction.steepest.reserve(channels);
  for (int e = 0; e < inner; ++e)
    steepest[e] = *std::min_element(&decay[e * s.state_dim], &decay[e * s.state_dim] + s.state_dim);
  direction.parameters = {direction.conv_weight.data(),
                          direction.conv_bias.data(),
                          direction.dt_weight.data(),
                          direction.dt_bias.data(),
                          direction.decay.data(),
                          direction.steepest.data(),
                          direction.d.data(),
                          channels,
                          s.conv_width,
                          s.dt_rank,
                          s.state_dim};
  const AlignedBuffer x_proj = pad(w.x_proj, width, inner, width, channels);
  auto packed =
      PackedLinear::create(x_proj.data(), nullptr, width, channels, {element_, Element::fp32, false});
  if (!packed) return packed.error();
  direction.x_proj = std::move(*packed);
  return ok();
}

void CpuBlock::prepare(const RowTiles& tiles, int images, int threads, BlockScratch& scratch) const {
  const std::size_t rows = static_cast<std::size_t>(images) * tiles.padded_rows();
  const std::size_t tile = static_cast<std::size_t>(threads) * tiles.largest();
  scratch.x.reserve(rows * channels_);
  scratch.z.reserve(rows * channels_);
  scratch.scales.reserve(rows);
  for (int direction = 0; direction < 2; ++direction) {
    scratch.u[direction].reserve(rows * channels_);
    scratch.projected[direction].reserve(rows * width_);
  }
  scratch.normed.reserve((tile + threads) * dim_);
  scratch.states.reserve(static_cast<std::size_t>(threads) * states_ * kScanChannels);
  scratch.sums.reserve(static_cast<std::size_t>(threads) * tiles.padded_rows() * kScanChannels);
  scratch.quantised.reserve<std::int8_t>(tile * std::max(dim_, channels_));
  scratch.row_scales.reserve(tile);
  scratch.product.reserve(tile * dim_);
  scratch.gate_sums.reserve<double>(2ull * images * tiles.count());
  scratch.active.reserve(images);
  scratch.scans.reserve(2 * images);
  tiles.for_each_size([&](int size) {
    for (PackedLinear* linear :
         {in_x_.get(), in_z_.get(), directions_[0].x_proj.get(), directions_[1].x_proj.get()})
      linear->prepare(size, threads);
    for (const auto& group : out_groups_) group->prepare(size, threads);
  });
}

const void* CpuBlock::norm_rows(const float* stream, int rows, int tile, int thread, BlockScratch& scratch,
                                float* scales) const {
  float* normed = scratch.normed.data() + static_cast<std::size_t>(thread) * (tile + 1) * dim_;
  if (in_ == Element::bf16) {
    rms_norm(stream, row_norm_.data(), norm_epsilon_, rows, dim_, reinterpret_cast<BFloat16*>(normed));
    return normed;
  }
  rms_norm(stream, row_norm_.data(), norm_epsilon_, rows, dim_, normed);
  if (in_ == Element::fp32) return normed;
  std::int8_t* quantised = scratch.quantised.as<std::int8_t>() +
                           static_cast<std::size_t>(thread) * tile * std::max(dim_, channels_);
  quantise(normed, rows, dim_, dim_, quantised, scales);
  return quantised;
}

template <typename T>
void CpuBlock::project_out(const T* y, int rows, int padded_rows, int tile, int thread, BlockScratch& scratch,
                           float* stream) const {
  float* product = scratch.product.data() + static_cast<std::size_t>(thread) * tile * dim_;
  if (out_ != Element::int8) {
    if (rows == padded_rows) return out_groups_[0]->run(rows, y, stream, thread);
    const std::size_t values = static_cast<std::size_t>(rows) * dim_;
    std::copy_n(stream, values, product);  // the padding would run into the next image
    out_groups_[0]->run(padded_rows, y, product, thread);
    std::copy_n(product, values, stream);
    return;
  }
  std::int8_t* quantised = scratch.quantised.as<std::int8_t>() +
                           static_cast<std::size_t>(thread) * tile * std::max(dim_, channels_);
  float* scales = scratch.row_scales.data() + static_cast<std::size_t>(thread) * tile;
  for (std::size_t g = 0; g < out_groups_.size(); ++g) {
    quantise(y + g * group_width(channels_), rows, out_groups_[g]->inputs, channels_, quantised, scales);
    out_groups_[g]->run(padded_rows, quantised, product, thread);
    add_scaled_rows(product, scales, rows, dim_, stream);
  }
}

std::uint8_t CpuBlock::choose_directions(const float* stream, const SpecialTokens& special, float threshold,
                                         float* normed, float* logits) const {
  if (!gated_) return kForward | kBackward;
  float sums[2] = {};
  for (int token = 0; token < special.count; ++token) {
    rms_norm(stream + special.row(token) * dim_, norm_.data(), norm_epsilon_, 1, dim_, normed);
    for (int i = 0; i < 2; ++i) sums[i] += dot(gate_.data() + i * dim_, normed, dim_);
  }
  for (float& sum : sums) sum /= static_cast<float>(special.count);
  return choose_directions(sums, threshold, logits);
}

std::uint8_t CpuBlock::choose_directions(const float means[2], float threshold, float* logits) const {
  std::uint8_t directions = 0;
  for (int i = 0; i < 2; ++i) {
    const float logit = means[i] + gate_bias_[i];
    if (logits != nullptr) logits[i] = logit;
    if (1.0f / (1.0f + std::exp(-logit)) > threshold) directions |= i == 0 ? kForward : kBackward;
  }
  return directions;
}

void CpuBlock::sum_gates(ThreadPool& pool, const RowTiles& tiles, BlockScratch& scratch,
                         OperationTimes& times, Tensor stream) const {
  pool.run(stream.extent(0) * tiles.count(), [&](int task, int thread) {
    OperationTimes::Task time(times, thread);
    const int b = task / tiles.count(), begin = tiles.begin(task % tiles.count());
    const int rows = tiles.end(task % tiles.count()) - begin;
    double* sums = scratch.gate_sums.as<double>() + 2 * task;
    sums[0] = sums[1] = 0.0;
    add_gate_sums(stream.at(b) + static_cast<std::size_t>(begin) * dim_, normed_gate_.data(), norm_epsilon_,
                  rows, dim_, sums);
    time.end(Operation::norm);
  });
}

template <typename T>
void CpuBlock::run_as(ThreadPool& pool, BlockScratch& scratch, OperationTimes& times,
                      const SpecialTokens& special, float threshold, const BlockOperands& operands) const {
  const auto& [stream, directions, gate_logits, added] = operands;
  const int images = stream.extent(0), tokens = stream.extent(1);
  const RowTiles tiles(tokens, row_unit_);
  prepare(tiles, images, pool.threads(), scratch);
  const int tile = tiles.largest();
  // Row `row` of image `b` in a buffer of `width` columns.
  const auto at = [padded = tiles.padded_rows()](auto* first, int b, int row, int width) {
    return first + (static_cast<std::size_t>(b) * padded + row) * width;
  };
  T* const x = scratch.x.as<T>();
  T* const z = scratch.z.as<T>();
  T* const u[] = {scratch.u[0].as<T>(), scratch.u[1].as<T>()};
  float* const projected[] = {scratch.projected[0].data(), scratch.projected[1].data()};
  float* const scales = in_ == Element::int8 ? scratch.scales.data() : nullptr;
  const auto scales_of = [&](int b) { return scales == nullptr ? nullptr : at(scales, b, 0, 1); };

  // Where special tokens decide, every tile of an image does it anew: cheaper than waiting for one that does.
  const bool all_decide = gated_ && special.count == 0;
  if (all_decide) sum_gates(pool, tiles, scratch, times, stream);
  const auto choose = [&](int b, float* row, float* logits) {
    if (!all_decide) return choose_directions(stream.at(b), special, threshold, row, logits);
    float means[2];
    for (int i = 0; i < 2; ++i) {
      double sum = 0.0;
      for (int t = 0; t < tiles.count(); ++t)
        sum += scratch.gate_sums.as<double>()[2 * (b * tiles.count() + t) + i];
      means[i] = static_cast<float>(sum / tokens);
    }
    return choose_directions(means, threshold, logits);
  };
  pool.run(images * tiles.count(), [&](int task, int thread) {
    OperationTimes::Task time(times, thread);
    const int b = task / tiles.count(), index = task % tiles.count(), begin = tiles.begin(index);
    float* special_row =
        scratch.normed.data() + (static_cast<std::size_t>(thread + 1) * (tile + 1) - 1) * dim_;
    float* logits = gate_logits.data() == nullptr || begin != 0 ? nullptr : gate_logits.at(b);
    const std::uint8_t chosen = choose(b, special_row, logits);
    if (begin == 0) directions.data()[b] = chosen;
    if (chosen != 0) {
      const void* rows = norm_rows(stream.at(b) + begin * dim_, tiles.end(index) - begin, tile, thread,
                                   scratch, scales == nullptr ? nullptr : at(scales, b, begin, 1));
      time.end(Operation::norm);
      const int count = tiles.padded_end(index) - begin;
      in_x_->run(count, rows, at(x, b, begin, channels_), thread);
      in_z_->run(count, rows, at(z, b, begin, channels_), thread);
      time.end(Operation::in_proj);
    } else {
      time.end(Operation::norm);
    }
  });

  scratch.active.clear();
  scratch.scans.clear();
  for (int b = 0; b < images; ++b) {
    if (directions.data()[b] != 0) scratch.active.push_back(b);
    for (int direction = 0; direction < 2; ++direction)
      if (directions.data()[b] & (direction == 0 ? kForward : kBackward))
        scratch.scans.push_back(2 * b + direction);
  }
  const int active = static_cast<int>(scratch.active.size()), scans = static_cast<int>(scratch.scans.size());

  pool.run(scans * tiles.count(), [&](int task, int thread) {
    OperationTimes::Task time(times, thread);
    const int scan = scratch.scans[task / tiles.count()], b = scan / 2, direction = scan % 2;
    const int index = task % tiles.count(), begin = tiles.begin(index);
    const ConvolutionRange range{tokens, begin, tiles.end(index), direction == 1, scales_of(b)};
    convolve(directions_[direction].parameters, range, at(x, b, 0, channels_),
             at(u[direction], b, 0, channels_));
    time.end(Operation::convolve);
    directions_[direction].x_proj->run(tiles.padded_end(index) - begin, at(u[direction], b, begin, channels_),
                                       at(projected[direction], b, begin, width_), thread);
    time.end(Operation::x_proj);
  });

  const int pieces = (channels_ + kScanChannels - 1) / kScanChannels;
  pool.run(active * pieces, [&](int task, int thread) {
    OperationTimes::Task time(times, thread);
    const int b = scratch.active[task / pieces], begin = task % pieces * kScanChannels;
    const int end = std::min(channels_, begin + kScanChannels);
    const std::uint8_t on = directions.data()[b];
    // y takes the place of x, which only the convolution needed.
    float* sums = on == (kForward | kBackward)
                      ? scratch.sums.data() + static_cast<std::size_t>(thread) * tokens * kScanChannels
                      : nullptr;
    float* states = scratch.states.data() + static_cast<std::size_t>(thread) * states_ * kScanChannels;
    for (int direction = 0; direction < 2; ++direction) {
      if (!(on & (direction == 0 ? kForward : kBackward))) continue;
      const bool first_of_two = direction == 0 && sums != nullptr;
      const ScanRange range{tokens,       begin, end, direction == 1, at(projected[direction], b, 0, width_),
                            scales_of(b), states};
      scan(directions_[direction].parameters, range, at(u[direction], b, 0, channels_), sums,
           first_of_two ? nullptr : at(z, b, 0, channels_), first_of_two ? nullptr : at(x, b, 0, channels_));
    }
    time.end(Operation::scan);
  });

  pool.run(active * tiles.count(), [&](int task, int thread) {
    OperationTimes::Task time(times, thread);
    const int b = scratch.active[task / tiles.count()], index = task % tiles.count();
    const int begin = tiles.begin(index), rows = tiles.end(index) - begin;
    float* target = stream.at(b) + static_cast<std::size_t>(begin) * dim_;
    const auto project = [&](float* to) {
      project_out(at(x, b, begin, channels_), rows, tiles.padded_end(index) - begin, tile, thread, scratch,
                  to);
    };
    if (added.data() == nullptr) {
      project(target);
    } else {
      float* hidden = added.at(b) + static_cast<std::size_t>(begin) * dim_;
      std::fill_n(hidden, static_cast<std::size_t>(rows) * dim_, 0.0f);
      project(hidden);
      add(hidden, target, rows * dim_);
    }
    time.end(Operation::out_proj);
  });
  for (int b = 0; b < images && added.data() != nullptr; ++b)
    if (directions.data()[b] == 0) std::fill_n(added.at(b), static_cast<std::size_t>(tokens) * dim_, 0.0f);
}

void CpuBlock::run(ThreadPool& pool, BlockScratch& scratch, OperationTimes& times,
                   const SpecialTokens& special, float threshold, const BlockOperands& operands) const {
  if (element_ == Element::bf16)
    run_as<BFloat16>(pool, scratch, times, special, threshold, operands);
  else
    run_as<float>(pool, scratch, times, special, threshold, operands);
}

}  // namespace winnow::cpu
