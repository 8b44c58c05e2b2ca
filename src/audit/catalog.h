// SPDX-License-Identifier: Apache-2.0
// The compilers (compilers/<name>/compiler.toml) and models (tools/models/catalog.toml) this
// installation knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/result.h"

namespace assay::audit {

struct OptionSpec {
  std::string name, type, help;  // type: int | float | bool | string
  Json fallback;                 // default value, of that type
  std::vector<std::string> choices;
};

struct Compiler {
  std::string name, summary, family, runner, library_glob, decides_at, kernels;
  std::string manual;                // what to do where ./assay-up does not install it; "": it does
  std::vector<std::string> builder;  // argv with {python} {folder} {bin}
  std::vector<std::string> precisions;
  bool search = false;
  std::vector<OptionSpec> options;
  // [env]: set for every builder and launch, before any library loads.
  std::map<std::string, std::string> env;
  double build_s = 5,
         trial_s =
             0;  // [estimate]: seconds a build, and a measured candidate, cost on a small machine
  fs::path folder;

  std::string install_command() const { return "./assay-up compilers " + name; }
  // What to tell a user who lacks it.
  std::string install_fix() const { return manual.empty() ? "run: " + install_command() : manual; }
};

// Where the folders compilers/ and tools/ lie: $ASSAY_SHARE, <bin>/../share/assay, or the source
// tree of the build.
fs::path share_dir();

Result<std::vector<Compiler>> load_compilers();
// Usage error that lists the known names when `name` is none of them.
Result<Compiler> find_compiler(std::string_view name);

// What a recipe needs at run time; a missing error with the install command when it is not there.
struct Installation {
  std::vector<std::string> builder_argv;
  fs::path runner, library;  // library may be empty
  std::string packages_key;  // names the pinned environment, "" when the compiler needs none
};
Result<Installation> find_installation(const Compiler& compiler);

// Every declared option with its value: `given` checked against type and choices, defaults filled
// in.
Result<Json> complete_options(const Compiler& compiler, const Json& given);
// Text from the command line ("16", "true", "ga") as a value of the option's type.
Result<Json> parse_option(const Compiler& compiler, std::string_view name, std::string_view text);

struct CatalogModel {
  std::string name, summary;
  fs::path model, data;  // absolute; empty when the entry has none
  bool present = false;
};
Result<std::vector<CatalogModel>> load_models();

}  // namespace assay::audit
