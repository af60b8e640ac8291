// winnow-test: the native tests. `--list-isa` prints the instruction sets that WINNOW_ISA can force here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>

#ifdef WINNOW_CPU
#include "cpu/isa.h"
#endif

int main(int argc, char** argv) {
#ifdef WINNOW_CPU
  if (argc == 2 && std::strcmp(argv[1], "--list-isa") == 0) {
    for (const char* name : winnow::available_isas()) std::printf("%s\n", name);
    return 0;
  }
  if (const winnow::Status forced = winnow::cpu::force_isa_from_environment(); !forced) {
    std::fprintf(stderr, "%s\n", forced.error().message.c_str());
    return 2;
  }
#endif
  return doctest::Context(argc, argv).run();
}
