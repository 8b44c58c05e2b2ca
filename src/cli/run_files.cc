// SPDX-License-Identifier: Apache-2.0
#include "cli/run_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace assay::cli {

bool looks_like_run(const fs::path& folder) {
  std::error_code ec;
  return fs::exists(folder / "blobs", ec) &&
         (fs::exists(folder / "run.db", ec) || fs::exists(folder / "lock", ec));
}

Status start_anew(const fs::path& folder) {
  std::error_code ec;
  if (!fs::exists(folder, ec)) return {};
  // Only what assay itself makes is removed; a foreign folder is refused by the store afterwards.
  if (!looks_like_run(folder)) return {};
  // The lock is held while things go, and blobs/ and lock are the last that do: a --fresh that was
  // cut off can be repeated.
  const int fd = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (fd >= 0) ::close(fd);
    return bad_input(
        fmt::format("run folder {} is in use by another assay process, or not writable",
                    folder.string()),
        "wait for it to end, or name another folder with --out");
  }
  for (const char* name :
       {"report.html", "report.md", "report.json", "certificate.html", "certificate.md",
        "certificate.json", "locks", "locked", "engines", "engines.run", "data", "scratch",
        "run.db-shm", "run.db-wal", "run.db", "blobs"})
    fs::remove_all(folder / name, ec);
  ::close(fd);
  return {};
}

Status write_reports(store::RunFolder& run, const report::Model& model) {
  ASSAY_TRY(std::string html, report::to_html(model));
  ASSAY_TRY(std::string md, report::to_markdown(model));
  ASSAY_TRY(std::string json, report::to_json(model));
  ASSAY_CHECK(write_file_atomic(run.folder() / "report.html", html));
  ASSAY_CHECK(write_file_atomic(run.folder() / "report.md", md));
  return write_file_atomic(run.folder() / "report.json", json);
}

}  // namespace assay::cli
