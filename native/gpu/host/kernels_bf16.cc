// The kernels with bf16 numbers, for the host.
#define WINNOW_HOST_FP16 0
#include "gpu/kernels/kernels.h"
