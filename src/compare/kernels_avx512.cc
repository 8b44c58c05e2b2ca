// SPDX-License-Identifier: Apache-2.0
#define ASSAY_KERNELS kAvx512Kernels
#define ASSAY_KERNELS_NAME "avx512"
#include "compare/kernels.inl"
