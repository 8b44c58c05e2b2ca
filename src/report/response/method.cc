// SPDX-License-Identifier: Apache-2.0
#include "report/response/parts.h"

namespace assay::report {

Parts method_parts() {
  Part p;
  p.section.heading = "How this was measured and derived";
  p.section.folded = p.page_only = true;
  p.section.paragraphs = {
      "Response: completion minus scheduled release, in one clock, of the frame itself; never a "
      "sum of averages. A camera releases at absolute times, whether or not the server is ready; a "
      "late frame makes the later ones late, and that is seen.",
      "Stages abut: wait, read, decode, pre, inference, post, second task. Their durations sum to "
      "the response of each frame. In equation 1 decode belongs to pre, as in the paper.",
      "Quantiles: the order statistic x_(ceil(nq)) with distribution-free bounds; with dependence "
      "from frame to frame the effective number of frames n/tau takes the place of n. A quantile "
      "that n cannot carry is not printed.",
      "Warm-up frames are flagged by the process and are part of no series; they are part of the "
      "accounting.",
      "Conditions were measured in randomised order within each repetition. Ratios, trends and "
      "equality are over repetitions, never over frames.",
      "Every number derives from the frame records of the run folder alone; `assay report RUN "
      "--verify` derives them again. docs/response-report.md tells how to read each section, with "
      "formulas and sources."};
  return {p};
}

}  // namespace assay::report
