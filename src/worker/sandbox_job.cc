// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox_job.h"

namespace assay::worker {

Json SandboxJob::to_json() const {
  return {{"argv", argv},
          {"env", env},
          {"cwd", cwd},
          {"cpus", cpus},
          {"file_limit_bytes", file_limit_bytes},
          {"network", network},
          {"samples", samples},
          {"cgroup_procs", cgroup_procs},
          {"writable", writable},
          {"parent_pid", parent_pid}};
}

Result<SandboxJob> SandboxJob::from_json(const Json& j) {
  SandboxJob job;
  for (const Json& text : get_array(j, "argv"))
    if (text.is_string()) job.argv.push_back(text.get<std::string>());
  for (const Json& text : get_array(j, "env"))
    if (text.is_string()) job.env.push_back(text.get<std::string>());
  for (const Json& cpu : get_array(j, "cpus"))
    if (cpu.is_number_integer()) job.cpus.push_back(cpu.get<int>());
  for (const Json& text : get_array(j, "writable"))
    if (text.is_string()) job.writable.push_back(text.get<std::string>());
  job.cwd = get_string(j, "cwd");
  job.file_limit_bytes = get_int(j, "file_limit_bytes");
  job.network = get_bool(j, "network");
  job.samples = get_bool(j, "samples");
  job.cgroup_procs = get_string(j, "cgroup_procs");
  job.parent_pid = static_cast<int>(get_int(j, "parent_pid"));
  if (job.argv.empty() || job.argv[0].empty() || job.argv[0][0] != '/')
    return bad_input("sandbox job: argv[0] is not an absolute path");
  return job;
}

}  // namespace assay::worker
