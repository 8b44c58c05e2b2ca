// SPDX-License-Identifier: Apache-2.0
// Does what is here fit what the lock was recorded with? Item by item, nothing passed over.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/lock/used_files.h"

namespace assay::audit {

// state: same | differs | absent (recorded, not here) | extra (here, not recorded) | allowed (any
// of the three, and the user named it with --allow).
struct LockCheck {
  std::string name, state, expected, found;
  bool holds() const { return state == "same" || state == "allowed"; }
};

using Allowed = std::set<std::string>;

// "cpu.model", "cpu.flags", "cpu.architecture", "assay.version": what a lock of this machine says.
std::map<std::string, std::string> machine_contract();
// "package.NAME", "env.NAME", "compiler.version", "compiler.target", "compiler.decides_at" and
// whatever the builder put under rebuild.contract ("compiler.contract.NAME").
std::map<std::string, std::string> manifest_contract(const Json& manifest);

// Which items somebody can speak of, by their first word.
inline const std::set<std::string> kMachineKinds = {"cpu", "assay"}, kPackageKinds = {"package"},
                                   kManifestKinds = {"package", "env", "compiler"};
// Every item of `expected` and of `found` of these kinds: what `found` lacks is absent.
std::vector<LockCheck> check_contract(const std::map<std::string, std::string>& expected,
                                      const std::map<std::string, std::string>& found,
                                      const std::set<std::string>& kinds, const Allowed& allowed);
// Items of kinds that nobody here speaks of: each is absent.
std::vector<LockCheck> check_unknown_kinds(const std::map<std::string, std::string>& expected,
                                           const Allowed& allowed);
// Each recorded file hashed where it lies here: names are "file:PATH".
std::vector<LockCheck> check_recorded_files(const std::vector<UsedFile>& files,
                                            const FileRoots& roots, const Allowed& allowed);
// The files a child used against those recorded `by` the same kind of child.
std::vector<LockCheck> check_used_files(const std::vector<UsedFile>& recorded,
                                        const std::vector<UsedFile>& used, std::string_view by,
                                        const Allowed& allowed);

bool all_hold(const std::vector<LockCheck>& checks);

}  // namespace assay::audit
