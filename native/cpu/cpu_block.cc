#include "cpu/cpu_block.h"

#include <algorithm>
#include <cmath>

namespace winnow::cpu {
namespace {

constexpr int kLargestTile = 64;   // rows: enough for oneDNN's speed, few enough to stay in a core's cache
constexpr int kScanChannels = 64;  // channels of one scan task: one cache line of 16 for each of 4 passes

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
    for (int i = 0; i < count; ++i) out.data()[table_place(e, count) + i * kLanes] = values[e * count + i];
  return out;
}

}  // namespace

RowTiles::RowTiles(int row_count) : rows(row_count) {
  const int tiles = std::max(1, (rows + kLargestTile - 1) / kLargestTile);
  size = std::max(1, (rows + tiles - 1) / tiles);
}

Result<std::unique_ptr<CpuBlock>> CpuBlock::create(const BlockWeights& w) {
  std::unique_ptr<CpuBlock> block(new CpuBlock);
  const int inner = w.inner_dim, dim = w.embed_dim;
  block->dim_ = dim;
  block->channels_ = padded(inner);
  block->states_ = w.state_dim;
  block->width_ = w.dt_rank + 2 * w.state_dim;
  block->norm_epsilon_ = w.norm_epsilon;
  block->norm_ = pad(w.norm, 1, dim, 1, dim);
  block->gated_ = w.gate != nullptr;
  if (block->gated_) {
    block->gate_ = pad(w.gate, 2, dim, 2, dim);
    std::copy_n(w.gate_bias, 2, block->gate_bias_);
  }

  const int channels = block->channels_;
  const AlignedBuffer in_x = pad(w.in_proj, inner, dim, channels, dim);
  const AlignedBuffer in_z =
      pad(w.in_proj + static_cast<std::size_t>(inner) * dim, inner, dim, channels, dim);
  const AlignedBuffer out = pad(w.out_proj, dim, inner, dim, channels, w.output_scale);
  const auto keep = [](auto& place, auto made) -> Status {
    if (!made) return made.error();
    place = std::move(*made);
    return ok();
  };
  for (const Status& status :
       {keep(block->in_x_, PackedLinear::create(in_x.data(), nullptr, channels, dim)),
        keep(block->in_z_, PackedLinear::create(in_z.data(), nullptr, channels, dim)),
        keep(block->out_, PackedLinear::create(out.data(), nullptr, dim, channels, true)),
        pack(w.forward, w, block->directions_[0]), pack(w.backward, w, block->directions_[1])})
    if (!status) return status.error();
  return block;
}

Status CpuBlock::pack(const ScanWeights& w, const BlockWeights& s, Direction& direction) {
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
  auto packed = PackedLinear::create(x_proj.data(), nullptr, width, channels);
  if (!packed) return packed.error();
  direction.x_proj = std::move(*packed);
  return ok();
}

void CpuBlock::prepare(const RowTiles& tiles, int images, int threads, BlockScratch& scratch) const {
  const std::size_t rows = static_cast<std::size_t>(images) * tiles.rows;
  scratch.x.reserve(rows * channels_);
  scratch.z.reserve(rows * channels_);
  for (int direction = 0; direction < 2; ++direction) {
    scratch.u[direction].reserve(rows * channels_);
    scratch.projected[direction].reserve(rows * width_);
  }
  scratch.normed.reserve(static_cast<std::size_t>(threads) * (tiles.size + 1) * dim_);
  scratch.states.reserve(static_cast<std::size_t>(threads) * states_ * kScanChannels);
  scratch.active.reserve(images);
  scratch.scans.reserve(2 * images);
  tiles.for_each_size([&](int size) {
    for (PackedLinear* linear :
         {in_x_.get(), in_z_.get(), out_.get(), directions_[0].x_proj.get(), directions_[1].x_proj.get()})
      linear->prepare(size, threads);
  });
}

