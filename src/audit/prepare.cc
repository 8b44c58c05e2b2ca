// SPDX-License-Identifier: Apache-2.0
#include "audit/prepare.h"

#include <algorithm>

#include "audit/machine.h"
#include "base/text.h"

namespace assay::audit {
namespace {

// "npy:input=FILE,mask=FILE" -> pairs.
Result<std::vector<std::pair<std::string, fs::path>>> npy_files(std::string_view spec) {
  std::vector<std::pair<std::string, fs::path>> out;
  std::string_view rest = spec.substr(4);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const size_t eq = part.find('=');
    if (eq == std::string_view::npos || eq == 0)
      return bad_input(fmt::format("data \"{}\": expected npy:INPUT=FILE,...", one_line(spec)));
    out.emplace_back(std::string(part.substr(0, eq)), fs::path(part.substr(eq + 1)));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

// {"resize": 224, "mean": [..], "std": [..], "bgr": true, "labels": FILE}; what is not said stays
// ImageNet's.
Result<vision::Preprocess> preprocess_of(const Json& given) {
  vision::Preprocess out;
  for (const auto& [key, value] : given.items()) {
    if (key == "mean" || key == "std") {
      std::vector<double> numbers;
      for (const Json& v : value)
        if (v.is_number()) numbers.push_back(v.get<double>());
      const bool zero =
          key == "std" && std::find(numbers.begin(), numbers.end(), 0.0) != numbers.end();
      if (!value.is_array() || numbers.size() != value.size() ||
          (numbers.size() != 1 && numbers.size() != 3) || zero)
        return bad_input(
            fmt::format("preprocess.{} is {}, expected 1 or 3 numbers, of pixels scaled to 0..1",
                        key, dump_json(value)));
      (key == "mean" ? out.mean : out.std) = std::move(numbers);
    } else if (key == "resize" && value.is_number_integer() && value.get<int64_t>() >= 0 &&
               value.get<int64_t>() <= 20000) {
      out.resize_shorter = value.get<int64_t>();
    } else if (key == "bgr" && value.is_boolean()) {
      out.bgr = value.get<bool>();
    } else if (key != "labels" || !value.is_string()) {
      return bad_input(
          fmt::format("preprocess.{} = {} is not understood", one_line(key), dump_json(value)),
          "known: resize (shorter side, 0 = straight to the input), mean, std, bgr (true or "
          "false), labels (file)");
    }
  }
  return out;
}

Result<vision::Dataset> open_data(const ModelPlan& plan, const model::ModelInfo& info,
                                  uint64_t seed, const fs::path& data_folder) {
  std::error_code ec;
  if (fs::exists(fs::path(plan.data) / "dataset.json", ec))
    return vision::open_dataset(plan.data, true);
  // Made ones lie under the content of what was asked, so that a resumed run finds them again.
  Json key{{"data", plan.data},    {"inputs", plan.inputs},     {"seed", seed},
           {"model", info.sha256}, {"sampling", plan.sampling}, {"preprocess", plan.preprocess}};
  const fs::path out = data_folder / content_id(dump_json(key));
  if (fs::exists(out / "dataset.json", ec)) return vision::open_dataset(out, true);
  fs::remove_all(out, ec);
  double bytes = 0;
  for (const TensorSpec& t : info.inputs)
    bytes += static_cast<double>(t.bytes()) * static_cast<double>(plan.inputs);
  const fs::space_info room = fs::space(data_folder.parent_path(), ec);
  if (!ec && bytes > 0.25 * static_cast<double>(room.available))
    return bad_input(fmt::format("{} inputs of {} need {}", plan.inputs, plan.name,
                                 format_bytes(static_cast<int64_t>(bytes))),
                     "use fewer --inputs, or a data set that is prepared already");
  if (plan.data == "synthetic")
    return vision::dataset_synthetic(info.inputs, plan.inputs, seed, out);
  if (plan.data.starts_with("npy:")) {
    ASSAY_TRY(auto files, npy_files(plan.data));
    return vision::dataset_from_npy(files, info.inputs, out);
  }
  if (fs::is_directory(plan.data, ec)) {
    if (info.inputs.size() != 1)
      return bad_input(
          fmt::format("data {}: a folder of images needs a model with one input, {} has {}",
                      plan.data, plan.name, info.inputs.size()),
          "use npy:INPUT=FILE,...");
    vision::ImageFolderOptions options;
    options.limit = plan.inputs;
    if (plan.sampling == "independent") options.sampling = Sampling::independent;
    ASSAY_TRY(options.preprocess, preprocess_of(plan.preprocess));
    options.labels_file = get_string(plan.preprocess, "labels");
    return vision::dataset_from_images(plan.data, info.inputs[0], options, out);
  }
  return bad_input(
      fmt::format("data \"{}\" is neither a folder nor a known data set", one_line(plan.data)),
      "give a folder of images, a prepared folder, npy:INPUT=FILE, synthetic, or a name of `assay "
      "models`");
}

// The lock of a recipe that is built from one, and that it is a lock of this recipe.
Result<std::shared_ptr<const LockFolder>> open_lock(const RecipePlan& r, int64_t threads,
                                                    const model::ModelInfo& info) {
  if (r.lock_mode != "verified" || r.lock.empty()) return nullptr;
  ASSAY_TRY(LockFolder folder, LockFolder::open(r.lock));
  const Lock& l = folder.lock();
  if (l.compiler != r.compiler || l.precision != r.precision || word(l.proof) != r.lock_proof ||
      l.options != r.options || l.threads != threads || l.device != r.device)
    return bad_input(
        fmt::format("lock {} is of {} {} ({})", r.lock.string(), one_line(l.compiler),
                    one_line(l.precision), word(l.proof)),
        fmt::format("the plan needs one of {} {} ({})", r.compiler, r.precision, r.lock_proof));
  ASSAY_TRY(const std::string model, sha256_file(info.path));
  if (model != l.model.front().sha256)
    return bad_input(
        fmt::format("lock {} is of another model than {}", r.lock.string(), info.path.string()),
        "record a lock of this model");
  return std::make_shared<const LockFolder>(std::move(folder));
}

// True boxes of classes that the detector does not have would be left out in silence.
Status check_truth(const PreparedModel& m) {
  if (!m.detector) return {};
  for (size_t i = 0; i < m.data.boxes.size(); ++i)
    for (const vision::Box& b : m.data.boxes[i])
      if (b.label >= m.detector->classes)
        return bad_input(
            fmt::format("data set {}: a true box of item {} has label {}, the detector "
                        "has {} classes",
                        one_line(m.data.name, 80), i, b.label, m.detector->classes),
            "prepare the data set again, or correct the detector file "
            "(docs/detections.md)");
  return {};
}

}  // namespace

int64_t PreparedRecipe::builds(const Plan& plan) const {
  return plan.builds + (lock && plan.recorded_engines ? 1 : 0);
}

Result<Prepared> prepare(const Plan& plan, const fs::path& data_folder, bool reference_was_named) {
  Prepared out;
  std::string environment = machine_id() + "\n" + cpu_name() + "\n" + ASSAY_VERSION + "\n";
  for (const ModelPlan& m : plan.models) {
    PreparedModel pm;
    ASSAY_TRY(pm.info, model::inspect(m.path, m.shapes));
    ASSAY_TRY(pm.data, open_data(m, pm.info, plan.seed, data_folder));
    ASSAY_CHECK(vision::check_fits(pm.data, pm.info.inputs));
    pm.n = std::min(m.inputs, pm.data.n);
    if (m.detector.empty()) {
      ASSAY_TRY(pm.detector, vision::detector_beside(m.path));
    } else {
      ASSAY_TRY(const std::string text, read_file(m.detector, int64_t{1} << 27));
      ASSAY_TRY(const Json j, parse_json(text, one_line(m.detector)));
      ASSAY_TRY(pm.detector, vision::detector_from_json(j, m.detector));
    }
    ASSAY_CHECK(check_truth(pm));
    Json shapes = Json::array();
    for (const TensorSpec& t : pm.info.inputs) shapes.push_back(to_json(t));
    // Another detector makes other boxes of the same outputs: it belongs to the model.
    const std::string boxes = pm.detector ? dump_json(vision::to_json(*pm.detector)) : "";
    pm.model_id = content_id(pm.info.sha256 + dump_json(shapes) + m.name + boxes);
    pm.dataset_id = content_id(pm.data.sha256 + pm.model_id + std::to_string(pm.n));
    for (const RecipePlan& r : m.recipes) {
      PreparedRecipe pr;
      pr.model = out.models.size();
      pr.plan = r;
      ASSAY_TRY(pr.compiler, find_compiler(r.compiler));
      pr.is_reference = r.compiler == "reference";
      auto installation = find_installation(pr.compiler, r.device);
      if (!installation && pr.is_reference && !reference_was_named) {
        out.notes.push_back(
            "the reference compiler is not installed, so nothing is compared with it; run: " +
            pr.compiler.install_command());
        continue;
      }
      if (!installation) return tl::unexpected<Error>(std::move(installation).error());
      pr.installation = std::move(*installation);
      environment += pr.installation.packages_key + "\n";
      ASSAY_TRY(pr.lock, open_lock(r, plan.threads, pm.info));
      Json identity{{"model", pm.model_id},     {"data", pm.dataset_id}, {"compiler", r.compiler},
                    {"precision", r.precision}, {"options", r.options},  {"threads", plan.threads}};
      if (r.dvfs != "default") identity["dvfs"] = r.dvfs;
      if (r.device != "cpu") identity["device"] = r.device;
      if (pr.lock) identity["lock"] = pr.lock->sha256();
      pr.recipe_id = content_id(dump_json(identity));
      out.recipes.push_back(std::move(pr));
    }
    out.models.push_back(std::move(pm));
  }
  if (out.recipes.empty())
    return missing("no compiler of the plan is installed",
                   "run: ./assay-up compilers reference onnxruntime openvino");
  out.environment_key = sha256_hex(environment);
  return out;
}

}  // namespace assay::audit
