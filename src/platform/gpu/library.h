// SPDX-License-Identifier: Apache-2.0
// A vendor's library, loaded when it is asked for. Its functions are found by name; one that is not
// there is absent, and named in what is said of it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::platform {

class Library {
 public:
  // never: for libraries that leave threads or handlers behind (CUDA, CUPTI).
  enum class Unload { at_end, never };
  // The first of `names` (for dlopen: a name or a path) that this process already holds, else the
  // first that loads. Error (missing) with the
  // loader's words for each, and `fix`.
  static Result<Library> open(const std::vector<std::string>& names, Unload unload,
                              std::string_view fix);
  Library() = default;
  Library(Library&& other) noexcept;
  Library& operator=(Library&& other) noexcept;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  const std::string& name() const { return name_; }  // as it was opened
  void* find(const char* symbol) const;              // null: not there

 private:
  void close() noexcept;
  void* handle_ = nullptr;
  Unload unload_ = Unload::at_end;
  std::string name_;
};

// A function that returns a status, 0 for success. `name`: the symbol that was found, else the
// first that was sought.
template <class... A>
struct Function {
  std::string_view name;
  int (*call)(A...) = nullptr;

  // `names`, literals: newest first.
  void bind(const Library& library, std::initializer_list<const char*> names) {
    name = *names.begin();
    for (const char* n : names) {
      if (void* found = library.find(n)) {
        name = n;
        call = reinterpret_cast<int (*)(A...)>(found);
        return;
      }
    }
  }
  explicit operator bool() const { return call != nullptr; }
  // `absent` when there is no such function.
  template <class... B>
  int operator()(int absent, B... arguments) const {
    return call ? call(arguments...) : absent;
  }
};

}  // namespace assay::platform
