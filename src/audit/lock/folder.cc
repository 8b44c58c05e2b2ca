// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/folder.h"

#include <set>

#include "audit/lock/signature.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr int64_t kMaxLockJson = 256 << 20;
constexpr const char* kSelf = "self_sha256";
constexpr const char* kDamaged =
    "the lock was changed or damaged: get it again from where it was recorded";

std::vector<const LockBlob*> all_blobs(const Lock& l) {
  std::vector<const LockBlob*> out;
  for (const auto* list : {&l.model, &l.decisions, &l.engine, &l.inputs, &l.evidence})
    for (const LockBlob& b : *list) out.push_back(&b);
  return out;
}

std::string text_with_hash(Json j) {
  j.erase(kSelf);
  j[kSelf] = sha256_hex(dump_json(j));
  return dump_json(j, 1) + "\n";
}

fs::path blob_in(const fs::path& folder, const std::string& sha256) {
  return folder / "blobs" / sha256;
}

Status check_blob(const fs::path& folder, const LockBlob& b) {
  const fs::path file = blob_in(folder, b.sha256);
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(file, ec)))
    return bad_input(
        fmt::format("lock {}: {} ({}) is not there", folder.string(), one_line(b.path), b.role),
        kDamaged);
  ASSAY_TRY(const std::string sha, sha256_file(file));
  if (sha != b.sha256 || static_cast<int64_t>(fs::file_size(file, ec)) != b.bytes)
    return bad_input(fmt::format("lock {}: {} ({}) does not have the hash and size of lock.json",
                                 folder.string(), one_line(b.path), b.role),
                     kDamaged);
  return {};
}

// What is not hashed proves nothing and could be mistaken for a part of the lock.
Status check_nothing_else(const fs::path& folder, const std::set<std::string>& blobs) {
  std::error_code ec;
  for (auto it = fs::recursive_directory_iterator(folder, ec);
       it != fs::recursive_directory_iterator(); it.increment(ec)) {
    if (ec) break;
    const fs::path relative = it->path().lexically_relative(folder);
    const bool known =
        relative == "lock.json" || relative == "lock.sig" ||
        (relative == "blobs" && fs::is_directory(it->symlink_status(ec))) ||
        (relative.parent_path() == "blobs" && blobs.contains(relative.filename().string()));
    if (!known)
      return bad_input(fmt::format("lock {} holds {}, which lock.json does not name",
                                   folder.string(), one_line(relative.string())),
                       kDamaged);
  }
  return {};
}

}  // namespace

std::string lock_text(const Lock& lock) { return text_with_hash(to_json(lock)); }

Result<LockFolder> LockFolder::open(const fs::path& folder) {
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(folder / "lock.json", ec)))
    return bad_input(fmt::format("{} is no lock: it has no lock.json", folder.string()),
                     "make one with: assay lock record MODEL --compiler NAME -o DIR");
  LockFolder out;
  out.folder_ = fs::canonical(folder, ec);
  ASSAY_TRY(out.text_, read_file(out.folder_ / "lock.json", kMaxLockJson));
  ASSAY_TRY(Json j, parse_json(out.text_, (folder / "lock.json").string()));
  // Written again and compared whole: one changed byte is found, white space included.
  if (!j.is_object() || !j.contains(kSelf) || text_with_hash(j) != out.text_)
    return bad_input(fmt::format("{}: lock.json does not have the hash it states", folder.string()),
                     kDamaged);
  out.sha256_ = sha256_hex(out.text_);
  ASSAY_TRY(out.lock_, lock_from_json(j));
  std::set<std::string> blobs;
  for (const LockBlob* b : all_blobs(out.lock_))
    if (blobs.insert(b->sha256).second) ASSAY_CHECK(check_blob(out.folder_, *b));
  ASSAY_CHECK(check_nothing_else(out.folder_, blobs));
  if (fs::exists(out.folder_ / "lock.sig", ec)) {
    ASSAY_TRY(std::string signature, read_file(out.folder_ / "lock.sig", 1 << 16));
    out.signature_ = std::move(signature);
  }
  return out;
}

