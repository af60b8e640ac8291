// The kernels with fp16 numbers, for the host.
#define WINNOW_HOST_FP16 1
#include "gpu/kernels/kernels.h"
