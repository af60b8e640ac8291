// winnow-golden-training <directory> [--device reference|cpu]: compares a whole training step, its losses and
// all of its gradients, with what the original training code computed with the same random draws. Ends with
// exit code 1 when one differs.
#include "test/golden/golden_training.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#ifdef WINNOW_CPU
#include "cpu/isa.h"
#endif

using namespace winnow;
using namespace winnow::train;

namespace {

// Prints what differs, and the largest difference of what is alike.
bool report(const std::string& title, const std::vector<Comparison>& rows) {
  bool passed = true;
  Comparison largest{"", 0.0, true};
  for (const Comparison& row : rows) {
    if (!row.passed) std::printf("  %-48s %.3g  DIFFERS\n", row.name.c_str(), row.difference);
    passed &= row.passed;
    if (row.passed && row.name.starts_with("grad/") && row.difference >= largest.difference) largest = row;
    if (row.passed && row.name.starts_with("loss/"))
      std::printf("  %-48s %.3g\n", row.name.c_str(), row.difference);
  }
  std::printf("%s: %zu tensors, %s; largest gradient difference %.3g (%s)\n", title.c_str(), rows.size(),
              passed ? "all met" : "NOT met", largest.difference, largest.name.c_str());
  return passed;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef WINNOW_CPU
  if (const Status forced = cpu::force_isa_from_environment(); !forced) {
    std::fprintf(stderr, "%s\n", forced.error().message.c_str());
    return 2;
  }
#endif
  if (argc < 2) {
    std::fprintf(stderr, "Expected a directory: winnow-golden-training <directory> [--device NAME]\n");
    return 2;
  }
  const std::string directory = argv[1];
  std::string device;
  for (int i = 2; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], "--device") == 0) device = argv[i + 1];
  std::ifstream file(directory + "/config.json");
  const nlohmann::json golden = nlohmann::json::parse(file, nullptr, false);
  const auto expected = Expected::open(directory + "/expected.safetensors");
  if (!golden.is_object() || !expected) {
    std::fprintf(stderr, "Expected config.json and expected.safetensors of a training step in %s.\n",
                 directory.c_str());
    return 2;
  }
  std::vector<std::pair<std::string, std::unique_ptr<Operations>>> devices;
  if (device != "cpu") devices.emplace_back("reference", reference_operations());
#ifdef WINNOW_CPU
  if (device != "reference") devices.emplace_back("cpu", cpu_operations(0));
#endif
  bool passed = !devices.empty();
  for (auto& [name, operations] : devices)
    for (bool whole : {false, true}) {
      const auto rows = compare_training(golden, *expected, *operations, whole);
      if (!rows) {
        std::fprintf(stderr, "%s\n", rows.error().message.c_str());
        return 2;
      }
      passed &= report(name + (whole ? ", whole sequences" : ", cut sequences"), *rows);
    }
  return passed ? 0 : 1;
}
