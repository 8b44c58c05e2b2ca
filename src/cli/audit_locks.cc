// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_locks.h"

#include <algorithm>

#include "audit/lock/record.h"
#include "cli/cli.h"
#include "cli/progress.h"

namespace assay::cli {
namespace {

// Names come from plans: what is no letter or digit would be a path or a surprise in a shell.
std::string file_name(std::string text) {
  for (char& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
  return text;
}

}  // namespace

Status record_locks(audit::Plan& plan, const fs::path& folder, const fs::path& data) {
  StatusLine line;
  for (audit::ModelPlan& m : plan.models) {
    for (audit::RecipePlan& r : m.recipes) {
      if (r.lock_mode == "off") continue;
      // What else makes it another lock stands in the name too.
      Json what{m.name, m.path.string(), r.options, plan.threads, plan.seed, Json(m.shapes)};
      if (r.device != "cpu") what.push_back(r.device);
      const std::string rest = content_id(dump_json(what));
      const fs::path path =
          folder / file_name(fmt::format("{}-{}-{}-{}-{}.lock", m.name, r.compiler, r.precision,
                                         r.lock_proof, rest.substr(0, 8)));
      std::error_code ec;
      if (!fs::exists(path, ec)) {
        ASSAY_CHECK(make_dirs(folder));
        audit::Plan one = plan;
        one.models = {m};
        one.models[0].recipes = {r};
        one.models[0].recipes[0].lock_mode = "off";
        ASSAY_TRY(audit::Prepared prepared, audit::prepare(one, data, true));
        audit::RecordOptions o;
        o.out = path;
        ASSAY_TRY(o.proof, audit::proof_from(r.lock_proof));
        o.margin = plan.latency_margin;
        o.launches = std::min<int64_t>(plan.launches, 3);
        o.samples = std::max<int64_t>(plan.samples, 1);
        o.inputs = m.inputs;
        o.cancel = interrupt_flag();
        o.on_progress = [&](const std::string& text) {
          line.show(fmt::format("lock of {} {} ({}), {}", r.compiler, r.precision, m.name, text));
        };
        ASSAY_TRY(audit::Lock lock, audit::record_lock(one, prepared, 0, o));
      }
      if (r.lock_mode == "verified") r.lock = path;
    }
  }
  return {};
}

}  // namespace assay::cli
