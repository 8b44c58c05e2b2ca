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
  // Kinds of device that it builds for and runs on, the default first: "cpu", "cuda".
  std::vector<std::string> devices = {"cpu"};
  // [device.KIND]: where a kind needs another environment or library than the rest.
  struct DeviceEnvironment {
    std::string family, library_glob;
  };
  std::map<std::string, DeviceEnvironment> device_environments;
  bool search = false;
  std::vector<OptionSpec> options;
  // [env]: set for every builder and launch, before any library loads.
  std::map<std::string, std::string> env;
  double build_s = 5,
         trial_s =
             0;  // [estimate]: seconds a build, and a measured candidate, cost on a small machine
  // [lock]: proof classes it may claim, the default first (empty: no lock), and what a lock of it
  // does not cover.
  std::vector<std::string> lock_proofs, lock_not_covered;
  fs::path folder;

  std::string install_command(std::string_view device = "cpu") const;
  // What to tell a user who lacks it.
  std::string install_fix(std::string_view device = "cpu") const;
};

// Kind of a device: "cuda" of "cuda:0".
std::string_view device_kind(std::string_view device);
// `asked` in full ("cuda" -> "cuda:0"; empty: the compiler's default). Usage error when it is no
// device, or when the compiler does not offer its kind; names those that it does.
Result<std::string> resolve_device(const Compiler& compiler, std::string_view asked);

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
  fs::path venv;             // canonical; empty when the compiler needs none
  fs::path python;           // of the builder
  std::string packages_key;  // names the pinned environment, "" when the compiler needs none
};
Result<Installation> find_installation(const Compiler& compiler, std::string_view device = "cpu");
// [env] for a child on `device`: with CUDA, devices are numbered as NVML numbers them.
std::map<std::string, std::string> child_environment(const Compiler& compiler,
                                                     std::string_view device);

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