std::uint8_t CpuBlock::choose_directions(const float* class_token, float threshold, float* logits) const {
  if (!gated_) return kForward | kBackward;
  std::uint8_t directions = 0;
  for (int i = 0; i < 2; ++i) {
    const float logit = dot(gate_.data() + i * dim_, class_token, dim_) + gate_bias_[i];
    if (logits != nullptr) logits[i] = logit;
    if (1.0f / (1.0f + std::exp(-logit)) > threshold) directions |= i == 0 ? kForward : kBackward;
  }
  return directions;
}

void CpuBlock::run(ThreadPool& pool, BlockScratch& scratch, int class_index, float threshold, Tensor stream,
                   TensorView<std::uint8_t> directions, Tensor gate_logits) const {
  const int images = stream.extent(0), tokens = stream.extent(1);
  const RowTiles tiles(tokens);
  prepare(tiles, images, pool.threads(), scratch);
  // Row `row` of image `b` in a buffer of `width` columns.
  const auto at = [tokens](const AlignedBuffer& buffer, int b, int row, int width) {
    return buffer.data() + (static_cast<std::size_t>(b) * tokens + row) * width;
  };

  // Every tile of an image decides its directions anew: cheaper than waiting for one that does.
  pool.run(images * tiles.count(), [&](int task, int thread) {
    const int b = task / tiles.count(), begin = tiles.begin(task % tiles.count()),
              end = tiles.end(task % tiles.count());
    float* normed = scratch.normed.data() + static_cast<std::size_t>(thread) * (tiles.size + 1) * dim_;
    float* class_token = normed + static_cast<std::size_t>(tiles.size) * dim_;
    rms_norm(stream.at(b) + class_index * dim_, norm_.data(), norm_epsilon_, 1, dim_, class_token);
    float* logits = gate_logits.data() == nullptr || begin != 0 ? nullptr : gate_logits.at(b);
    const std::uint8_t chosen = choose_directions(class_token, threshold, logits);
    if (begin == 0) directions.data()[b] = chosen;
    if (chosen == 0) return;
    rms_norm(stream.at(b) + begin * dim_, norm_.data(), norm_epsilon_, end - begin, dim_, normed);
    in_x_->run(end - begin, normed, at(scratch.x, b, begin, channels_), thread);
    in_z_->run(end - begin, normed, at(scratch.z, b, begin, channels_), thread);
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
    const int b = scratch.scans[task / tiles.count()] / 2,
              direction = scratch.scans[task / tiles.count()] % 2;
    const int begin = tiles.begin(task % tiles.count()), end = tiles.end(task % tiles.count());
    const AlignedBuffer& u = scratch.u[direction];
    convolve(directions_[direction].parameters, at(scratch.x, b, 0, channels_), tokens, begin, end,
             direction == 1, at(u, b, 0, channels_));
    directions_[direction].x_proj->run(end - begin, at(u, b, begin, channels_),
                                       at(scratch.projected[direction], b, begin, width_), thread);
  });

  const int pieces = (channels_ + kScanChannels - 1) / kScanChannels;
  pool.run(active * pieces, [&](int task, int thread) {
    const int b = scratch.active[task / pieces], begin = task % pieces * kScanChannels;
    const int end = std::min(channels_, begin + kScanChannels);
    const std::uint8_t on = directions.data()[b];
    const float* z = at(scratch.z, b, 0, channels_);
    float* y = at(scratch.x, b, 0, channels_);
    for (int direction = 0; direction < 2; ++direction) {
      if (!(on & (direction == 0 ? kForward : kBackward))) continue;
      const bool last = direction == 1 || on == kForward;
      scan(directions_[direction].parameters, at(scratch.u[direction], b, 0, channels_),
           at(scratch.projected[direction], b, 0, width_), tokens, direction == 1, begin, end,
           /*accumulate=*/direction == 1 && (on & kForward), last ? z : nullptr, y,
           scratch.states.data() + static_cast<std::size_t>(thread) * states_ * kScanChannels);
    }
  });

  pool.run(active * tiles.count(), [&](int task, int thread) {
    const int b = scratch.active[task / tiles.count()], begin = tiles.begin(task % tiles.count());
    out_->run(tiles.end(task % tiles.count()) - begin, at(scratch.x, b, begin, channels_),
              stream.at(b) + begin * dim_, thread);
  });
}

}  // namespace winnow::cpu
