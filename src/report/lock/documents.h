// SPDX-License-Identifier: Apache-2.0
// A lock and the certificate of its verification, for people. Both come as JSON (docs/locks.md).
#pragma once

#include "base/json.h"
#include "report/document.h"

namespace assay::report {

// `certificate`: what audit/lock/certificate.h makes.
Document certificate_document(const Json& certificate);

// `lock`: lock.json. `sha256`: of its text; `signature`: a few words.
Document lock_document(const Json& lock, const std::string& sha256, const std::string& signature);

}  // namespace assay::report
