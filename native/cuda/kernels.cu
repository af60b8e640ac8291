// The kernels for NVIDIA's GPUs: one fat binary of all architectures, which becomes part of the library.
#include "gpu/kernels/kernels.h"
