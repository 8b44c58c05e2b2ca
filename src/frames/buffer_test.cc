// SPDX-License-Identifier: Apache-2.0
#include "frames/buffer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace assay::frames {
namespace {

TEST(FrameBuffer, RecordsReachTheParent) {
  auto parent = FrameBuffer::create(2, 3);
  ASSERT_TRUE(parent);
  auto child = FrameBuffer::attach(parent->fd(), 2, 3);
  ASSERT_TRUE(child);
  stream::FrameRecord r;
  for (r.frame = 0; r.frame < 3; ++r.frame) EXPECT_TRUE(child->append(1, r));
  EXPECT_FALSE(child->append(1, r)) << "full";
  EXPECT_FALSE(child->append(2, r)) << "no such stream";
  EXPECT_TRUE(parent->records(0).empty());
  ASSERT_EQ(parent->records(1).size(), 3u);
  EXPECT_EQ(parent->records(1)[2].frame, 2);
  EXPECT_FALSE(parent->ready());
  child->set_ready();
  EXPECT_TRUE(parent->ready());
  parent->go_at(77);
  EXPECT_EQ(child->wait_for_go(), 77);
  parent->stop();
  EXPECT_EQ(child->wait_for_go(), 0);
}

TEST(FrameBuffer, WhatTheChildClaimsIsClamped) {
  auto parent = FrameBuffer::create(1, 2);
  ASSERT_TRUE(parent);
  const auto size = static_cast<size_t>(buffer_layout::bytes(1, 2));
  auto* words = static_cast<int64_t*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, parent->fd(), 0));
  ASSERT_NE(words, MAP_FAILED);
  words[buffer_layout::at_written] = INT64_MAX;
  EXPECT_EQ(parent->records(0).size(), 2u);
  words[buffer_layout::at_written] = -5;
  EXPECT_TRUE(parent->records(0).empty());
  words[buffer_layout::at_capacity] = 1 << 20;  // lies about its size
  EXPECT_FALSE(FrameBuffer::attach(parent->fd(), 1, 2));
  munmap(words, size);
  EXPECT_NE(ftruncate(parent->fd(), 8), 0) << "sealed: no SIGBUS for the parent";
}

TEST(FrameBuffer, WritersShareNoCacheLine) {
  EXPECT_EQ((buffer_layout::at_written_of(1) - buffer_layout::at_written_of(0)) * 8, 64);
  EXPECT_EQ(buffer_layout::at_written_of(0) * 8 % 64, 0);
  EXPECT_EQ(buffer_layout::header_words * 8 % 64, 0);
  EXPECT_EQ(sizeof(stream::FrameRecord) % 64, 0u);
}

TEST(FrameBuffer, WrongSizesAreUsageErrors) {
  EXPECT_FALSE(FrameBuffer::create(0, 1));
  EXPECT_FALSE(FrameBuffer::create(65, 1));
  EXPECT_FALSE(FrameBuffer::create(1, 0));
  EXPECT_FALSE(FrameBuffer::attach(-1, 1, 1));
  auto parent = FrameBuffer::create(1, 4);
  ASSERT_TRUE(parent);
  EXPECT_FALSE(FrameBuffer::attach(parent->fd(), 1, 5));
  EXPECT_FALSE(FrameBuffer::attach(parent->fd(), 2, 4));
}

}  // namespace
}  // namespace assay::frames
