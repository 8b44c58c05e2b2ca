// SPDX-License-Identifier: Apache-2.0
// ed25519 signatures of lock.json (lock.sig beside it). A self-hash finds damage; only a signature
// says who made the lock.
#pragma once

#include <string>
#include <string_view>

#include "base/files.h"

namespace assay::audit {

// Writes a new key pair: `path` (PEM, PKCS #8, mode 0600) and `path`.pub (PEM). Usage error when
// either exists.
Status generate_key(const fs::path& path);

// Text of lock.sig: {"format", "algorithm", "public_key", "signature"}, the last two hexadecimal.
// Usage error when `private_key` is no ed25519 private key in PEM.
Result<std::string> sign(std::string_view message, const fs::path& private_key);

// Usage error when `signature_text` is no signature of `message` by `public_key` (a PEM file):
// names what does not fit.
Status check_signature(std::string_view message, std::string_view signature_text,
                       const fs::path& public_key);

}  // namespace assay::audit
