// The fat binary that nvcc made of kernels.cu, as a part of the library.
#ifdef __APPLE__
#error "There is no CUDA on macOS."
#endif
#ifdef _WIN32
#define WINNOW_READ_ONLY ".section .rdata,\"dr\"\n"
#else
#define WINNOW_READ_ONLY ".section .rodata\n.hidden winnow_cuda_kernels\n"
#endif
__asm__(WINNOW_READ_ONLY
        ".balign 64\n"
        ".globl winnow_cuda_kernels\n"
        "winnow_cuda_kernels:\n"
        ".incbin \"" WINNOW_CUDA_FATBIN
        "\"\n"
        ".byte 0\n"
        ".text\n");
