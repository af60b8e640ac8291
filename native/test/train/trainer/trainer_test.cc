// Training step by step: what it reaches, what it goes on from, what it refuses; and heads alone.
#include "train/trainer/trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "model/dyvm.h"
#include "model/feature_model.h"
#include "test/device_names.h"
#include "test/train/training_data.h"
#include "train/network/initial_weights.h"
#include "train/trainer/head.h"

using namespace winnow;
using namespace winnow::train;

namespace {

// Pictures [count, 16, 16, 3] of three classes: lines that lie, stand, or are slanted, of random width, place
// and colour under noise.
struct Pictures {
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
};
Pictures draw_pictures(int count, std::uint64_t seed) {
  Random random(seed);
  Pictures pictures;
  for (int picture = 0; picture < count; ++picture) {
    const int label = picture % 3, period = 4 + static_cast<int>(random.uniform() * 3),
              shift = static_cast<int>(random.uniform() * 8);
    const double colour[] = {random.uniform(), random.uniform(), random.uniform()};
    pictures.labels.push_back(label);
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 16; ++x) {
        const int along = label == 0 ? y : label == 1 ? x : x + y;
        const bool lit = (along + shift) % period < period / 2;
        for (double part : colour)
          pictures.pixels.push_back(static_cast<std::uint8_t>(
              std::min(255.0, (lit ? 120.0 + 100.0 * part : 40.0) + 30.0 * random.uniform())));
      }
  }
  return pictures;
}

TrainerSettings decaying_settings(const DyvmConfig& c) {
  TrainerSettings settings = settings_of(c);
  settings.optimiser.weight_decay = 0.05;
  return settings;
}

std::unique_ptr<Trainer> make_trainer(const DyvmConfig& c, Weights weights, const std::string& device,
                                      int threads = 2, TrainerSettings settings = {}) {
  if (settings.losses.token_keep.empty()) settings = decaying_settings(c);
  auto trainer = Trainer::create(c, weights, settings, device, threads);
  if (!trainer) FAIL(trainer.error().message);
  return std::move(*trainer);
}

// Share of the pictures that inference with these weights gets right.
double accuracy(const DyvmConfig& c, Weights weights, const Pictures& pictures) {
  auto backend = make_backend(kFastest, 1);
  REQUIRE(backend);
  auto model = DyvmModel::create(c, weights, **backend);
  if (!model) FAIL(model.error().message);
  DynamicOptions options;
  options.token_keep = c.token_keep;
  Outputs outputs;
  const int count = static_cast<int>(pictures.labels.size());
  const Status done = (*model)->predict(pictures.pixels.data(), count, options, outputs);
  if (!done) FAIL(done.error().message);
  int right = 0;
  for (int b = 0; b < count; ++b) {
    const auto begin = outputs.logits.begin() + b * c.classes;
    right += std::max_element(begin, begin + c.classes) - begin == pictures.labels[b];
  }
  return static_cast<double>(right) / count;
}

}  // namespace

TEST_CASE("a plain model learns, and a DyVM from it keeps what it knows with fewer patches") {
  const DyvmConfig dynamic = tiny_config(16, 3), plain = without_pruning(dynamic);
  const Pictures pictures = draw_pictures(48, 1), others = draw_pictures(150, 2);
  const std::vector<float> targets = smooth_labels(pictures.labels, 3, 0.1);
  const auto first = make_trainer(plain, initial_weights(plain, 3), kFastest);
  double begin = 0.0, end = 0.0;
  for (int step = 0; step < 120; ++step) {
    const Pictures drawn = draw_pictures(48, 100 + step);
    const auto result = first->step(drawn.pixels.data(), targets.data(), 48, 3e-3, step);
    REQUIRE(result);
    (step == 0 ? begin : end) = result->losses.total;
  }
  CHECK(end < 0.7 * begin);
  CHECK(accuracy(plain, first->weights(), others) > 0.9);

  Weights student = first->weights();
  add_missing(dynamic, student, 4);
  const auto second = make_trainer(dynamic, std::move(student), kFastest);
  Weights teacher = first->weights();
  REQUIRE(second->set_teacher(plain, teacher));
  StepResult last;
  for (int step = 0; step < 200; ++step) {
    const Pictures drawn = draw_pictures(48, 1000 + step);
    const auto result = second->step(drawn.pixels.data(), targets.data(), 48, 2e-3, step);
    REQUIRE(result);
    last = *result;
  }
  CHECK(last.tokens_kept == doctest::Approx(0.49).epsilon(0.2));
  CHECK(last.losses.distill_class > 0.0);
  CHECK(last.losses.distill_token > 0.0);
  CHECK(accuracy(dynamic, second->weights(), others) > 0.85);
}

