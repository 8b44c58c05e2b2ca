// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/library.h"

#include <dlfcn.h>

#include <utility>

#include "base/text.h"

namespace assay::platform {

Result<Library> Library::open(const std::vector<std::string>& names, Unload unload,
                              std::string_view fix) {
  const auto holding = [&](void* handle, const std::string& name) {
    Library library;
    library.handle_ = handle;
    library.unload_ = unload;
    library.name_ = name;
    return library;
  };
  for (const std::string& name : names) {
    if (name.empty()) continue;  // dlopen("") would be this program
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD))
      return holding(handle, name);
  }
  std::string reasons;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return holding(handle, name);
    const char* words = dlerror();
    if (!reasons.empty()) reasons += "; ";
    reasons += words ? one_line(words) : name;
  }
  if (reasons.empty()) reasons = "no name was given";
  return missing(fmt::format("cannot be loaded: {}", reasons), std::string(fix));
}

Library::Library(Library&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      unload_(other.unload_),
      name_(std::move(other.name_)) {}

Library& Library::operator=(Library&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, nullptr);
    unload_ = other.unload_;
    name_ = std::move(other.name_);
  }
  return *this;
}

Library::~Library() { close(); }

void Library::close() noexcept {
  if (handle_ && unload_ == Unload::at_end) dlclose(handle_);
  handle_ = nullptr;
}

void* Library::find(const char* symbol) const { return handle_ ? dlsym(handle_, symbol) : nullptr; }

}  // namespace assay::platform
