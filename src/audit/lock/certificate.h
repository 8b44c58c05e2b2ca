// SPDX-License-Identifier: Apache-2.0
// What a verification found, as one object (docs/locks.md): the lock, what was held against it, the
// three claims with their figures, the result and its reasons.
#pragma once

#include <string>
#include <vector>

#include "audit/lock/check.h"
#include "audit/lock/folder.h"
#include "audit/lock/verify.h"
#include "store/run_folder.h"

namespace assay::audit {

struct CertificateInput {
  const LockFolder& lock;
  std::string signature;  // "unsigned", "unchecked", or "checked: KEY"
  std::vector<LockCheck> before;
  const VerifyOptions& options;
};

// result: verified | failed | inconclusive. `run` holds the finished audit of verification_plan(),
// or is null when what is here does not fit the lock and nothing was built.
Result<Json> certificate(const CertificateInput& input, store::RunFolder* run);

}  // namespace assay::audit
