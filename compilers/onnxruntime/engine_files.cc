// SPDX-License-Identifier: Apache-2.0
#include "engine_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace assay::ort {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// `relative` is a plain path below the folder: no "..", no empty part, no leading slash.
bool is_plain(const std::string& relative) {
  if (relative.empty() || relative.find('\0') != std::string::npos) return false;
  size_t start = 0;
  while (true) {
    size_t end = relative.find('/', start);
    std::string part = relative.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string::npos) return true;
    start = end + 1;
  }
}

// The path of the one artifact of `manifest`, and its size.
Result<std::pair<std::string, uint64_t>> artifact_of(const Json& manifest) {
  std::pair<std::string, uint64_t> found;
  auto files = manifest.find("files");
  if (files == manifest.end() || !files->is_array()) {
    return fail(ASSAY_INVALID, "manifest.json: no list `files`");
  }
  for (const Json& file : *files) {
    if (!file.is_object() || text_of(file, "role") != "artifact") continue;
    if (!found.first.empty()) {
      return fail(ASSAY_INVALID, "manifest.json: two artifacts, expected one ONNX file");
    }
    found.first = text_of(file, "path");
    auto bytes = file.find("bytes");
    if (!is_plain(found.first) || bytes == file.end() || !bytes->is_number_unsigned()) {
      return fail(ASSAY_INVALID, "manifest.json: the artifact has no plain path or no size");
    }
    found.second = bytes->get<uint64_t>();
  }
  if (found.first.empty()) return fail(ASSAY_INVALID, "manifest.json: no artifact in `files`");
  return found;
}

}  // namespace

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
}

Status MappedFile::open(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return fail(ASSAY_INVALID, path + ": " + std::strerror(errno));
  struct stat info {};
  bool good = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
  void* data = MAP_FAILED;
  if (good) {
    size_ = static_cast<size_t>(info.st_size);
    data = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  }
  close(descriptor);
  if (data == MAP_FAILED) return fail(ASSAY_INVALID, path + ": empty or not a regular file");
  data_ = static_cast<const char*>(data);
  return {};
}

void MappedFile::drop_pages() const {
  if (data_ != nullptr) madvise(const_cast<char*>(data_), size_, MADV_DONTNEED);
}

Status open_engine_files(const std::string& folder, EngineFiles* out) {
  MappedFile text;
  if (auto done = text.open(folder + "/manifest.json"); !done) return done;
  Json manifest = Json::parse(text.bytes(), nullptr, false);
  if (!manifest.is_object()) return fail(ASSAY_INVALID, folder + "/manifest.json: not JSON");
  if (auto format = manifest.find("format"); format == manifest.end() || *format != 1) {
    return fail(ASSAY_INVALID, "manifest.json: format is not 1: made by another assay");
  }
  out->compiler = text_of(manifest, "compiler");
  out->precision = text_of(manifest, "precision");
  if (out->compiler != "onnxruntime" && out->compiler != "reference") {
    return fail(ASSAY_INVALID, "manifest.json: engine of compiler `" + out->compiler +
                                   "`, expected onnxruntime or reference");
  }
  auto artifact = artifact_of(manifest);
  if (!artifact) return tl::unexpected(artifact.error());
  std::string path = folder + "/" + artifact->first;
  if (auto done = out->model.open(path); !done) return done;
  if (out->model.bytes().size() != artifact->second) {
    return fail(ASSAY_INVALID, path + ": " + std::to_string(out->model.bytes().size()) +
                                   " bytes, the manifest says " + std::to_string(artifact->second));
  }
  auto facts = scan_model(out->model.bytes());
  if (!facts) return fail(ASSAY_INVALID, path + ": " + facts.error().text);
  if (facts->external_data) {
    return fail(ASSAY_INVALID, path + ": tensor " + facts->external_tensor +
                                   " keeps its values in another file; engines are one file");
  }
  out->facts = std::move(*facts);
  return {};
}

}  // namespace assay::ort
