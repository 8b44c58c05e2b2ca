// SPDX-License-Identifier: Apache-2.0
#include "audit/plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "audit/clock_states.h"
#include "base/text.h"

namespace assay::audit {
namespace {

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> table = {
      {"quick", 3, 3, 300, 500, "outputs, labels, kernels, intervals of the median",
       "equivalence of latency, p99.9, pWCET", false, false},
      {"standard", 5, 10, 1000, 5000, "quick's, equivalence of latency (TOST), variance split, p99",
       "p99.9, pWCET", true, false},
      {"certify", 10, 20, 5000, 46050, "standard's, p99.9 bounds, pWCET over builds",
       "the WCET of other inputs, co-runners or temperatures than those measured", true, true}};
  return table;
}

constexpr int64_t kMostIdleMs = 600'000;

Status in_range(int64_t value, int64_t low, int64_t high, std::string_view flag) {
  if (value >= low && value <= high) return {};
  return bad_input(fmt::format("{} is {}, expected {} to {}", flag, value, low, high));
}

Result<RecipePlan> plan_recipe(const Compiler& c, const std::string& precision, const Json& options,
                               const std::string& mode, const std::string& proof) {
  RecipePlan r{c.name, precision, options};
  if (mode != "off" && mode != "record" && mode != "verified")
    return bad_input(fmt::format("lock mode \"{}\" is unknown", one_line(mode)),
                     "use off, record or verified");
  r.lock_mode = mode;
  if (mode == "off") return r;
  if (c.lock_proofs.empty())
    return bad_input(fmt::format("compiler {} has no lock", c.name),
                     "leave it out of a plan with lock mode " + mode);
  r.lock_proof = proof.empty() ? c.lock_proofs.front() : proof;
  if (std::find(c.lock_proofs.begin(), c.lock_proofs.end(), r.lock_proof) == c.lock_proofs.end())
    return bad_input(fmt::format("compiler {} offers no lock of proof class \"{}\"", c.name,
                                 one_line(r.lock_proof)),
                     fmt::format("use {}", fmt::join(c.lock_proofs, " or ")));
  return r;
}

Result<ModelPlan> plan_model(const Request::Model& m, const Request& request,
                             const Profile& profile) {
  ModelPlan out;
  ASSAY_TRY(auto catalog, load_models());
  std::error_code ec;
  auto data_named = [&](const std::string& name) -> const CatalogModel* {
    for (const CatalogModel& c : catalog)
      if (c.name == name && !c.data.empty()) return &c;
    return nullptr;
  };
  const CatalogModel* entry = nullptr;
  for (const CatalogModel& c : catalog)
    if (c.name == m.model && !c.model.empty()) entry = &c;
  // A folder of that name is no model: only a file hides a name of the catalog.
  if (entry && !fs::is_regular_file(m.model, ec)) {
    if (!entry->present)
      return missing(fmt::format("model {} has not been made yet", m.model),
                     "run: ./assay-up models " + m.model);
    out.path = entry->model;
    out.name = m.name.empty() ? m.model : m.name;
    out.data = m.data.empty() && !entry->data.empty() ? entry->data.string() : m.data;
  } else {
    if (!fs::exists(m.model, ec)) {
      std::vector<std::string> names;
      for (const CatalogModel& c : catalog)
        if (!c.model.empty()) names.push_back(c.name);
      return bad_input(
          fmt::format("model {} is neither a file nor a known name", one_line(m.model)),
          fmt::format("give an .onnx file or one of: {}", fmt::join(names, ", ")));
    }
    out.path = fs::canonical(m.model, ec);
    out.name = m.name.empty() ? out.path.stem().string() : m.name;
    out.data = m.data;
  }
  // Names become columns, folders and terminal text: no control characters, no separators.
  for (char& c : out.name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/') c = '_';
  if (out.name == "." || out.name == "..") out.name = "model";
  if (out.data.empty()) out.data = "synthetic";
  if (const CatalogModel* d = data_named(out.data)) {
    if (!d->present)
      return missing(fmt::format("data set {} has not been made yet", out.data),
                     "run: ./assay-up models " + out.data);
    out.data = d->data.string();
  }
  // Children run elsewhere: what they are told must be absolute.
  if (out.data != "synthetic" && !out.data.starts_with("npy:") && fs::exists(out.data, ec))
    out.data = fs::canonical(out.data, ec).string();
  out.inputs = m.inputs > 0 ? m.inputs : request.inputs > 0 ? request.inputs : profile.inputs;
  ASSAY_CHECK(in_range(out.inputs, 1, 10'000'000, "inputs"));
  out.sampling = m.sampling;
  if (!out.sampling.empty() && out.sampling != "independent" && out.sampling != "fixed") {
    return bad_input(fmt::format("sampling is \"{}\"", one_line(out.sampling)),
                     "use independent or fixed");
  }
  out.detector = m.detector;
  out.preprocess = m.preprocess;
  ASSAY_TRY(out.shapes, model::parse_shapes(m.shapes));

  std::vector<std::string> names = m.compilers;
  if (request.reference && std::find(names.begin(), names.end(), "reference") == names.end())
    names.insert(names.begin(), "reference");
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& n) { return n == "reference"; });
  std::set<std::string> labels;
  for (const std::string& name : names) {
    ASSAY_TRY(Compiler c, find_compiler(name));
    Json given = Json::object();
    if (auto it = request.options.find(name); it != request.options.end()) given = it->second;
    ASSAY_TRY(Json options, complete_options(c, given));
    std::vector<std::string> devices;
    for (const std::string& asked :
         name == "reference" || m.devices.empty() ? std::vector<std::string>{""} : m.devices) {
      ASSAY_TRY(std::string device, resolve_device(c, asked));
      devices.push_back(std::move(device));
    }
    // The reference is the yardstick: one row, in the model's own precision.
    const auto precisions = name == "reference" || m.precisions.empty()
                                ? std::vector<std::string>{"fp32"}
                                : m.precisions;
    for (const std::string& p : precisions) {
      if (p.empty() ||
          p.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
        return bad_input(fmt::format("precision \"{}\" is not a name", one_line(p)),
                         "use fp32, fp16, bf16 or int8");
      // The yardstick is never locked: it is there to be compared with.
      const bool yardstick = name == "reference" && names.size() > 1;
      std::vector<std::pair<std::string, std::string>> variants;  // device, lock mode
      for (const std::string& device : devices)
        for (const std::string& mode :
             yardstick || m.locks.empty() ? std::vector<std::string>{"off"} : m.locks)
          variants.emplace_back(device, mode);
      for (const auto& [device, mode] : variants) {
        ASSAY_TRY(RecipePlan r, plan_recipe(c, p, options, mode, m.lock_proof));
        r.device = device;
        if (!labels.insert(r.label()).second)
          return bad_input(fmt::format("recipe \"{}\" stands twice in the plan", r.label()),
                           "modes off and record of one recipe are the same builds: name one");
        out.recipes.push_back(std::move(r));
      }
    }
  }
  if (out.recipes.empty())
    return bad_input(fmt::format("model {}: no compiler is named", out.name),
                     "add --compiler NAME");
  ASSAY_TRY(out.recipes, in_clock_states(std::move(out.recipes), m.dvfs));
  return out;
}

}  // namespace

