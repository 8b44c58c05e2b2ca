// SPDX-License-Identifier: Apache-2.0
// What `assay doctor` says of a machine: each control and counter, whether we can change it,
// whether it harms a measurement, and the command that mends it. Reads only.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "platform/roots.h"

namespace assay::platform {

enum class Harm { none, possible, harmful, unknown };  // of the audit, as the machine stands

struct Fact {
  std::string group;        // cpu | memory | kernel | sensors | isolation | gpu N | board | network
  std::string name, value;  // value: as the machine says it, or "unknown"
  Harm harm = Harm::unknown;
  std::string why;        // why it harms, or why it is unknown; one line
  bool settable = false;  // `assay doctor --fix` can set it, here and now
  std::string fix;        // a command to run, "" when there is nothing to mend
};

std::vector<Fact> facts(const Roots& roots);
Json to_json(const Fact& fact);
Json to_json(const std::vector<Fact>& facts);
// Value of the first fact of that group and name; "unknown" when there is none.
std::string value_of(const std::vector<Fact>& facts, std::string_view group, std::string_view name);
std::string_view word(Harm harm);

}  // namespace assay::platform
