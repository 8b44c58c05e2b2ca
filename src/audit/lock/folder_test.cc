// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "audit/lock/made_lock.h"

namespace assay::audit {
namespace {

using ::testing::HasSubstr;

using LockFolderTest = MadeLock;

// Without the waits for the disk that write_file_atomic has.
void overwrite(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

TEST_F(LockFolderTest, ReadsWhatWasWritten) {
  const fs::path path = make("a.lock");
  auto lock = LockFolder::open(path);
  ASSERT_TRUE(lock) << lock.error().message;
  EXPECT_EQ(dump_json(to_json(lock->lock())), [&] {
    auto j = parse_json(lock->text(), "lock");
    j->erase("self_sha256");
    return dump_json(*j);
  }());
  EXPECT_FALSE(lock->is_signed());
  EXPECT_EQ(lock->lock().files.at(0).path, "{venv}/lib/a.so");
  ASSERT_TRUE(lock->lay_out(lock->lock().engine, root() / "engine"));
  EXPECT_EQ(*read_file(root() / "engine" / "engine.txt"), "the engine");
}

TEST_F(LockFolderTest, EveryByteOfLockJsonCounts) {
  const fs::path path = make("a.lock");
  const std::string text = *read_file(path / "lock.json");
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    overwrite(path / "lock.json", changed);
    EXPECT_FALSE(LockFolder::open(path)) << "byte " << i << " of lock.json was changed";
  }
  // White space and a cut are changes too.
  for (const std::string& changed : {text + " ", text.substr(0, text.size() - 1), std::string()}) {
    overwrite(path / "lock.json", changed);
    EXPECT_FALSE(LockFolder::open(path));
  }
}

TEST_F(LockFolderTest, EveryByteOfEveryFileCounts) {
  const fs::path path = make("a.lock");
  auto lock = LockFolder::open(path);
  ASSERT_TRUE(lock);
  const Lock& l = lock->lock();
  for (const auto* list : {&l.model, &l.decisions, &l.engine, &l.inputs}) {
    for (const LockBlob& b : *list) {
      const fs::path file = path / "blobs" / b.sha256;
      const std::string text = *read_file(file);
      for (size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 0x20);
        overwrite(file, changed);
        auto opened = LockFolder::open(path);
        ASSERT_FALSE(opened) << b.path << " byte " << i;
        EXPECT_EQ(opened.error().code, ExitCode::usage);
      }
      overwrite(file, text);
    }
  }
  EXPECT_TRUE(LockFolder::open(path));
}

TEST_F(LockFolderTest, AbsentAndForeignFilesAreRefused) {
  const fs::path path = make("a.lock");
  ASSERT_TRUE(write_file_atomic(path / "blobs" / "extra", "x"));
  auto extra = LockFolder::open(path);
  ASSERT_FALSE(extra);
  EXPECT_THAT(extra.error().message, HasSubstr("blobs/extra"));
  fs::remove(path / "blobs" / "extra");
  ASSERT_TRUE(LockFolder::open(path));
  const std::string blob = LockFolder::open(path)->lock().decisions[0].sha256;
  fs::rename(path / "blobs" / blob, root() / "taken");
  EXPECT_FALSE(LockFolder::open(path));
  fs::create_symlink(root() / "taken", path / "blobs" / blob);  // right content, but a link
  EXPECT_FALSE(LockFolder::open(path));
  EXPECT_FALSE(LockFolder::open(root() / "no such folder"));
}

TEST_F(LockFolderTest, HostileMembersAreRefusedEvenWithTheRightHash) {
  const std::vector<std::pair<const char*, std::function<void(Json&)>>> edits = {
      {"format", [](Json& j) { j["format"] = 2; }},
      {"proof", [](Json& j) { j["proof"] = "believed"; }},
      {"path", [](Json& j) { j["engine"][1]["path"] = "../../etc/passwd"; }},
      {"absolute", [](Json& j) { j["model"][0]["path"] = "/etc/passwd"; }},
      {"hash", [](Json& j) { j["model"][0]["sha256"] = "../x"; }},
      {"kernels", [](Json& j) { j["kernels"][0]["kernel"] = "another"; }},
      {"no model", [](Json& j) { j["model"] = Json::array(); }},
      {"no contract", [](Json& j) { j["contract"] = Json::object(); }},
      {"margin", [](Json& j) { j["latency"]["margin"] = 5; }},
      {"launches", [](Json& j) { j["latency"]["launches"] = -1; }},
      {"files", [](Json& j) { j["files"][0] = "text"; }},
      {"outputs", [](Json& j) { j["outputs"][0]["n"] = 0; }},
      {"size", [](Json& j) { j["model"][0]["bytes"] = 3; }}};
  for (const auto& [name, edit] : edits) {
    const fs::path path = make(std::string(name) + ".lock");
    rehash(path, edit);
    auto opened = LockFolder::open(path);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ExitCode::usage) << name;
  }
}

TEST_F(LockFolderTest, NothingIsOverwritten) {
  make("a.lock");
  auto again = LockWriter::create(root() / "a.lock");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("exists"));
}

TEST_F(LockFolderTest, Signatures) {
  ASSERT_TRUE(generate_key(root() / "k"));
  ASSERT_TRUE(generate_key(root() / "other"));
  EXPECT_FALSE(generate_key(root() / "k"));
  EXPECT_EQ(fs::status(root() / "k").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const fs::path path = make("a.lock", root() / "k");
  auto lock = LockFolder::open(path);
  ASSERT_TRUE(lock);
  ASSERT_TRUE(lock->is_signed());
  EXPECT_TRUE(lock->check_signed_by(root() / "k.pub"));
  auto other = lock->check_signed_by(root() / "other.pub");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("another key"));
  EXPECT_FALSE(lock->check_signed_by(root() / "k"));  // private where a public one belongs
  // A change with the self-hash made right again: only the signature tells.
  rehash(path, [](Json& j) { j["created_utc"] = "2027-01-01T00:00:00Z"; });
  auto forged = LockFolder::open(path);
  ASSERT_TRUE(forged);
  auto bad = forged->check_signed_by(root() / "k.pub");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ExitCode::usage);
  // Every byte of the signature counts.
  const fs::path whole = make("b.lock", root() / "k");
  const std::string text = *read_file(whole / "lock.sig");
  for (size_t i = text.find("\"signature\": \"") + 14; text[i] != '"'; ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '0' ? '1' : '0';
    ASSERT_TRUE(write_file_atomic(whole / "lock.sig", changed));
    auto l = LockFolder::open(whole);
    ASSERT_TRUE(l);
    EXPECT_FALSE(l->check_signed_by(root() / "k.pub")) << i;
  }
  auto unsigned_lock = LockFolder::open(make("c.lock"));
  EXPECT_FALSE(unsigned_lock->check_signed_by(root() / "k.pub"));
}

}  // namespace
}  // namespace assay::audit
