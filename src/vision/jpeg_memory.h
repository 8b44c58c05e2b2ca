// SPDX-License-Identifier: Apache-2.0
// libjpeg's memory manager over an arena: every request of the library is a step forward in it.
#pragma once

#include <cstdio>  // jpeglib.h needs it before

#include <jpeglib.h>

#include "vision/arena.h"

namespace assay::vision {

struct VirtualRows;

// Pools are not told apart: all of a picture goes when the arena is reset. "Virtual" arrays are
// whole in memory. `pub` is handed to libjpeg, which needs nothing but it.
struct JpegMemory {
  jpeg_memory_mgr pub;  // first: libjpeg hands back a pointer to it
  Arena* arena;
  VirtualRows* pending;  // asked for, not yet realised
  bool* no_memory;       // set before the error that ends the picture

  void init(Arena* from, bool* failed);
  void forget() { pending = nullptr; }  // with the arena's reset
};

}  // namespace assay::vision
