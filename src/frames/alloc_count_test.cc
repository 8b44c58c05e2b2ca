// SPDX-License-Identifier: Apache-2.0
// Nothing of ours takes memory between the release of a frame and its completion.
#include "frames/alloc_count.h"

#include <cstdlib>

#include "frames/test_run.h"

namespace assay::frames {
namespace {

TEST(AllocCount, APlantedAllocationIsSeen) {
  ASSERT_TRUE(alloc_counting);
  const AllocCounts before = alloc_counts();
  void* volatile p = std::malloc(10);
  std::free(p);
  p = ::operator new(16, std::align_val_t(64));
  ::operator delete(p, std::align_val_t(64));
  EXPECT_EQ(alloc_counts().since(before).own, 2);
  {
    const InCompiler tag;
    p = std::calloc(3, 5);
    std::free(p);
  }
  EXPECT_EQ(alloc_counts().since(before).own, 2);
  EXPECT_EQ(alloc_counts().since(before).compiler, 1);
}

class FrameAllocations : public FramesTest {
 protected:
  void expect_none(const FrameRequest& r) {
    const Ran ran = run(r);
    expect_all_accounted(ran, r.frames);
    for (const auto& records : ran.records)
      for (const auto& record : records) {
        EXPECT_EQ(record.own_allocations, 0) << record.frame;
        EXPECT_EQ(record.compiler_allocations, 0) << record.frame;
        EXPECT_EQ(record.fate, static_cast<int64_t>(stream::Fate::done));
      }
  }
  fs::path folder() {
    fs::create_directories(dir() / "pictures");
    for (int i = 0; i < 5; ++i)
      write_text(dir() / fmt::format("pictures/{}.jpg", i), vision::test_jpeg(60 + 9 * i, 50));
    return dir() / "pictures";
  }
};

TEST_F(FrameAllocations, NoneFromASyntheticCamera) {
  FrameRequest r = request(stream::Scenario::constant_stream, 2, 30, 1'000'000);
  r.workers = 2;
  r.outputs = true;
  r.results_dir = dir();
  expect_none(r);
}

TEST_F(FrameAllocations, NoneFromAFolder) {
  for (const auto cache :
       {SourceSpec::Cache::warm, SourceSpec::Cache::cold, SourceSpec::Cache::memory}) {
    FrameRequest r = request(stream::Scenario::single_stream, 1, 30);
    r.streams[0].source = {};
    r.streams[0].source.path = folder();
    r.streams[0].source.cache = cache;
    r.streams[0].source.scaled_decode = cache == SourceSpec::Cache::memory;
    expect_none(r);
  }
}

TEST_F(FrameAllocations, TheCompilersAreItsOwn) {
  FrameRequest r = request(stream::Scenario::single_stream, 1, 10);
  r.tasks = {task("faulty", "mode allocating_run\n")};
  const Ran ran = run(r);
  expect_all_accounted(ran, 10);
  for (const auto& record : ran.records[0]) {
    EXPECT_EQ(record.own_allocations, 0);
    EXPECT_GE(record.compiler_allocations, 1);
  }
}

}  // namespace
}  // namespace assay::frames
