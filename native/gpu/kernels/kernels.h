// All kernels, for a compiler that has been told its dialect.
#pragma once

#include "gpu/kernels/maps.h"
#include "gpu/kernels/measure.h"
#include "gpu/kernels/multiply.h"
#include "gpu/kernels/pruning.h"
#include "gpu/kernels/scan.h"
#include "gpu/kernels/tokens.h"