TEST_CASE("a run that goes on from its state is the one that was never stopped, on any number of threads") {
  const DyvmConfig c = tiny_config(16, 3);
  const Pictures pictures = draw_pictures(20, 5);
  const std::vector<float> targets = smooth_labels(pictures.labels, 3, 0.1);
  for (const std::string& device : device_names()) {
    const auto step = [&](Trainer& trainer, int number) {
      const auto result = trainer.step(pictures.pixels.data(), targets.data(), 20, 1e-3, 70 + number);
      REQUIRE(result);
    };
    const auto straight = make_trainer(c, initial_weights(c, 6), device, 1);
    for (int number = 0; number < 4; ++number) step(*straight, number);
    const auto stopped = make_trainer(c, initial_weights(c, 6), device, 2);
    for (int number = 0; number < 2; ++number) step(*stopped, number);
    const OptimiserState state = stopped->state();
    const auto resumed = make_trainer(c, initial_weights(c, 999), device, 3);
    REQUIRE(resumed->restore(state));
    for (int number = 2; number < 4; ++number) step(*resumed, number);
    CHECK(straight->state().steps == 4);
    CHECK(alike(resumed->state(), straight->state()));
  }
}

TEST_CASE("a loss that is no number changes nothing and says at which step") {
  const DyvmConfig c = tiny_config(16, 3);
  const Pictures pictures = draw_pictures(4, 7);
  std::vector<float> targets = smooth_labels(pictures.labels, 3, 0.1);
  const auto trainer = make_trainer(c, initial_weights(c, 8), kFastest);
  REQUIRE(trainer->step(pictures.pixels.data(), targets.data(), 4, 1e-3, 1));
  const OptimiserState before = trainer->state();
  targets[5] = std::numeric_limits<float>::quiet_NaN();
  const auto result = trainer->step(pictures.pixels.data(), targets.data(), 4, 1e-3, 2);
  REQUIRE(!result);
  CHECK(result.error().message.find("step 2") != std::string::npos);
  CHECK(result.error().message.find("learning rate") != std::string::npos);
  CHECK(alike(trainer->state(), before));
}

TEST_CASE("what does not belong to the model is refused in words") {
  const DyvmConfig c = tiny_config(16, 3);
  const auto trainer = make_trainer(c, initial_weights(c, 9), "reference");
  OptimiserState state = trainer->state();
  state.average.pop_back();
  const Status restored = trainer->restore(state);
  REQUIRE(!restored);
  CHECK(restored.error().message.find("another model") != std::string::npos);

  DyvmConfig other = without_pruning(c);
  other.embed_dim = 32;
  Weights teacher = initial_weights(other, 10);
  CHECK(!trainer->set_teacher(other, teacher));
  CHECK(!trainer->step(nullptr, nullptr, 0, 1e-3, 1));

  Weights plain = initial_weights(without_pruning(c), 11);
  const auto without_heads = Trainer::create(c, plain, decaying_settings(c), "reference", 1);
  REQUIRE(!without_heads);
  CHECK(without_heads.error().code == ErrorCode::bad_model);
  Weights weights = initial_weights(c, 12);
  CHECK(!Trainer::create(c, weights, TrainerSettings{}, "reference", 1));
  CHECK(!Trainer::create(c, weights, decaying_settings(c), "abacus", 1));
}

TEST_CASE("gradients are shortened to the largest norm, and only matrices decay") {
  const DyvmConfig c = tiny_config(16, 3);
  const Pictures pictures = draw_pictures(6, 13);
  const std::vector<float> targets = smooth_labels(pictures.labels, 3, 0.1);
  TrainerSettings settings = decaying_settings(c);
  settings.optimiser.largest_norm = 1e-3;
  const auto trainer = make_trainer(c, initial_weights(c, 14), "reference", 1, settings);
  const auto result = trainer->step(pictures.pixels.data(), targets.data(), 6, 1e-3, 1);
  REQUIRE(result);
  CHECK(result->gradient_norm > 1e-3);
  double squares = 0.0;  // the first moment is a tenth of the gradient
  for (float value : trainer->state().first_moment) squares += 100.0 * value * value;
  CHECK(std::sqrt(squares) == doctest::Approx(1e-3).epsilon(0.01));

  const ParameterTable table(c);
  for (const Parameter& parameter : table.parameters()) {
    const std::string& name = parameter.name;
    const bool kept = parameter.shape.size() == 1 || name.ends_with("A_log") || name.ends_with("A_b_log") ||
                      name == "pos_embed" || name == "cls_token";
    CAPTURE(name);
    CHECK(parameter.decays == !kept);
  }
}

