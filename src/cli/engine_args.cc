// SPDX-License-Identifier: Apache-2.0
#include "cli/engine_args.h"

#include "audit/machine.h"
#include "base/text.h"
#include "cli/cli.h"

namespace assay::cli {

Result<EngineArg> open_engine_arg(const fs::path& folder, bool runnable,
                                  const std::string& device) {
  EngineArg arg;
  std::error_code ec;
  if (!fs::exists(folder / "manifest.json", ec))
    return bad_input(
        fmt::format("{} is not an engine folder: it has no manifest.json", folder.string()),
        "make one with: assay build MODEL --compiler NAME --out DIR");
  arg.folder = fs::canonical(folder, ec);
  ASSAY_TRY(std::string text, read_file(arg.folder / "manifest.json", 64 << 20));
  ASSAY_TRY(Json manifest, parse_json(text, "manifest.json"));
  // The inputs are checked against themselves here: there is no model to compare with.
  std::vector<TensorSpec> inputs;
  for (const Json& j : get_array(manifest, "inputs")) {
    ASSAY_TRY(TensorSpec spec, tensor_spec_from_json(j, "manifest.json"));
    inputs.push_back(std::move(spec));
  }
  ASSAY_TRY(arg.engine, audit::open_engine(arg.folder, inputs));
  ASSAY_TRY(arg.compiler, audit::find_compiler(get_string(manifest, "compiler")));
  const std::string built_for = get_string(manifest, "device", "cpu");
  if (runnable) {
    ASSAY_TRY(arg.device, audit::resolve_device(arg.compiler, device.empty() ? built_for : device));
    if (audit::device_kind(arg.device) != audit::device_kind(built_for))
      return bad_input(
          fmt::format("engine {} was built for {}", folder.string(), one_line(built_for)),
          "leave --device out, or build one for " + arg.device);
    ASSAY_TRY(arg.installation, audit::find_installation(arg.compiler, arg.device));
  }
  return arg;
}

Result<vision::Dataset> open_engine_data(const std::string& data,
                                         const std::vector<TensorSpec>& inputs, int64_t n,
                                         uint64_t seed, const fs::path& made) {
  if (data.empty() || data == "synthetic")
    return vision::dataset_synthetic(inputs, n, seed, made / "synthetic");
  fs::path folder = data;
  std::error_code ec;
  if (!fs::exists(folder / "dataset.json", ec)) {
    ASSAY_TRY(auto models, audit::load_models());
    for (const auto& m : models)
      if (m.name == data && !m.data.empty()) folder = m.data;
  }
  if (!fs::exists(folder / "dataset.json", ec))
    return bad_input(fmt::format("data \"{}\" is neither a prepared folder nor a known data set",
                                 one_line(data)),
                     "use a name of `assay models`, a folder with dataset.json, or synthetic");
  folder = fs::canonical(folder, ec);
  ASSAY_TRY(vision::Dataset d, vision::open_dataset(folder, false));
  ASSAY_CHECK(vision::check_fits(d, inputs));
  return d;
}

audit::WorkerLaunch base_launch(const EngineArg& e, const vision::Dataset& data) {
  audit::WorkerLaunch l;
  l.runner = e.installation.runner;
  l.library = e.installation.library;
  l.env = audit::child_environment(e.compiler, e.device);
  l.device = e.device;
  l.engine_dir = e.folder;
  l.dataset = data.folder;
  l.precision = get_string(e.engine.manifest, "precision", "fp32");
  l.threads = std::max<int64_t>(1, get_int(e.engine.manifest, "threads", 1));
  l.options = get_object(e.engine.manifest, "options");
  const auto cpus = audit::allowed_cpus();
  l.measure_cpu = cpus.empty() ? 0 : cpus.back();
  l.other_cpu = cpus.empty() ? 0 : cpus.front();
  l.cancel = interrupt_flag();
  return l;
}

}  // namespace assay::cli
