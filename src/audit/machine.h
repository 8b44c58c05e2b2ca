// SPDX-License-Identifier: Apache-2.0
// What machine this is: every field is read, or "unknown".
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "platform/facts.h"

namespace assay::audit {

std::string machine_id();  // /etc/machine-id, else a hash of the CPU and host name
std::string boot_id();
std::string cpu_name();
std::string cpu_flags();  // of the first CPU: sorted, each once, "unknown" when not told
std::string cpu_architecture();
std::vector<int> allowed_cpus();
// Memory one child may take when the plan sets no limit: 80 % of the machine, so that a child that
// eats memory ends before the kernel looks for somebody to end.
int64_t default_memory_limit_bytes();

// The machine record of an attempt (docs/evidence-format.md).
Json machine_record();

// What `assay doctor` says: platform::facts, and what takes a measurement or a child to know (cost
// of a time stamp, isolation of children), of this machine alone.
std::vector<platform::Fact> machine_facts(const platform::Roots& roots);

}  // namespace assay::audit
