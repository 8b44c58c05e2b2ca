// SPDX-License-Identifier: Apache-2.0
// The engine folder as the runner needs it: the manifest and the mapped ONNX file, both untrusted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "failure.h"
#include "onnx_wire.h"

namespace assay::ort {

// A regular file mapped read-only for as long as the object lives.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // ASSAY_INVALID when `path` is absent, empty, a link or no regular file.
  Status open(const std::string& path);
  std::string_view bytes() const { return {data_, size_}; }
  void drop_pages() const;  // gives resident pages back; they are read again when touched

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

struct EngineFiles {
  std::string compiler;   // "onnxruntime" or "reference"
  std::string precision;  // as built
  MappedFile model;
  OnnxFacts facts;
};

// Reads manifest.json of `folder` and maps its one artifact. ASSAY_INVALID when the manifest is not
// whole, is of another compiler, or names a file outside the folder, and when the model is
// malformed or keeps values in other files (an engine is self-contained).
Status open_engine_files(const std::string& folder, EngineFiles* out);

}  // namespace assay::ort
