// SPDX-License-Identifier: Apache-2.0
#include "vision/pre_kernels.inl"

namespace assay::vision {

const PreKernels kScalarPreKernels = {"scalar",    false,    across_pil,   across_opencv,
                                      across_real, down_pil, down_opencv,  down_real,
                                      split,       convert,  convert_real, yuv};

}  // namespace assay::vision
