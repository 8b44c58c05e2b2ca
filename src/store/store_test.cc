// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <iostream>

#include "base/text.h"
#include "store/run_folder.h"

namespace assay::store {
namespace {

TempDir temp() {
  return std::move(TempDir::create(fs::temp_directory_path(), "assay-store-").value());
}

TEST(RunFolder, StoresEqualContentOnce) {
  TempDir d = temp();
  auto run = RunFolder::open_for_writing(d.path() / "run").value();
  const std::string a = run.put_blob("hello").value(), b = run.put_blob("hello").value();
  EXPECT_EQ(a, b);
  EXPECT_EQ(run.read_blob(a).value(), "hello");
  EXPECT_TRUE(run.damaged_blobs().value().empty());
}

TEST(RunFolder, SecondWriterIsRefusedAndReaderIsNot) {
  TempDir d = temp();
  auto run = RunFolder::open_for_writing(d.path() / "run").value();
  auto second = RunFolder::open_for_writing(d.path() / "run");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ExitCode::usage);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  EXPECT_TRUE(RunFolder::open_for_reading(d.path() / "run"));
}

TEST(RunFolder, RefusesForeignFoldersAndNewerSchemas) {
  TempDir d = temp();
  std::ofstream(d.path() / "thesis.doc") << "mine";
  EXPECT_FALSE(RunFolder::open_for_writing(d.path()));
  EXPECT_FALSE(RunFolder::open_for_reading(d.path()));
  {
    auto run = RunFolder::open_for_writing(d.path() / "run").value();
    ASSERT_TRUE(run.db().script("PRAGMA user_version=99"));
  }
  EXPECT_FALSE(RunFolder::open_for_writing(d.path() / "run"));
  std::ofstream(d.path() / "run" / "run.db", std::ios::trunc)
      << "not a database at all, but long enough";
  EXPECT_FALSE(RunFolder::open_for_writing(d.path() / "run"));
}

TEST(RunFolder, FindsDamageAndAbsence) {
  TempDir d = temp();
  auto run = RunFolder::open_for_writing(d.path() / "run").value();
  const std::string sha = run.put_blob("hello").value();
  std::ofstream(run.blob_path(sha)) << "hellO";
  EXPECT_EQ(run.damaged_blobs().value(), std::vector<std::string>{sha});
}

TEST(RunFolder, ReadsAnArchiveNobodyCanWriteTo) {
  if (::geteuid() == 0) {
    // Root may write anywhere: only a read-only mount would show it, which tests/cli does.
    std::cout << "as root this shows nothing: permissions do not bind\n";
  }
  TempDir d = temp();
  {
    auto run = RunFolder::open_for_writing(d.path() / "run #1").value();
    ASSERT_TRUE(run.set_meta("k", "v"));
  }
  fs::permissions(d.path() / "run #1", fs::perms::owner_read | fs::perms::owner_exec);
  auto archive = RunFolder::open_for_reading(d.path() / "run #1");
  fs::permissions(d.path() / "run #1", fs::perms::owner_all);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(archive->meta("k").value(), "v");
}

TEST(Database, RollsBackUnlessCommitted) {
  TempDir d = temp();
  auto db = Database::open(d.path() / "x.db", Database::Mode::read_write).value();
  ASSERT_TRUE(db.script("CREATE TABLE t(a)"));
  {
    auto t = Transaction::begin(db).value();
    ASSERT_TRUE(db.run("INSERT INTO t VALUES(?)", {int64_t{1}}));
  }
  EXPECT_EQ(db.first("SELECT count(*) FROM t").value()->integer(0), 0);
  auto t = Transaction::begin(db).value();
  ASSERT_TRUE(db.run("INSERT INTO t VALUES(?)", {std::string("x'); DROP TABLE t; --")}));
  ASSERT_TRUE(t.commit());
  EXPECT_EQ(db.first("SELECT a FROM t").value()->text(0), "x'); DROP TABLE t; --");
}

}  // namespace
}  // namespace assay::store
