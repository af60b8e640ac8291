// What the benchmark programs share: options of the form --name value, the backends that they ask for, and
// medians.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace winnow {

using Settings = std::map<std::string, std::string>;  // by the names of the options

// The parts of a list with commas.
inline std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

inline int positive(const std::string& text) { return std::max(1, std::atoi(text.c_str())); }

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// The whole of main: `settings` holds the options that there are, with what they are when they are not given.
inline int run_program(int argc, char** argv, const char* usage, Settings settings,
                       const std::function<Status(const Settings&)>& run) {
  for (int i = 1; i < argc; i += 2) {
    if (!settings.contains(argv[i]) || i + 1 == argc) {
      std::fprintf(stderr, "Expected: %s\n", usage);
      return 2;
    }
    settings[argv[i]] = argv[i + 1];
  }
  const Status done = run(settings);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

// Calls `measure` for every combination of --models, --sizes, --precisions and --threads, each on a cpu
// backend of its own; `what` are the cells of a table's row that say which.
inline Status for_each_variant(
    const Settings& settings, const std::function<Status(const std::string& model, int size, Backend& backend,
                                                         const std::string& what)>& measure) {
  for (const std::string& model : split(settings.at("--models")))
    for (const std::string& size : split(settings.at("--sizes")))
      for (const std::string& name : split(settings.at("--precisions")))
        for (const std::string& threads : split(settings.at("--threads"))) {
          const auto precision = precision_of(name);
          if (!precision) return precision.error();
          auto backend = make_backend("cpu", std::atoi(threads.c_str()), *precision);
          if (!backend) return backend.error();
          const Status done = measure(model, std::atoi(size.c_str()), **backend,
                                      model + " | " + size + " | " + name + " | " + threads);
          if (!done) return done;
        }
  return ok();
}

}  // namespace winnow
