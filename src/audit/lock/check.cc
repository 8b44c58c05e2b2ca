// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/check.h"

#include <algorithm>

#include "audit/machine.h"

namespace assay::audit {
namespace {

LockCheck compared(std::string name, const std::string* expected, const std::string* found,
                   const Allowed& allowed) {
  LockCheck c{std::move(name), "same", expected ? *expected : "", found ? *found : ""};
  if (!found)
    c.state = "absent";
  else if (!expected)
    c.state = "extra";
  else if (*expected != *found)
    c.state = "differs";
  if (c.state != "same" && allowed.contains(c.name)) c.state = "allowed";
  return c;
}

using Items = std::map<std::string, std::string>;

std::vector<LockCheck> compare_items(const Items& expected, const Items& found,
                                     const Allowed& allowed) {
  std::vector<LockCheck> out;
  for (const auto& [name, value] : expected) {
    auto it = found.find(name);
    out.push_back(compared(name, &value, it == found.end() ? nullptr : &it->second, allowed));
  }
  for (const auto& [name, value] : found)
    if (!expected.contains(name)) out.push_back(compared(name, nullptr, &value, allowed));
  return out;
}

std::string kind_of(const std::string& name) { return name.substr(0, name.find('.')); }

}  // namespace

std::map<std::string, std::string> machine_contract() {
  return {{"cpu.architecture", cpu_architecture()},
          {"cpu.model", cpu_name()},
          {"cpu.flags", cpu_flags()},
          {"assay.version", ASSAY_VERSION}};
}

std::map<std::string, std::string> manifest_contract(const Json& m) {
  std::map<std::string, std::string> out = {{"compiler.version", get_string(m, "version")},
                                            {"compiler.target", get_string(m, "target")},
                                            {"compiler.decides_at", get_string(m, "decides_at")}};
  auto add = [&](const Json& object, const char* head) {
    for (const auto& [name, value] : object.items())
      if (value.is_string()) out[head + name] = value.get<std::string>();
  };
  const Json& rebuild = get_object(m, "rebuild");
  add(get_object(m, "packages"), "package.");
  add(get_object(rebuild, "env"), "env.");
  add(get_object(rebuild, "contract"), "compiler.contract.");
  return out;
}

std::vector<LockCheck> check_contract(const Items& expected, const Items& found,
                                      const std::set<std::string>& kinds, const Allowed& allowed) {
  Items wanted, here;
  for (const auto& [name, value] : expected)
    if (kinds.contains(kind_of(name))) wanted[name] = value;
  for (const auto& [name, value] : found)
    if (kinds.contains(kind_of(name))) here[name] = value;
  return compare_items(wanted, here, allowed);
}

std::vector<LockCheck> check_unknown_kinds(const Items& expected, const Allowed& allowed) {
  Items unknown;
  for (const auto& [name, value] : expected)
    if (!kMachineKinds.contains(kind_of(name)) && !kManifestKinds.contains(kind_of(name)))
      unknown[name] = value;
  return compare_items(unknown, {}, allowed);
}

std::vector<LockCheck> check_recorded_files(const std::vector<UsedFile>& files,
                                            const FileRoots& roots, const Allowed& allowed) {
  Items expected, found;
  for (const UsedFile& f : files) {
    const std::string name = "file:" + f.path;
    if (!expected.emplace(name, f.sha256).second) continue;  // by build and by launch
    const fs::path here = roots.expand(f.path);
    std::error_code ec;
    if (here.empty() || !fs::is_regular_file(here, ec)) continue;  // never opens a device or a pipe
    if (auto sha = sha256_file(here)) found[name] = *sha;
  }
  return compare_items(expected, found, allowed);
}

std::vector<LockCheck> check_used_files(const std::vector<UsedFile>& recorded,
                                        const std::vector<UsedFile>& used, std::string_view by,
                                        const Allowed& allowed) {
  Items expected, found;
  for (const UsedFile& f : recorded)
    if (f.by == by) expected["file:" + f.path] = f.sha256;
  for (const UsedFile& f : used) found["file:" + f.path] = f.sha256;
  return compare_items(expected, found, allowed);
}

bool all_hold(const std::vector<LockCheck>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const LockCheck& c) { return c.holds(); });
}

}  // namespace assay::audit
