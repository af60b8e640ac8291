#include "train/session/session.h"

#include <doctest/doctest.h>
#ifndef _WIN32
#include <sys/resource.h>
#endif

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "test/train/session/session_files.h"
#include "train/session/training_file.h"

using namespace winnow;
using namespace winnow::train;
using nlohmann::json;

namespace {

json manifest() {
  return {{"format", 1},
          {"name", "tiny"},
          {"task", "classification"},
          {"architecture", "vim"},
          {"imageSize", 8},
          {"patchSize", 4},
          {"stride", 4},
          {"embedDim", 16},
          {"depth", 2},
          {"stateDim", 4},
          {"convWidth", 4},
          {"dtRank", 1},
          {"classes", 2},
          {"blockSelection", true},
          {"pruningLayers", {1}},
          {"tokenKeep", {0.5}},
          {"preprocessing",
           {{"resize", 8}, {"crop", 8}, {"mean", {0.5, 0.5, 0.5}}, {"std", {0.25, 0.25, 0.25}}}}};
}

json settings() {
  return {{"manifest", manifest().dump()},
          {"losses",
           {{"classification", 1},
            {"tokenRatio", 10},
            {"blockRatio", 10},
            {"distillClass", 0.5},
            {"distillToken", 0.5},
            {"tokenKeep", {0.5}},
            {"blockKeep", 0.8}}},
          {"optimiser", {{"weightDecay", 0.01}, {"largestNorm", 1}, {"averageDecay", 0.9}}},
          {"augmentation",
           {{"crop", {{"kind", "shifted"}, {"pixels", 1}}},
            {"flip", true},
            {"colourJitter", 0.2},
            {"randAugment", {{"operations", 1}, {"magnitude", 9}}},
            {"erasing", 0.1},
            {"mixup", 0.2},
            {"cutMix", 0},
            {"smoothing", 0.1}}}};
}

void learn(Session& session, int from, int to) {
  std::vector<std::uint8_t> bright(3 * 9 * 11, 230), dark(3 * 9 * 11, 20);
  const std::vector<TrainingExample> examples{{{bright.data(), 9, 11}, 0, 0, 0, {}},
                                              {{dark.data(), 9, 11}, 1, 0, 0, {}}};
  for (int step = from; step < to; ++step) REQUIRE(session.step(examples, 1e-2, step));
}

}  // namespace

TEST_CASE("a training that goes on from its file ends with the same bytes as one that never stopped") {
  const Folder folder;
  auto whole = Session::open(setup_of(settings()));
  REQUIRE(whole);
  learn(**whole, 0, 6);
  REQUIRE((*whole)->save_state(folder.file("whole")));
  REQUIRE((*whole)->save_weights(folder.file("whole-weights"), true));

  auto first = Session::open(setup_of(settings()));
  REQUIRE(first);
  learn(**first, 0, 3);
  REQUIRE((*first)->save_state(folder.file("half")));
  SessionSetup resumed = setup_of(settings());
  resumed.state = folder.file("half");
  resumed.seed = 99;  // of weights that the state replaces
  auto second = Session::open(resumed);
  REQUIRE(second);
  learn(**second, 3, 6);
  REQUIRE((*second)->save_state(folder.file("resumed")));
  REQUIRE((*second)->save_weights(folder.file("resumed-weights"), true));
  CHECK(contents(folder.file("whole")) == contents(folder.file("resumed")));
  CHECK(contents(folder.file("whole-weights")) == contents(folder.file("resumed-weights")));

  const auto weights = Weights::open(folder.file("whole-weights"));
  REQUIRE(weights);
  CHECK(weights->shape("head.weight") == Weights::Shape{2, 16});
  CHECK(weights->names().size() == (*whole)->trainer().table().parameters().size());
}

TEST_CASE("states of other models, damaged ones and paths that cannot be written are refused") {
  const Folder folder;
  auto session = Session::open(setup_of(settings()));
  REQUIRE(session);
  REQUIRE((*session)->save_state(folder.file("state")));

  json other = settings();
  json wider = manifest();
  wider["embedDim"] = 32;
  wider["dtRank"] = 2;
  other["manifest"] = wider;
  SessionSetup setup = setup_of(other);
  setup.state = folder.file("state");
  const auto foreign = Session::open(setup);
  REQUIRE(!foreign);
  CHECK(foreign.error().code == ErrorCode::bad_argument);
  CHECK(foreign.error().message.find("belongs to another") != std::string::npos);

  const std::string bytes = contents(folder.file("state"));
  std::ofstream(folder.file("cut"), std::ios::binary)
      .write(bytes.data(), static_cast<long>(bytes.size() / 2));
  setup = setup_of(settings());
  setup.state = folder.file("cut");
  CHECK(!Session::open(setup));
  setup.state = folder.file("none");
  CHECK(!Session::open(setup));

  const Status nowhere = (*session)->save_state(folder.file("no/such/folder"));
  REQUIRE(!nowhere);
  CHECK(nowhere.error().code == ErrorCode::file_system);
  CHECK(nowhere.error().message.find("No such file") != std::string::npos);
}

#ifndef _WIN32  // which has no such limit
TEST_CASE("a file that may not grow so large leaves the one that was there, and nothing beside it") {
  const Folder folder;
  auto session = Session::open(setup_of(settings()));
  REQUIRE(session);
  REQUIRE((*session)->save_state(folder.file("state")));
  const std::string before = contents(folder.file("state"));
  learn(**session, 0, 1);

  rlimit limit;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  rlimit small = limit;
  small.rlim_cur = before.size() / 2;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Status saved = (*session)->save_state(folder.file("state"));
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);

  REQUIRE(!saved);
  CHECK(saved.error().code == ErrorCode::file_system);
  CHECK(saved.error().message.find("File too large") != std::string::npos);
  CHECK(contents(folder.file("state")) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}
#endif

TEST_CASE("settings of a training are refused by the name of what is wrong") {
  const auto refusal = [](const char* pointer, json value) {
    json wrong = settings();
    wrong[json::json_pointer(pointer)] = std::move(value);
    const auto read = read_training_settings(wrong.dump());
    REQUIRE(!read);
    return read.error().message;
  };
  const auto names = [](const std::string& message, const char* name) {
    INFO(message);
    CHECK(message.find(name) != std::string::npos);
  };
  REQUIRE(read_training_settings(settings().dump()));
  names(refusal("/losses/blockKeep", 2), "losses.blockKeep");
  names(refusal("/losses/tokenKeep", {0.5, 0.2}), "losses.tokenKeep");
  names(refusal("/losses/tokenKeep", "half"), "losses.tokenKeep");
  names(refusal("/optimiser/weightDecay", -1), "optimiser.weightDecay");
  names(refusal("/augmentation/flip", 1), "augmentation.flip");
  names(refusal("/augmentation/crop/kind", "round"), "augmentation.crop.kind");
  names(refusal("/augmentation/randAugment/operations", 1.5), "augmentation.randAugment.operations");
  names(refusal("/augmentation", nullptr), "augmentation");
  CHECK(!read_training_settings("[]"));
  CHECK(!read_training_settings("{"));
  json registers = settings();
  registers["manifest"] = "no manifest";
  CHECK(!read_training_settings(registers.dump()));
}
