// The fat binary that nvcc made of kernels.cu, as a part of the library.
#ifdef __APPLE__
#error "There is no CUDA on macOS."
#endif
__asm__(
    ".section .rodata\n"
    ".balign 64\n"
    ".globl winnow_cuda_kernels\n"
    ".hidden winnow_cuda_kernels\n"
    "winnow_cuda_kernels:\n"
    ".incbin \"" WINNOW_CUDA_FATBIN
    "\"\n"
    ".byte 0\n"
    ".text\n");
