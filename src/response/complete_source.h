// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "response/plan.h"

namespace assay::response {

// Fills in where the frames come from and looks whether anything is there: usage error before
// something is built for it. Of a video only that the file is one; its reader judges the rest.
Status complete_source(Plan& plan);

}  // namespace assay::response
