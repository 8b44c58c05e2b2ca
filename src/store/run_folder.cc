// SPDX-License-Identifier: Apache-2.0
#include "store/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "base/text.h"
#include "store/schema.h"

namespace assay::store {
namespace {

bool is_sha256(std::string_view s) {
  return s.size() == 64 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

RunFolder::RunFolder(RunFolder&& o) noexcept
    : folder_(std::move(o.folder_)),
      db_(std::move(o.db_)),
      lock_fd_(std::exchange(o.lock_fd_, -1)) {}
RunFolder::~RunFolder() {
  db_.reset();  // before the lock goes: the last writer checkpoints the WAL alone
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Result<RunFolder> RunFolder::open_for_writing(const fs::path& folder) {
  ASSAY_CHECK(make_dirs(folder));
  RunFolder run;
  std::error_code ec;
  run.folder_ = fs::canonical(folder, ec);
  // A folder with other things in it is somebody's: never mix evidence into it.
  if (!fs::exists(run.folder_ / "run.db", ec)) {
    for (const auto& entry : fs::directory_iterator(run.folder_, ec)) {
      const std::string name = entry.path().filename().string();
      if (name != "lock" && name != "blobs" && name != "scratch") {
        return bad_input(fmt::format("folder {} is not empty and holds no run (found {})",
                                     folder.string(), one_line(name)),
                         "name a new or empty folder with --out");
      }
    }
  }
  run.lock_fd_ =
      ::open((run.folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (run.lock_fd_ < 0) {
    return bad_input(
        fmt::format("cannot write to run folder {}: {}", folder.string(), std::strerror(errno)),
        "choose a folder you may write to with --out");
  }
  if (::flock(run.lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return bad_input(
        fmt::format("run folder {} is in use by another assay process", folder.string()),
        "wait for it to end, or name another folder with --out");
  }
  ASSAY_CHECK(make_dirs(run.folder_ / "blobs"));
  // What a killed audit left there is nobody's: the lock is ours now.
  fs::remove_all(run.scratch(), ec);
  ASSAY_CHECK(make_dirs(run.scratch()));
  ASSAY_TRY(Database db, Database::open(run.folder_ / "run.db", Database::Mode::read_write));
  run.db_ = std::make_unique<Database>(std::move(db));
  ASSAY_CHECK(run.migrate());
  return run;
}

Result<RunFolder> RunFolder::open_for_reading(const fs::path& folder) {
  std::error_code ec;
  if (!fs::is_regular_file(folder / "run.db", ec)) {
    return bad_input(fmt::format("{} is not a run folder: it has no run.db", folder.string()),
                     "give the folder that `assay audit --out` named");
  }
  RunFolder run;
  run.folder_ = fs::canonical(folder, ec);
  ASSAY_TRY(Database db, Database::open(run.folder_ / "run.db", Database::Mode::read_only));
  run.db_ = std::make_unique<Database>(std::move(db));
  ASSAY_TRY(auto version, run.db_->first("PRAGMA user_version"));
  // Older evidence reads as it is: what a later schema added is absent from it.
  if (version->integer(0) < 1 || version->integer(0) > static_cast<int64_t>(kMigrations.size())) {
    return bad_input(fmt::format("{} has evidence schema {}, this assay reads {}", folder.string(),
                                 version->integer(0), kMigrations.size()),
                     "use the assay version that wrote it");
  }
  return run;
}

Status RunFolder::migrate() {
  ASSAY_TRY(auto row, db_->first("PRAGMA user_version"));
  const auto have = static_cast<size_t>(row->integer(0));
  if (have > kMigrations.size()) {
    return bad_input(fmt::format("{} was written by a newer assay (schema {}, this one knows {})",
                                 folder_.string(), have, kMigrations.size()),
                     "use that version, or another --out folder");
  }
  if (have == 0) {
    ASSAY_TRY(auto tables, db_->first("SELECT count(*) FROM sqlite_master"));
    if (tables->integer(0) > 0)
      return bad_input(fmt::format("{}/run.db was not made by assay", folder_.string()),
                       "name another folder with --out");
  }
  for (size_t v = have; v < kMigrations.size(); ++v) {
    ASSAY_TRY(Transaction t, Transaction::begin(*db_));
    ASSAY_CHECK(db_->script(kMigrations[v]));
    ASSAY_CHECK(db_->script(fmt::format("PRAGMA user_version={}", v + 1)));
    ASSAY_CHECK(t.commit());
  }
  return {};
}

fs::path RunFolder::blob_path(std::string_view sha256) const {
  if (!is_sha256(sha256)) return folder_ / "blobs" / "invalid";
  return folder_ / "blobs" / std::string(sha256.substr(0, 2)) / std::string(sha256.substr(2));
}

Result<std::string> RunFolder::put_blob(std::string_view content) {
  const std::string sha = sha256_hex(content);
  const fs::path path = blob_path(sha);
  std::error_code ec;
  if (fs::is_regular_file(path, ec) && fs::file_size(path, ec) == content.size()) return sha;
  ASSAY_CHECK(make_dirs(path.parent_path()));
  ASSAY_CHECK(write_file_atomic(path, content));
  return sha;
}

Result<std::string> RunFolder::put_blob_file(const fs::path& file) {
  ASSAY_TRY(MappedFile m, MappedFile::open(file));
  return put_blob({reinterpret_cast<const char*>(m.bytes().data()), m.bytes().size()});
}

Result<std::string> RunFolder::read_blob(std::string_view sha256) const {
  return read_file(blob_path(sha256));
}
Result<MappedFile> RunFolder::map_blob(std::string_view sha256) const {
  return MappedFile::open(blob_path(sha256));
}

Result<std::vector<std::string>> RunFolder::damaged_blobs() {
  std::set<std::string> damaged;
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "blobs", ec)) {
    if (!entry.is_regular_file(ec)) continue;
    const std::string sha =
        entry.path().parent_path().filename().string() + entry.path().filename().string();
    if (!is_sha256(sha)) continue;  // a temporary that a crash left
    auto actual = sha256_file(entry.path());
    if (!actual || *actual != sha) damaged.insert(sha);
  }
  // Every column that names blobs; empty texts and NULL name none.
  static constexpr const char* kNamed =
      "SELECT blob FROM engine_file UNION SELECT manifest_blob FROM build UNION SELECT stdout_blob "
      "FROM build"
      " UNION SELECT stderr_blob FROM build UNION SELECT events_blob FROM build UNION SELECT "
      "stdout_blob FROM launch"
      " UNION SELECT stderr_blob FROM launch UNION SELECT events_blob FROM launch UNION SELECT "
      "samples_blob FROM series"
      " UNION SELECT slots_blob FROM series UNION SELECT blob FROM output";
  ASSAY_TRY(auto schema, db_->first("PRAGMA user_version"));
  std::string named = kNamed;
  if (schema->integer(0) >= 4) named.append(" UNION SELECT record_blob FROM platform");
  ASSAY_TRY(auto rows, db_->query(named));
  for (const Row& row : rows) {
    const std::string sha = row.text(0);
    if (!sha.empty() && !fs::is_regular_file(blob_path(sha), ec)) damaged.insert(sha);
  }
  return std::vector<std::string>(damaged.begin(), damaged.end());
}

Result<std::string> RunFolder::meta(std::string_view key) {
  ASSAY_TRY(auto row, db_->first("SELECT value FROM meta WHERE key=?", {std::string(key)}));
  return row ? row->text(0) : std::string();
}
Status RunFolder::set_meta(std::string_view key, std::string_view value) {
  return db_->run("INSERT OR REPLACE INTO meta VALUES(?,?)",
                  {std::string(key), std::string(value)});
}

}  // namespace assay::store
