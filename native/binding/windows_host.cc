// Windows: functions of Node come from the program that has loaded the addon, whether it is node.exe,
// Electron or a renamed one. So their import is delayed, and the program's name is looked up here.
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
// clang-format off: the second needs the first
#include <windows.h>
#include <delayimp.h>
// clang-format on

#include <cstring>

namespace {

FARPROC WINAPI own_program(unsigned event, PDelayLoadInfo load) {
  const bool asks_for_node = event == dliNotePreLoadLibrary && _stricmp(load->szDll, "node.exe") == 0;
  return asks_for_node ? reinterpret_cast<FARPROC>(GetModuleHandleW(nullptr)) : nullptr;
}

}  // namespace

// Const in Microsoft's header, and not in MinGW's.
decltype(__pfnDliNotifyHook2) __pfnDliNotifyHook2 = own_program;

#ifdef __MINGW32__
// MinGW's code that finds a function when it is first called spoils arguments that are floating-point
// numbers. So all are found when the addon is loaded.
extern "C" {
extern IMAGE_DOS_HEADER __ImageBase;
extern const ImgDelayDescr __DELAY_IMPORT_DESCRIPTOR_node_lib;  // of node.lib
FARPROC WINAPI __delayLoadHelper2(const ImgDelayDescr* from, FARPROC* function);
}

namespace {

int find_functions() {
  const ImgDelayDescr& node = __DELAY_IMPORT_DESCRIPTOR_node_lib;
  char* const base = reinterpret_cast<char*>(&__ImageBase);
  const auto* names = reinterpret_cast<const IMAGE_THUNK_DATA*>(base + node.rvaINT);
  auto* functions = reinterpret_cast<FARPROC*>(base + node.rvaIAT);
  int count = 0;
  while (names[count].u1.AddressOfData != 0) {
    __delayLoadHelper2(&node, functions + count);
    ++count;
  }
  return count;
}

[[maybe_unused]] const int found = find_functions();

}  // namespace
#endif
