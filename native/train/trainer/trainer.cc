#include "train/trainer/trainer.h"

#include <algorithm>
#include <cmath>

#include "train/trainer/batch_pieces.h"

namespace winnow::train {
namespace {

Error bad_argument(std::string message) { return {ErrorCode::bad_argument, std::move(message)}; }

StepResult summary(const Network& student, const float* targets) {
  const int images = student.images(), classes = student.config().classes;
  StepResult result = count_decisions(student.backbone());
  int correct = 0;
  for (int b = 0; b < images; ++b) {
    const float *logits = student.logits().data() + static_cast<std::size_t>(b) * classes,
                *target = targets + static_cast<std::size_t>(b) * classes;
    correct += std::max_element(logits, logits + classes) - logits ==
               std::max_element(target, target + classes) - target;
  }
  result.accuracy = static_cast<double>(correct) / images;
  return result;
}

}  // namespace

StepResult count_decisions(const Backbone& backbone) {
  const int images = backbone.images(), depth = backbone.config().depth;
  StepResult result;
  if (!backbone.stages().empty()) {
    double kept = 0.0;
    for (int after : backbone.stages().back().after) kept += after;
    result.tokens_kept = kept / images / backbone.config().patches();
  }
  double ran = 0.0;
  for (int layer = 0; layer < depth; ++layer)
    for (float gate : backbone.gates(layer)) ran += gate;
  result.directions_kept = ran / (2.0 * depth * images);
  return result;
}

Error diverged(std::int64_t step) {
  return {ErrorCode::diverged, "Expected a finite loss, but at step " + std::to_string(step) +
                                   " it is none: lower the learning rate, or limit the gradient's norm."};
}

Status check_stages(const DyvmConfig& config, const LossSettings& losses) {
  if (losses.token_keep.size() == config.pruning_layers.size()) return ok();
  return bad_argument("Expected one token keep ratio for each of the " +
                      std::to_string(config.pruning_layers.size()) + " pruning stages, but there are " +
                      std::to_string(losses.token_keep.size()) + ".");
}

Status check_state(const ParameterTable& table, const OptimiserState& state) {
  for (const auto* values : {&state.weights, &state.first_moment, &state.second_moment, &state.average})
    if (values->size() != table.size())
      return bad_argument("Expected a training state of " + std::to_string(table.size()) +
                          " parameters, but it has " + std::to_string(values->size()) +
                          ": it belongs to another model.");
  if (state.steps < 0) return bad_argument("Expected a training state's steps to be at least 0.");
  return ok();
}

Result<std::unique_ptr<Operations>> make_operations(const std::string& device, int threads) {
  if (device == "reference") return reference_operations();
#ifdef WINNOW_CPU
  if (device == "cpu") return cpu_operations(threads);
#else
  (void)threads;
#endif
  return bad_argument("Expected the device to be cpu or reference, but it is " + device + ".");
}

void normalise(const DyvmConfig& c, const std::uint8_t* pixels, float* out) {
  const std::size_t plane = static_cast<std::size_t>(c.image_size) * c.image_size;
  for (int channel = 0; channel < 3; ++channel) {
    const float scale = 1.0f / (255.0f * c.std[channel]), shift = -c.mean[channel] / c.std[channel];
    float* to = out + channel * plane;
    for (std::size_t i = 0; i < plane; ++i)
      to[i] = static_cast<float>(pixels[3 * i + channel]) * scale + shift;
  }
}

Result<std::unique_ptr<Trainer>> Trainer::create(const DyvmConfig& config, Weights& weights,
                                                 const TrainerSettings& settings, const std::string& device,
                                                 int threads) {
  if (const Status matched = check_stages(config, settings.losses); !matched) return matched.error();
  auto operations = make_operations(device, threads);
  if (!operations) return operations.error();
  std::unique_ptr<Trainer> trainer(new Trainer(settings));
  trainer->operations_ = std::move(*operations);
  auto student = Network::create(config, *trainer->operations_, true);
  if (!student) return student.error();
  trainer->student_ = std::move(*student);
  auto values = trainer->student_->table().read(weights);
  if (!values) return values.error();
  trainer->state_ = start_from(std::move(*values));
  return trainer;
}

Status Trainer::set_teacher(const DyvmConfig& config, Weights& weights) {
  const DyvmConfig& own = this->config();
  if (config.embed_dim != own.embed_dim || config.image_size != own.image_size ||
      config.patches() != own.patches() || config.classes != own.classes)
    return bad_argument(
        "Expected a teacher of the student's width, image size, patches and classes, but they differ.");
  auto teacher = Network::create(config, *operations_, false);
  if (!teacher) return teacher.error();
  auto values = (*teacher)->table().read(weights);
  if (!values) return values.error();
  teacher_ = std::move(*teacher);
  teacher_weights_ = std::move(*values);
  return ok();
}

Result<StepResult> Trainer::step(const std::uint8_t* pixels, const float* targets, int images,
                                 double learning_rate, std::uint64_t seed) {
  if (images < 1) return bad_argument("Expected at least one image in a training step, but there is none.");
  const std::size_t size = 3ull * config().image_size * config().image_size;
  input_.resize(size * images);
  operations_->run(images,
                   [&](int b, int) { normalise(config(), pixels + size * b, input_.data() + size * b); });
  return step_normalised(input_.data(), targets, images, learning_rate, seed);
}

Result<StepResult> Trainer::step_normalised(const float* input, const float* targets, int images,
                                            double learning_rate, std::uint64_t seed) {
  if (images < 1) return bad_argument("Expected at least one image in a training step, but there is none.");
  const std::size_t size = 3ull * config().image_size * config().image_size;
  const int most = settings_.most_images > 0 ? settings_.most_images : most_images(config());
  auto result =
      learn_in_pieces(images, most, seed, gradients_, [&](const Piece& piece, std::uint64_t piece_seed) {
        return learn(input + size * piece.first,
                     targets + static_cast<std::size_t>(piece.first) * config().classes, piece.count,
                     piece_seed);
      });
  if (!result) return result;
  result->gradient_norm =
      take_step(*operations_, student_->table(), settings_.optimiser, learning_rate, gradients_, state_);
  if (!std::isfinite(result->gradient_norm)) return diverged(state_.steps + 1);
  return result;
}

Result<StepResult> Trainer::learn(const float* input, const float* targets, int images, std::uint64_t seed) {
  const StepNoise noise = draw_noise(config(), images, seed);
  if (teacher_ != nullptr) teacher_->forward(teacher_weights_, input, images, nullptr);
  student_->forward(state_.weights, input, images, &noise);
  StepResult result = summary(*student_, targets);
  result.losses = compute_losses(settings_.losses, *student_, targets, teacher_.get(), output_gradients_);
  if (!std::isfinite(result.losses.total)) return diverged(state_.steps + 1);
  student_->backward(state_.weights, output_gradients_, gradients_);
  return result;
}

Status Trainer::restore(OptimiserState state) {
  if (const Status fits = check_state(student_->table(), state); !fits) return fits;
  state_ = std::move(state);
  return ok();
}

std::size_t Trainer::bytes() const {
  std::size_t total = student_->bytes() + (teacher_ != nullptr ? teacher_->bytes() : 0);
  for (const auto* values : {&input_, &gradients_, &output_gradients_.logits, &output_gradients_.tokens})
    total += values->capacity() * sizeof(float);
  return total;
}

}  // namespace winnow::train
