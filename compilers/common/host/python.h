// SPDX-License-Identifier: Apache-2.0
// A Python interpreter inside this process, opened at run time: for compilers whose engines only
// Python can load. Nothing here is called while an inference is timed.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

#include "assay/runner.h"

namespace assay::host {

using Json = nlohmann::json;

struct Failure {
  assay_status status = ASSAY_FAILED;
  std::string text;
};
template <class T>
using Expected = tl::expected<T, Failure>;
using Outcome = Expected<void>;

inline tl::unexpected<Failure> fail(assay_status status, std::string text) {
  return tl::unexpected(Failure{status, std::move(text)});
}

// The virtual environment that a file of its site-packages belongs to.
struct Environment {
  std::string program;  // bin/python of the environment
  std::string home;     // where its base interpreter lies (pyvenv.cfg, "home"), may be ""
  std::string version;  // "3.12"
};
// Of a path like .../lib/python3.12/site-packages/...; `invalid` for another one.
Expected<Environment> environment_of(const std::string& file);

class Python {
 public:
  // Starts the interpreter of `environment`, or returns the one that runs; a process has one, so
  // another environment is `invalid`. `missing` where its shared library is not found. `folders`
  // come first in sys.path.
  static Expected<Python*> start(const Environment& environment,
                                 const std::vector<std::string>& folders);

  // What assay_host.py answers; its error as a Failure. `wait` serves the question's wait().
  // Any thread may ask; the interpreter's lock is held only inside.
  Expected<Json> ask(const Json& question, const std::function<int()>& wait = nullptr);

 private:
  struct Api;
  Python() = default;
  const Api* api_ = nullptr;
  Environment environment_;
};

}  // namespace assay::host
