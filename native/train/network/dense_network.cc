#include "train/network/dense_network.h"

#include <algorithm>

namespace winnow::train {
namespace {

// Blocks whose `added` some map shows: tapped ones, and those before a stage that drops patches.
std::vector<int> shown_blocks(const DyvmConfig& c) {
  std::vector<int> blocks;
  const auto taps = c.taps();
  if (taps.empty()) return blocks;
  blocks.assign(taps.begin(), taps.end());
  for (int layer : c.pruning_layers)
    if (layer > 0 && layer <= taps.back()) blocks.push_back(layer - 1);
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  return blocks;
}

}  // namespace

Result<std::unique_ptr<DenseNetwork>> DenseNetwork::create(const DyvmConfig& config, Operations& operations) {
  const auto refused = [](const char* expected) { return Error{ErrorCode::bad_argument, expected}; };
  if (!config.dense() || !config.family->is_trained || !config.family->is_backbone)
    return refused(
        "Expected a segmentation or detection model on a Vim: there is no map to learn in others.");
  if (config.rotary)
    return refused(
        "Expected a model whose tokens are not rotated by their positions: such backbones, of imported "
        "detectors, cannot be trained.");
  if (config.image_size != config.trained_size)
    return refused("Expected pictures of the size that the model's manifest states, to train at.");
  if (!config.pruning_layers.empty() && config.embed_dim % 4 != 0)
    return refused("Expected embedDim to be a multiple of 4 in a model that prunes.");
  return std::unique_ptr<DenseNetwork>(new DenseNetwork(config, operations));
}

DenseNetwork::DenseNetwork(const DyvmConfig& config, Operations& operations)
    : c_(config),
      ops_(operations),
      table_(config),
      backbone_(config, table_, operations, true, shown_blocks(config)) {
  maps_.resize(std::max<std::size_t>(1, c_.taps().size()));
}

int DenseNetwork::segment_of_map(int map) const {
  return backbone_.segment_of(c_.taps().empty() ? c_.depth - 1 : c_.taps()[map]);
}

int DenseNetwork::block_of(int map, int segment) const {
  if (c_.taps().empty()) return -1;
  return segment < segment_of_map(map) ? c_.pruning_layers[segment] - 1 : c_.taps()[map];
}

template <typename Visit>
void DenseNetwork::for_patches(int map, int image, const Visit& visit) const {
  const std::size_t first = offset(image, c_.patches());
  const int last = segment_of_map(map);
  for (int segment = 0; segment < last; ++segment) {
    const Stage& stage = backbone_.stages()[segment];
    for (int i = stage.after[image]; i < stage.before[image]; ++i)
      visit(segment, stage.order[first + i], stage.positions[first + i]);
  }
  const int kept = last == 0 ? c_.patches() : backbone_.stages()[last - 1].after[image];
  for (int i = 0; i < kept; ++i)
    visit(last, i, last == 0 ? i : backbone_.stages()[last - 1].positions[first + i]);
}

void DenseNetwork::forward(const std::vector<float>& weights, const float* images, int count,
                           const StepNoise* noise) {
  backbone_.forward(weights, images, count, noise);
  const int dim = c_.embed_dim, patches = c_.patches();
  for (int map = 0; map < static_cast<int>(maps_.size()); ++map) {
    fit(maps_[map], offset(count, patches * dim));
    backbone_.parts().run([&](ImageRange range, int, int) {
      for (int b = range.first; b < range.last; ++b)
        for_patches(map, b, [&](int segment, int i, int position) {
          const int block = block_of(map, segment),
                    row = backbone_.sequences(segment).images[b].row_of_patch(i);
          const float* from = block >= 0 ? backbone_.added(block) + offset(row, dim)
                              : segment == segment_of_map(map)
                                  ? backbone_.final_stream() + offset(row, dim)
                                  : backbone_.stages()[segment].rows.data() + offset(b * patches + i, dim);
          std::copy_n(from, dim, maps_[map].data() + offset(b * patches + position, dim));
        });
    });
  }
}

void DenseNetwork::backward(const std::vector<float>& weights, const std::vector<AlignedFloats>& d_maps,
                            const DecisionGradients& decisions, std::vector<float>& gradients) {
  const int dim = c_.embed_dim, patches = c_.patches(), count = backbone_.images();
  float* d_final = backbone_.d_final();
  std::fill_n(d_final, offset(backbone_.sequences().rows, dim), 0.0f);
  d_dropped_.assign(offset(count, patches * dim), 0.0f);
  for (int map = 0; map < static_cast<int>(maps_.size()); ++map)
    backbone_.parts().run([&](ImageRange range, int, int) {
      for (int b = range.first; b < range.last; ++b)
        for_patches(map, b, [&](int segment, int i, int position) {
          const int block = block_of(map, segment),
                    row = backbone_.sequences(segment).images[b].row_of_patch(i);
          const std::size_t at = offset(b * patches + position, dim);
          float* to = block >= 0                       ? backbone_.d_added(block) + offset(row, dim)
                      : segment == segment_of_map(map) ? d_final + offset(row, dim)
                                                       : d_dropped_.data() + at;
          ops_.add(dim, d_maps[map].data() + at, to);
        });
    });
  backbone_.backward(weights, decisions, d_dropped_.data(), gradients);
}

std::size_t DenseNetwork::bytes() const {
  std::size_t total = backbone_.bytes() + d_dropped_.capacity() * sizeof(float);
  for (const AlignedFloats& map : maps_) total += map.capacity() * sizeof(float);
  return total;
}

}  // namespace winnow::train
