// SPDX-License-Identifier: Apache-2.0
#include "diff/engine_map.h"
