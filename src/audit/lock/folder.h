// SPDX-License-Identifier: Apache-2.0
// A lock on disk: lock.json, blobs/SHA-256, and lock.sig when it is signed. Nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/lock/lock.h"

namespace assay::audit {

class LockFolder {
 public:
  // Reads and proves a lock: lock.json is as it was written (self-hash, every byte), every blob is
  // there with its size and hash, nothing else lies in the folder. Usage error otherwise.
  static Result<LockFolder> open(const fs::path& folder);

  const Lock& lock() const { return lock_; }
  const fs::path& folder() const { return folder_; }
  const std::string& text() const { return text_; }      // of lock.json
  const std::string& sha256() const { return sha256_; }  // of that text: names the lock
  bool is_signed() const { return signature_.has_value(); }
  // Usage error when unsigned, or signed by another key.
  Status check_signed_by(const fs::path& public_key) const;
  // Copies files to `to`/path (folders are made).
  Status lay_out(const std::vector<LockBlob>& files, const fs::path& to) const;
  Result<std::string> read(const LockBlob& blob) const;

 private:
  fs::path folder_;
  std::string text_, sha256_;
  std::optional<std::string> signature_;
  Lock lock_;
};

// Writes a lock into a temporary folder beside `out` and moves it there whole.
class LockWriter {
 public:
  // Usage error when `out` exists.
  static Result<LockWriter> create(const fs::path& out);
  // Stores a file or text; the entry to put into the Lock.
  Result<LockBlob> add_file(std::string path, std::string role, const fs::path& file);
  Result<LockBlob> add_text(std::string path, std::string role, std::string_view text);
  // lock.json, lock.sig when `private_key` is not empty, then the move.
  Status finish(const Lock& lock, const fs::path& private_key);

 private:
  LockWriter(fs::path out, TempDir temporary)
      : out_(std::move(out)), temporary_(std::move(temporary)) {}
  fs::path out_;
  TempDir temporary_;
};

// lock.json: pretty JSON whose last member is the SHA-256 of all before it.
std::string lock_text(const Lock& lock);

}  // namespace assay::audit