Status LockFolder::check_signed_by(const fs::path& public_key) const {
  if (!signature_)
    return bad_input(fmt::format("lock {} is not signed", folder_.string()),
                     "record it with --key, or verify it without --key");
  return check_signature(text_, *signature_, public_key);
}

Status LockFolder::lay_out(const std::vector<LockBlob>& files, const fs::path& to) const {
  ASSAY_CHECK(make_dirs(to));
  for (const LockBlob& b : files) {
    const fs::path target = to / b.path;
    ASSAY_CHECK(make_dirs(target.parent_path()));
    std::error_code ec;
    fs::copy_file(blob_in(folder_, b.sha256), target, fs::copy_options::overwrite_existing, ec);
    if (ec)
      return bad_input(fmt::format("cannot lay out {}: {}", target.string(), ec.message()),
                       "check disk space");
    ASSAY_TRY(const std::string sha, sha256_file(target));
    if (sha != b.sha256)
      return bad_input(fmt::format("lock {} changed while it was read", folder_.string()),
                       kDamaged);
  }
  return {};
}

Result<std::string> LockFolder::read(const LockBlob& blob) const {
  return read_file(blob_in(folder_, blob.sha256));
}

Result<LockWriter> LockWriter::create(const fs::path& out) {
  std::error_code ec;
  if (out.empty() || fs::exists(fs::symlink_status(out, ec)))
    return bad_input(fmt::format("{} exists", out.string()),
                     "name a new folder with -o, or remove it first");
  const fs::path parent = out.has_parent_path() ? out.parent_path() : fs::path(".");
  ASSAY_CHECK(make_dirs(parent));
  ASSAY_TRY(TempDir temporary, TempDir::create(parent, ".assay-lock-"));
  ASSAY_CHECK(make_dirs(temporary.path() / "lock" / "blobs"));
  return LockWriter(out, std::move(temporary));
}

Result<LockBlob> LockWriter::add_file(std::string path, std::string role, const fs::path& file) {
  ASSAY_TRY(std::string sha, sha256_file(file));
  const fs::path to = blob_in(temporary_.path() / "lock", sha);
  std::error_code ec;
  const auto bytes = static_cast<int64_t>(fs::file_size(file, ec));
  if (!fs::exists(to, ec)) {
    fs::copy_file(file, to, ec);
    if (ec)
      return bad_input(fmt::format("cannot store {}: {}", file.string(), ec.message()),
                       "check disk space");
  }
  ASSAY_TRY(const std::string stored, sha256_file(to));
  if (stored != sha)
    return bad_input(fmt::format("{} changed while it was stored", file.string()), "try again");
  return LockBlob{std::move(path), std::move(role), std::move(sha), bytes};
}

Result<LockBlob> LockWriter::add_text(std::string path, std::string role, std::string_view text) {
  std::string sha = sha256_hex(text);
  ASSAY_CHECK(write_file_atomic(blob_in(temporary_.path() / "lock", sha), text));
  return LockBlob{std::move(path), std::move(role), std::move(sha),
                  static_cast<int64_t>(text.size())};
}

Status LockWriter::finish(const Lock& lock, const fs::path& private_key) {
  const fs::path made = temporary_.path() / "lock";
  const std::string text = lock_text(lock);
  ASSAY_TRY(Lock readable, lock_from_json(to_json(lock)));  // nobody could verify it else
  if (!private_key.empty()) {
    ASSAY_TRY(std::string signature, sign(text, private_key));
    ASSAY_CHECK(write_file_atomic(made / "lock.sig", signature));
  }
  ASSAY_CHECK(write_file_atomic(made / "lock.json", text));
  std::error_code ec;
  fs::rename(made, out_, ec);
  if (ec)
    return bad_input(fmt::format("cannot move the lock to {}: {}", out_.string(), ec.message()),
                     "name a folder that does not exist");
  return {};
}

}  // namespace assay::audit
