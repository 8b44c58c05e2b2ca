// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/library.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"

namespace assay::platform {
namespace {

using Unload = Library::Unload;

TEST(Library, WhatIsNotThereIsMissingWithTheFix) {
  const auto l =
      Library::open({"libassay-nowhere.so.1", "libassay-nowhere.so"}, Unload::at_end, "install it");
  ASSERT_FALSE(l);
  EXPECT_EQ(l.error().code, ExitCode::missing);
  EXPECT_NE(l.error().message.find("libassay-nowhere.so.1"), std::string::npos);
  EXPECT_NE(l.error().message.find("libassay-nowhere.so:"), std::string::npos);
  EXPECT_EQ(l.error().fix, "install it");
}

TEST(Library, AFileThatIsNoLibraryIsMissing) {
  auto folder = TempDir::create(fs::temp_directory_path(), "assay-library");
  ASSERT_TRUE(folder);
  for (const char* content : {"", "not a library\n", "\177ELF"}) {
    const fs::path path = folder->path() / "lib.so";
    std::ofstream(path, std::ios::trunc) << content;
    const auto l = Library::open({path.string()}, Unload::at_end, "fix");
    ASSERT_FALSE(l) << content;
    EXPECT_NE(l.error().message.find(path.string()), std::string::npos) << l.error().message;
    EXPECT_EQ(l.error().message.find('\n'), std::string::npos);
  }
}

TEST(Library, NoNameIsNotThisProgram) {
  EXPECT_FALSE(Library::open({}, Unload::at_end, ""));
  EXPECT_FALSE(Library::open({""}, Unload::at_end, ""));
}

TEST(Library, TheNextNameIsTriedAndSymbolsAreFoundByName) {
  auto l = Library::open({"libassay-nowhere.so", "libc.so.6"}, Unload::at_end, "");
  ASSERT_TRUE(l) << l.error().message;
  EXPECT_EQ(l->name(), "libc.so.6");
  EXPECT_NE(l->find("getpid"), nullptr);
  EXPECT_EQ(l->find("assay_no_such_symbol"), nullptr);
  Function<> here, older, nowhere;
  here.bind(*l, {"getppid", "getpid"});
  older.bind(*l, {"assay_no_such_symbol", "getpid"});
  nowhere.bind(*l, {"assay_no_such_symbol", "assay_nor_this"});
  EXPECT_EQ(here.name, "getppid");
  EXPECT_EQ(older.name, "getpid");
  EXPECT_TRUE(older);
  EXPECT_EQ(nowhere.name, "assay_no_such_symbol");
  EXPECT_FALSE(nowhere);
  EXPECT_EQ(nowhere(-7), -7);
  EXPECT_GT(older(-7), 0);
}

TEST(Library, MovedItStaysOpen) {
  auto l = Library::open({"libc.so.6"}, Unload::at_end, "");
  ASSERT_TRUE(l);
  Library other = std::move(*l);
  EXPECT_EQ(l->find("getpid"), nullptr);
  EXPECT_NE(other.find("getpid"), nullptr);
  other = Library();
  EXPECT_EQ(other.find("getpid"), nullptr);
}

}  // namespace
}  // namespace assay::platform
