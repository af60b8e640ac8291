#include "train/trainer/losses.h"

#include <algorithm>
#include <cmath>

namespace winnow::train {
namespace {

// log softmax of a row.
std::vector<double> log_softmax(const float* logits, int classes) {
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0.0;
  for (int i = 0; i < classes; ++i) sum += std::exp(logits[i] - largest);
  std::vector<double> out(classes);
  for (int i = 0; i < classes; ++i) out[i] = logits[i] - largest - std::log(sum);
  return out;
}

// Cross entropy with the targets, and KL divergence from the teacher, means over the batch.
void add_class_losses(const LossSettings& settings, const Network& student, const float* targets,
                      const Network* teacher, Losses& losses, OutputGradients& gradients) {
  const int images = student.images(), classes = student.config().classes;
  gradients.logits.assign(student.logits().size(), 0.0f);
  const double kl_weight = teacher != nullptr ? settings.distill_class / images : 0.0,
               weight = settings.classification / images;
  for (int b = 0; b < images; ++b) {
    const std::size_t row = static_cast<std::size_t>(b) * classes;
    const auto log_p = log_softmax(student.logits().data() + row, classes);
    double target_sum = 0.0;
    for (int i = 0; i < classes; ++i) {
      losses.classification -= weight * targets[row + i] * log_p[i];
      target_sum += targets[row + i];
    }
    for (int i = 0; i < classes; ++i)
      gradients.logits[row + i] =
          static_cast<float>(weight * (target_sum * std::exp(log_p[i]) - targets[row + i]));
    if (teacher == nullptr) continue;
    const auto log_q = log_softmax(teacher->logits().data() + row, classes);
    for (int i = 0; i < classes; ++i) {
      losses.distill_class += kl_weight * std::exp(log_q[i]) * (log_q[i] - log_p[i]);
      gradients.logits[row + i] += static_cast<float>(kl_weight * (std::exp(log_p[i]) - std::exp(log_q[i])));
    }
  }
}

void add_token_ratio(const LossSettings& settings, const Backbone& student, Losses& losses,
                     DecisionGradients& gradients) {
  const int images = student.images(), patches = student.config().patches();
  const std::size_t stages = student.stages().size();
  gradients.policies.assign(stages, std::vector<float>(images));
  for (std::size_t stage = 0; stage < stages; ++stage)
    for (int b = 0; b < images; ++b) {
      const double miss = static_cast<double>(student.stages()[stage].after[b]) / patches -
                          settings.token_keep[stage],
                   weight = settings.token_ratio / (static_cast<double>(stages) * images);
      losses.token_ratio += weight * miss * miss;
      gradients.policies[stage][b] = static_cast<float>(weight * 2.0 * miss / patches);
    }
}

void add_block_ratio(const LossSettings& settings, const Backbone& student, Losses& losses,
                     DecisionGradients& gradients) {
  gradients.gates = 0.0f;
  if (!student.config().block_selection) return;
  const int depth = student.config().depth;
  double sum = 0.0;
  for (int layer = 0; layer < depth; ++layer)
    for (float gate : student.gates(layer)) sum += gate;
  const double count = 2.0 * depth * student.images(), miss = sum / count - settings.block_keep;
  losses.block_ratio = settings.block_ratio * miss * miss;
  gradients.gates = static_cast<float>(settings.block_ratio * 2.0 * miss / count);
}

// Mean squared difference of the kept patches' rows from the teacher's at the same offsets.
void add_token_distillation(const LossSettings& settings, const Network& student, const Network* teacher,
                            Losses& losses, OutputGradients& gradients) {
  gradients.tokens.clear();
  if (teacher == nullptr || settings.distill_token == 0.0) return;
  const int images = student.images(), dim = student.config().embed_dim, patches = student.config().patches();
  const std::vector<std::int32_t>* positions =
      student.stages().empty() ? nullptr : &student.stages().back().positions;
  double count = 0.0;
  for (const auto& sequence : student.sequences().images) count += static_cast<double>(sequence.kept()) * dim;
  gradients.tokens.assign(student.tokens().size(), 0.0f);
  if (count == 0.0) return;
  const double weight = settings.distill_token / count;
  for (int b = 0; b < images; ++b) {
    const auto &own = student.sequences().images[b], &other = teacher->sequences().images[b];
    for (int i = 0; i < own.kept(); ++i) {
      const int position = positions != nullptr ? (*positions)[static_cast<std::size_t>(b) * patches + i] : i;
      const std::size_t row = static_cast<std::size_t>(own.row_of_patch(i)) * dim;
      const float *from = student.tokens().data() + row,
                  *to =
                      teacher->tokens().data() + static_cast<std::size_t>(other.row_of_patch(position)) * dim;
      double squares = 0.0;
      for (int d = 0; d < dim; ++d) {
        const double difference = static_cast<double>(from[d]) - to[d];
        squares += difference * difference;
        gradients.tokens[row + d] = static_cast<float>(2.0 * weight * difference);
      }
      losses.distill_token += weight * squares;
    }
  }
}

}  // namespace

void add_decision_losses(const LossSettings& settings, const Backbone& backbone, Losses& losses,
                         DecisionGradients& gradients) {
  add_token_ratio(settings, backbone, losses, gradients);
  add_block_ratio(settings, backbone, losses, gradients);
}

Losses compute_losses(const LossSettings& settings, const Network& student, const float* targets,
                      const Network* teacher, OutputGradients& gradients) {
  Losses losses;
  add_class_losses(settings, student, targets, teacher, losses, gradients);
  add_decision_losses(settings, student.backbone(), losses, gradients);
  add_token_distillation(settings, student, teacher, losses, gradients);
  losses.total = losses.classification + losses.token_ratio + losses.block_ratio + losses.distill_class +
                 losses.distill_token;
  return losses;
}

std::vector<float> smooth_labels(const std::vector<int>& labels, int classes, double smoothing) {
  std::vector<float> targets(labels.size() * classes, static_cast<float>(smoothing / classes));
  for (std::size_t b = 0; b < labels.size(); ++b)
    targets[b * classes + labels[b]] += static_cast<float>(1.0 - smoothing);
  return targets;
}

}  // namespace winnow::train
