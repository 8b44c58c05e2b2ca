// SPDX-License-Identifier: Apache-2.0
// The steps of compare_machines, in the order they run.
#pragma once

#include "report/machines/machines.h"

namespace assay::report::machines {

// cell.cc: what one recipe of a run says.
MachineCell cell_of(Machine& machine, const ModelInfo& model, const Recipe& recipe,
                    bool across_threads);
// platform_figures.cc: energy, use, clock and share of the roofline, where the evidence has them.
void add_platform(MachineCell& cell);
// match.cc: rows and what is left over, with its reason.
void match(MachinesReport& report);
std::string device_of(const Recipe& recipe);  // "cpu", "cuda"
// judge.cc: ratios, verdicts after Holm, sentences.
void judge(MachinesReport& report);
// evidence.cc: kernels and outputs of a pair.
void compare_evidence(MachinesReport& report, MachineRow& row, MachinePair& pair);

std::vector<const Build*> ok_builds(const Recipe& recipe);

}  // namespace assay::report::machines