Result<Profile> find_profile(std::string_view name) {
  std::vector<std::string> names;
  for (const Profile& p : profiles()) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  return bad_input(fmt::format("unknown profile \"{}\"", one_line(name)),
                   fmt::format("known: {}", fmt::join(names, ", ")));
}

Result<Plan> make_plan(const Request& request) {
  Plan plan;
  ASSAY_TRY(plan.profile, find_profile(request.profile));
  auto pick = [](int64_t asked, int64_t fallback) { return asked > 0 ? asked : fallback; };
  plan.builds = pick(request.builds, plan.profile.builds);
  plan.launches = pick(request.launches, plan.profile.launches);
  plan.samples = pick(request.samples, plan.profile.samples);
  plan.threads = request.threads;
  if (request.warmup_ms >= 0) plan.warmup_ms = request.warmup_ms;
  if (request.idle_ms > kMostIdleMs)
    return bad_input(fmt::format("idle_ms is {}", request.idle_ms),
                     fmt::format("milliseconds from 0 to {}", kMostIdleMs));
  if (request.idle_ms >= 0) plan.idle_ms = request.idle_ms;
  if (request.warmup_runs >= 0) plan.warmup_runs = request.warmup_runs;
  if (request.build_timeout_s > 0) plan.build_timeout_s = request.build_timeout_s;
  if (request.launch_timeout_s > 0) plan.launch_timeout_s = request.launch_timeout_s;
  plan.memory_limit_bytes = request.memory_limit_bytes;
  plan.seed = request.seed ? *request.seed : 1;
  if ((request.limit_ns > 0) != (request.limit_below > 0) ||
      !(request.limit_below >= 0 && request.limit_below < 1))
    return bad_input(
        fmt::format("a requirement needs a limit and a rate below 1, found {} ns and {:g}",
                    request.limit_ns, request.limit_below),
        "write --limit 20ms --below 1e-3, or limit_ms and limit_below in [audit]");
  plan.limit_ns = request.limit_ns;
  plan.limit_below = request.limit_below;
  plan.allowed = request.allowed;
  ASSAY_CHECK(in_range(request.gpu_mhz, 0, 100'000, "gpu_mhz"));
  plan.gpu_mhz = request.gpu_mhz;
  for (const auto& [margin, to] : {std::pair{request.label_margin, &plan.label_margin},
                                   std::pair{request.accuracy_margin, &plan.accuracy_margin},
                                   std::pair{request.latency_margin, &plan.latency_margin},
                                   std::pair{request.tail_margin, &plan.tail_margin}}) {
    if (!(margin >= 0 && margin < 1))
      return bad_input(fmt::format("a margin is {:g}, expected a fraction below 1", margin),
                       "write 0.01 for 1 %");
    if (margin > 0) *to = margin;
  }
  ASSAY_CHECK(in_range(request.builds, 0, 10000, "builds"));
  ASSAY_CHECK(in_range(request.launches, 0, 10000, "launches"));
  ASSAY_CHECK(in_range(request.samples, 0, 1'000'000'000, "samples"));
  ASSAY_CHECK(in_range(plan.threads, 1, 1024, "threads"));
  for (const auto& [name, options] : request.options) {
    ASSAY_TRY(Compiler c, find_compiler(name));
    ASSAY_TRY(Json checked, complete_options(c, options));
  }
  std::set<std::string> names;
  for (const Request::Model& m : request.models) {
    ASSAY_TRY(ModelPlan p, plan_model(m, request, plan.profile));
    if (!names.insert(p.name).second)
      return bad_input(fmt::format("two models are named \"{}\"", one_line(p.name)),
                       "give one another name = ...");
    plan.models.push_back(std::move(p));
  }
  return plan;
}

Json to_json(const Plan& p) {
  Json models = Json::array();
  for (const ModelPlan& m : p.models) {
    Json recipes = Json::array();
    for (const RecipePlan& r : m.recipes) {
      recipes.push_back(
          {{"compiler", r.compiler}, {"precision", r.precision}, {"options", r.options}});
      if (r.dvfs != "default") recipes.back()["dvfs"] = r.dvfs;
      if (r.device != "cpu") recipes.back()["device"] = r.device;
      if (r.lock_mode != "off")
        recipes.back()["lock"] = {{"mode", r.lock_mode}, {"proof", r.lock_proof}};
    }
    Json shapes = Json::object();
    for (const auto& [name, shape] : m.shapes) shapes[name] = shape;
    models.push_back({{"name", m.name},
                      {"path", m.path.string()},
                      {"data", m.data},
                      {"inputs", m.inputs},
                      {"sampling", m.sampling},
                      {"preprocess", m.preprocess},
                      {"shapes", shapes},
                      {"recipes", recipes}});
    if (!m.detector.empty()) models.back()["detector"] = m.detector;
  }
  Json out{{"profile", p.profile.name},
           {"builds", p.builds},
           {"launches", p.launches},
           {"samples", p.samples},
           {"threads", p.threads},
           {"warmup_runs", p.warmup_runs},
           {"warmup_ms", p.warmup_ms},
           {"slots", p.slots},
           {"build_timeout_s", p.build_timeout_s},
           {"launch_timeout_s", p.launch_timeout_s},
           {"memory_limit_bytes", p.memory_limit_bytes},
           {"seed", p.seed},
           {"label_margin", p.label_margin},
           {"latency_margin", p.latency_margin},
           {"tail_margin", p.tail_margin},
           {"limit_ns", p.limit_ns},
           {"limit_below", p.limit_below},
           {"accuracy_margin", p.accuracy_margin},
           {"models", models}};
  // What was checked with an item allowed must not speak for a run without it.
  if (!p.allowed.empty()) out["allowed"] = p.allowed;
  if (p.gpu_mhz > 0) out["gpu_mhz"] = p.gpu_mhz;
  // Left out when it is the default, so that plans of before keep their hash.
  if (p.idle_ms != Plan{}.idle_ms) out["idle_ms"] = p.idle_ms;
  return out;
}

}  // namespace assay::audit
