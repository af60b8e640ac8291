#include "train/segmentation/segmentation_trainer.h"

#include <algorithm>

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
  std::unique_ptr<SegmentationTrainer> trainer(new SegmentationTrainer(settings));
  if (const Status opened = trainer->open(config, device, threads); !opened) return opened.error();
  trainer->head_ = std::make_unique<TrainedConvolutionHead>(sizes_of(config), trainer->network().table(),
                                                            trainer->operations());
  if (const Status started = trainer->start(weights); !started) return started.error();
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
  const double weight = labelled == 0 ? 0.0 : losses().classification / static_cast<double>(labelled);
  std::vector<PixelLoss> found(images);
  operations().run(images, [&](int b, int) {
    found[b] =
        MapOperations::pixel_cross_entropy(head_->shape(), head_->scores().data() + b * size, side, side,
                                           labels + b * pixels, weight, d_scores_.data() + b * size);
  });
  std::int64_t right = 0;
  for (const PixelLoss& loss : found) {
    result.losses.classification += weight * loss.sum;
    right += loss.right;
  }
  result.accuracy = labelled == 0 ? 1.0 : static_cast<double>(right) / static_cast<double>(labelled);
}

Result<StepResult> SegmentationTrainer::step(const std::uint8_t* pixels, const std::uint8_t* labels,
                                             int images, double learning_rate, std::uint64_t seed) {
  if (const Status known = check_labels(labels, images); !known) return known.error();
  return learn(pixels, images, learning_rate, seed, [&](const Piece& piece, StepResult& result) {
    const std::size_t first = offset(piece.first, config().image_size * config().image_size);
    compare_labels(labels + first, piece.count, result);
  });
}

void SegmentationTrainer::run_head(const std::vector<float>& weights, const float* map, int images) {
  head_->forward(weights, map, images);
}

void SegmentationTrainer::run_backward(const float* map, AlignedFloats& d_map,
                                       std::vector<float>& gradients) {
  head_->backward(map, d_scores_, d_map, gradients);
}

std::size_t SegmentationTrainer::head_bytes() const {
  return head_->bytes() + d_scores_.capacity() * sizeof(float);
}

void add_missing_of_segmenter(const DyvmConfig& config, Weights& weights, std::uint64_t seed) {
  ParameterTable table(config);
  const auto operations = reference_operations();
  const TrainedConvolutionHead head(sizes_of(config), table, *operations);  // for the names of its parameters
  add_missing(config, table, weights, seed);
}

}  // namespace winnow::train
