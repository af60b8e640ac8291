// winnow-test: the native tests. `--list-isa` prints the instruction sets that WINNOW_ISA can force here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>

#ifdef WINNOW_CPU
#include "cpu/isa.h"
#endif

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list-isa") == 0) {
#ifdef WINNOW_CPU
    for (const char* name : winnow::available_isas()) std::printf("%s\n", name);
#endif
    return 0;
  }
  return doctest::Context(argc, argv).run();
}