TEST_CASE("the learning rate warms up, then follows a cosine to its least") {
  const Schedule schedule{1.0, 0.2, 0.1, 4, 20};
  CHECK(schedule.at(0) == doctest::Approx(0.2));
  CHECK(schedule.at(2) == doctest::Approx(0.6));
  CHECK(schedule.at(10) == doctest::Approx(0.55));
  CHECK(schedule.at(20) == doctest::Approx(0.1));
  CHECK(schedule.at(25) == doctest::Approx(0.1));
}

TEST_CASE("a head without features has the classes' shares as its probabilities") {
  const auto operations = reference_operations();
  const std::vector<float> features(8, 0.0f), targets = smooth_labels({0, 1, 1, 2, 1, 2, 1, 1}, 3, 0.0);
  HeadSettings settings;
  settings.tolerance = 1e-7;
  const auto head = train_head(*operations, features.data(), targets.data(), 8, 1, 3, settings);
  REQUIRE(head);
  CHECK(head->converged);
  CHECK(head->bias[1] - head->bias[0] == doctest::Approx(std::log(5.0)).epsilon(1e-5));
  CHECK(head->bias[2] - head->bias[0] == doctest::Approx(std::log(2.0)).epsilon(1e-5));
  CHECK(head->weight == std::vector<float>(3, 0.0f));
}

TEST_CASE("a head is the closed form's where there is one, with decay and without") {
  const float share = 0.8f;
  const std::vector<float> features = {1.0f, -1.0f}, targets = {1.0f - share, share, share, 1.0f - share};
  for (const std::string& device : device_names()) {
    auto operations = reference_operations();
#ifdef WINNOW_CPU
    if (device == "cpu") operations = cpu_operations(2);
#endif
    for (double decay : {0.0, 0.1}) {
      HeadSettings settings;
      settings.decay = decay;
      settings.tolerance = 1e-7;
      const auto head = train_head(*operations, features.data(), targets.data(), 2, 1, 2, settings);
      REQUIRE(head);
      const double v = head->weight[1];
      CHECK(head->weight[0] == doctest::Approx(-v).epsilon(1e-5));
      CHECK(std::abs(head->bias[1] - head->bias[0]) < 1e-5);
      // The slope of the loss along v: sigmoid(2 v) - share + decay v.
      CHECK(std::abs(1.0 / (1.0 + std::exp(-2.0 * v)) - share + decay * v) < 1e-6);
    }
  }
}

TEST_CASE("a head on a frozen model's features takes its place in the model") {
  const DyvmConfig plain = without_pruning(tiny_config(16, 3));
  Weights frozen = initial_weights(plain, 15);
  Weights without_head = initial_weights(plain, 15);
  const auto features = make_feature_model(plain, without_head);
  REQUIRE(features);
  const Pictures pictures = draw_pictures(90, 16);
  auto backend = make_backend(kFastest, 2);
  REQUIRE(backend);
  auto model = DyvmModel::create(*features, without_head, **backend);
  REQUIRE(model);
  Outputs outputs;
  REQUIRE((*model)->predict(pictures.pixels.data(), 90, {}, outputs));
  CHECK(outputs.logits.size() == 90u * plain.embed_dim);

  const std::vector<float> targets = smooth_labels(pictures.labels, 3, 0.0);
  auto operations = reference_operations();
  const auto head =
      train_head(*operations, outputs.logits.data(), targets.data(), 90, plain.embed_dim, 3, {});
  REQUIRE(head);
  const double before = accuracy(plain, initial_weights(plain, 15), pictures);
  frozen.add("head.weight", {3, plain.embed_dim}, head->weight);
  frozen.add("head.bias", {3}, head->bias);
  const double after = accuracy(plain, std::move(frozen), pictures);
  CHECK(after > before + 0.1);

  const std::vector<float> broken(2, std::numeric_limits<float>::infinity());
  const auto refused = train_head(*operations, broken.data(), targets.data(), 2, 1, 3, {});
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::bad_argument);
  CHECK(!train_head(*operations, broken.data(), targets.data(), 0, 1, 3, {}));
  const std::atomic<bool> cancelled = true;
  HeadSettings settings;
  settings.cancel = &cancelled;
  const auto stopped =
      train_head(*operations, outputs.logits.data(), targets.data(), 90, plain.embed_dim, 3, settings);
  REQUIRE(!stopped);
  CHECK(stopped.error().code == ErrorCode::cancelled);
}
