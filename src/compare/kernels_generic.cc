// SPDX-License-Identifier: Apache-2.0
#define ASSAY_KERNELS kGenericKernels
#define ASSAY_KERNELS_NAME "generic"
#include "compare/kernels.inl"
