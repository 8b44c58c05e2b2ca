// SPDX-License-Identifier: Apache-2.0
#define ASSAY_KERNELS kAvx2Kernels
#define ASSAY_KERNELS_NAME "avx2"
#include "compare/kernels.inl"
