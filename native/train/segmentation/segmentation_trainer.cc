#include "train/segmentation/segmentation_trainer.h"

#include <algorithm>
#include <cmath>

#include "train/network/initial_weights.h"

namespace winnow::train {
namespace {

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

ConvolutionHeadSizes sizes_of(const DyvmConfig& config) {
  return {config.grid(), config.embed_dim, config.segmentation->width, config.classes};
}

}  // namespace

Result<std::unique_ptr<SegmentationTrainer>> SegmentationTrainer::create(const DyvmConfig& config,
                                                                         Weights& weights,
                                                                         const TrainerSettings& settings,
                                                                         const std::string& device,
                                                                         int threads) {
  if (!config.segmentation || config.segmentation->kind != SegmentationHead::Kind::convolutions)
    return bad_argument(
        "Expected a segmentation model with a head of convolutions: others cannot be trained.");
  if (config.classes > kNoLabel)
    return bad_argument("Expected at most " + std::to_string(kNoLabel) +
                        " classes to be trained, but there are " + std::to_string(config.classes) + ".");
  if (const Status matched = check_stages(config, settings.losses); !matched) return matched.error();
  auto operations = make_operations(device, threads);
  if (!operations) return operations.error();
  std::unique_ptr<SegmentationTrainer> trainer(new SegmentationTrainer(settings));
  trainer->operations_ = std::move(*operations);
  auto network = DenseNetwork::create(config, *trainer->operations_);
  if (!network) return network.error();
  trainer->network_ = std::move(*network);
  trainer->head_ = std::make_unique<TrainedConvolutionHead>(sizes_of(config), trainer->network_->table(),
                                                            *trainer->operations_);
  auto values = trainer->table().read(weights);
  if (!values) return values.error();
  trainer->state_ = start_from(std::move(*values));
  return trainer;
}

Status SegmentationTrainer::check_labels(const std::uint8_t* labels, int images) const {
  const std::size_t count = offset(images, config().image_size * config().image_size);
  const auto wrong = std::find_if(labels, labels + count, [&](std::uint8_t label) {
    return label != kNoLabel && label >= config().classes;
  });
  if (wrong == labels + count) return ok();
  return bad_argument("Expected labels of pixels below " + std::to_string(config().classes) + ", or " +
                      std::to_string(kNoLabel) + " for none, but one is " + std::to_string(*wrong) + ".");
}

void SegmentationTrainer::compare_labels(const std::uint8_t* labels, int images, StepResult& result) {
  const int side = config().image_size;
  const std::size_t pixels = offset(side, side), size = head_->shape().size();
  std::int64_t labelled = 0;
  for (std::size_t i = 0; i < images * pixels; ++i) labelled += labels[i] != kNoLabel;
  d_scores_.assign(head_->scores().size(), 0.0f);
  const double weight = labelled == 0 ? 0.0 : settings_.losses.classification / static_cast<double>(labelled);
  std::vector<PixelLoss> losses(images);
  operations_->run(images, [&](int b, int) {
    losses[b] =
        MapOperations::pixel_cross_entropy(head_->shape(), head_->scores().data() + b * size, side, side,
                                           labels + b * pixels, weight, d_scores_.data() + b * size);
  });
  std::int64_t right = 0;
  for (const PixelLoss& loss : losses) {
    result.losses.classification += weight * loss.sum;
    right += loss.right;
  }
  result.accuracy = labelled == 0 ? 1.0 : static_cast<double>(right) / static_cast<double>(labelled);
}

Result<StepResult> SegmentationTrainer::step(const std::uint8_t* pixels, const std::uint8_t* labels,
                                             int images, double learning_rate, std::uint64_t seed) {
  if (images < 1) return bad_argument("Expected at least one image in a training step, but there is none.");
  if (const Status known = check_labels(labels, images); !known) return known.error();
  const std::size_t size = 3ull * config().image_size * config().image_size;
  input_.resize(size * images);
  operations_->run(images,
                   [&](int b, int) { normalise(config(), pixels + size * b, input_.data() + size * b); });
  const StepNoise noise = draw_noise(config(), images, seed);
  network_->forward(state_.weights, input_.data(), images, &noise);
  const float* map = network_->maps()[0].data();
  head_->forward(state_.weights, map, images);

  StepResult result = count_decisions(network_->backbone());
  DecisionGradients decisions;
  compare_labels(labels, images, result);
  add_decision_losses(settings_.losses, network_->backbone(), result.losses, decisions);
  result.losses.total = result.losses.classification + result.losses.token_ratio + result.losses.block_ratio;
  if (!std::isfinite(result.losses.total)) return diverged(state_.steps + 1);
  gradients_.assign(table().size(), 0.0f);
  d_maps_.resize(1);
  head_->backward(map, d_scores_, d_maps_[0], gradients_);
  network_->backward(state_.weights, d_maps_, decisions, gradients_);
  result.gradient_norm =
      take_step(*operations_, table(), settings_.optimiser, learning_rate, gradients_, state_);
  if (!std::isfinite(result.gradient_norm)) return diverged(state_.steps + 1);
  return result;
}

Status SegmentationTrainer::restore(OptimiserState state) {
  if (const Status fits = check_state(table(), state); !fits) return fits;
  state_ = std::move(state);
  return ok();
}

std::size_t SegmentationTrainer::bytes() const {
  std::size_t floats = input_.capacity() + gradients_.capacity() + d_scores_.capacity();
  for (const AlignedFloats& map : d_maps_) floats += map.capacity();
  return network_->bytes() + head_->bytes() + floats * sizeof(float);
}

void add_missing_of_segmenter(const DyvmConfig& config, Weights& weights, std::uint64_t seed) {
  ParameterTable table(config);
  const auto operations = reference_operations();
  const TrainedConvolutionHead head(sizes_of(config), table, *operations);  // for the names of its parameters
  add_missing(config, table, weights, seed);
}

}  // namespace winnow::train
