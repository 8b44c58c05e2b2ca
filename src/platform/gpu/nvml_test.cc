// SPDX-License-Identifier: Apache-2.0
// Facts and locked clocks, against libraries that answer from a file.
#include "platform/gpu/nvml.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "platform/cuda.h"
#include "platform/gpu/testing/fake_library.h"

namespace assay::platform {
namespace {

using fake::FakeLibrary;

Roots with(const FakeLibrary& library) {
  Roots roots;
  roots.nvml = library.path();
  roots.root = library.folder();
  return roots;
}

TEST(GpuFacts, AllThatTheLibraryTells) {
  unsetenv("CUDA_MPS_PIPE_DIRECTORY");
  const FakeLibrary library(FAKE_NVML, "gpus 2\ngpu1.name Second\ngpu1.mig 1\n");
  const auto facts = gpu_facts(with(library));
  ASSERT_TRUE(facts) << facts.error().message;
  ASSERT_EQ(facts->size(), 2u);
  const GpuFacts& f = facts->front();
  EXPECT_EQ(f.name, "Fake GPU");
  EXPECT_EQ(f.uuid, "GPU-00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(f.driver, "999.10");
  EXPECT_EQ(f.cuda_driver, "13.0");
  EXPECT_EQ(f.compute_capability, "9.0");
  EXPECT_EQ(f.persistence, "on");
  EXPECT_EQ(f.compute_mode, "default");
  EXPECT_EQ(f.mig, "off");
  EXPECT_EQ(f.mps, "none seen");
  EXPECT_EQ(f.pci, "00000000:00:06.0");
  EXPECT_EQ(f.memory_bytes, 85899345920);
  EXPECT_EQ(f.max_sm_mhz, 1980);
  EXPECT_EQ(f.max_mem_mhz, 2619);
  EXPECT_EQ(f.application_sm_mhz, 1980);
  EXPECT_EQ(f.power_limit_mw, 700000);
  EXPECT_EQ(f.processes, 1);
  EXPECT_EQ(f.throttle, 0);
  EXPECT_EQ(f.can_lock_clocks, geteuid() == 0);
  EXPECT_EQ(facts->at(1).index, 1);
  EXPECT_EQ(facts->at(1).name, "Second");
  EXPECT_EQ(facts->at(1).mig, "on (off after a reset)");
}

TEST(GpuFacts, WhatIsNotToldIsUnknown) {
  const FakeLibrary library(FAKE_NVML,
                            "gpu*.max_sm_mhz !3\ngpu*.processes !4\ngpu*.throttle !999\n"
                            "gpu*.mig !3\ngpu*.persistence !3\ngpu*.memory_bytes !3\n"
                            "gpu*.compute_mode 77\ngpu*.capability nonsense\ncuda 0\n"
                            "gpu*.mps_processes !3\n");
  const auto facts = gpu_facts(with(library));
  ASSERT_TRUE(facts) << facts.error().message;
  const GpuFacts& f = facts->front();
  EXPECT_EQ(f.max_sm_mhz, -1);
  EXPECT_EQ(f.processes, -1);
  EXPECT_EQ(f.throttle, -1);
  EXPECT_EQ(f.memory_bytes, -1);
  EXPECT_EQ(f.mig, "not supported");
  EXPECT_EQ(f.persistence, "unknown");
  EXPECT_EQ(f.compute_mode, "unknown");
  EXPECT_EQ(f.compute_capability, "unknown");
  EXPECT_EQ(f.cuda_driver, "unknown");
  EXPECT_EQ(f.mps, "unknown");
  EXPECT_FALSE(f.can_lock_clocks);
}

TEST(GpuFacts, MpsIsAFactByClientsAndAHintOtherwise) {
  unsetenv("CUDA_MPS_PIPE_DIRECTORY");
  const FakeLibrary library(FAKE_NVML, "gpus 2\ngpu0.mps_processes 3\ngpu1.compute_mode 3\n");
  auto facts = gpu_facts(with(library));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->at(0).mps, "3 clients");
  EXPECT_EQ(facts->at(1).mps, "possible: compute mode exclusive_process");
  ASSERT_TRUE(make_dirs(library.folder() / "tmp/nvidia-mps"));
  ASSERT_TRUE(write_file_atomic(library.folder() / "tmp/nvidia-mps/control", ""));
  facts = gpu_facts(with(library));
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->at(1).mps.ends_with("tmp/nvidia-mps/control exists")) << facts->at(1).mps;
  ASSERT_TRUE(make_dirs(library.folder() / "proc/17"));
  ASSERT_TRUE(write_file_atomic(library.folder() / "proc/17/comm", "nvidia-cuda-mps\n"));
  facts = gpu_facts(with(library));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->at(1).mps, "likely: process 17 is of nvidia-cuda-mps");
}

TEST(GpuFacts, OlderNamesServeAndMissingFunctionsAreUnknown) {
  const FakeLibrary library(FAKE_NVML_OLD, "");
  const auto facts = gpu_facts(with(library));
  ASSERT_TRUE(facts) << facts.error().message;
  const GpuFacts& f = facts->front();
  EXPECT_EQ(f.pci, "0000:00:06.0");
  EXPECT_EQ(f.power_limit_mw, 700000);
  EXPECT_EQ(f.processes, 1);
  EXPECT_EQ(f.throttle, 0);
  EXPECT_EQ(f.cuda_driver, "unknown");
  EXPECT_EQ(f.mig, "unknown");
  EXPECT_FALSE(f.can_lock_clocks);
}

TEST(GpuFacts, EachFailureHasItsFix) {
  struct Case {
    const char *answers, *message, *fix;
  };
  for (const Case& c :
       {Case{"init 9", "Driver Not Loaded", "modprobe nvidia"},
        Case{"init 4", "Insufficient Permissions", "/dev/nvidia"},
        Case{"init 18", "mismatch", "rmmod nvidia"},
        Case{"init 999", "nvmlInit_v2: Unknown Error (status 999)", "nvidia-smi"},
        Case{"gpus 0", "no GPU", "nvidia-smi"}, Case{"gpus 1000", "1000 GPUs", "nvidia-smi"}}) {
    const FakeLibrary library(FAKE_NVML, c.answers);
    const auto facts = gpu_facts(with(library));
    ASSERT_FALSE(facts) << c.answers;
    EXPECT_EQ(facts.error().code, ExitCode::missing);
    EXPECT_NE(facts.error().message.find(c.message), std::string::npos) << facts.error().message;
    EXPECT_NE(facts.error().fix.find(c.fix), std::string::npos) << facts.error().fix;
  }
}

TEST(GpuFacts, ALibraryThatIsNotNvmlIsToldByName) {
  Roots roots;
  roots.nvml = "libc.so.6";
  const auto facts = gpu_facts(roots);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().message, "NVML: libc.so.6 has no nvmlInit_v2: it is not NVML");
}

TEST(GpuFacts, AGpuThatMayNotBeOpenedIsNamed) {
  const FakeLibrary library(FAKE_NVML, "gpus 2\ngpu0.handle !4\n");
  const auto facts = gpu_facts(with(library));
  ASSERT_TRUE(facts);
  EXPECT_NE(facts->at(0).name.find("Insufficient Permissions"), std::string::npos);
  EXPECT_EQ(facts->at(0).max_sm_mhz, -1);
  EXPECT_EQ(facts->at(1).name, "Fake GPU");
}

TEST(GpuClocks, AreLockedAndGivenBack) {
  const FakeLibrary library(FAKE_NVML, "");
  library.write("log " + (library.folder() / "log").string() + "\n");
  ASSERT_TRUE(lock_gpu_clocks(with(library), 0, 1410));
  ASSERT_TRUE(reset_gpu_clocks(with(library), 0));
  const auto log = read_file(library.folder() / "log");
  ASSERT_TRUE(log);
  EXPECT_EQ(*log, "lock gpu0 1410 1410\nreset gpu0\n");
}

TEST(GpuClocks, RefusalsSayWhatToDo) {
  const FakeLibrary library(FAKE_NVML, "lock 4");
  const Roots roots = with(library);
  for (int mhz : {0, -5, 1981}) {
    const Status s = lock_gpu_clocks(roots, 0, mhz);
    ASSERT_FALSE(s) << mhz;
    EXPECT_EQ(s.error().code, ExitCode::usage);
    EXPECT_NE(s.error().fix.find("SUPPORTED_CLOCKS"), std::string::npos);
  }
  for (int gpu : {-1, 1}) {
    EXPECT_EQ(lock_gpu_clocks(roots, gpu, 1000).error().code, ExitCode::usage);
    EXPECT_EQ(reset_gpu_clocks(roots, gpu).error().code, ExitCode::usage);
  }
  const Status refused = lock_gpu_clocks(roots, 0, 1410);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::missing);
  EXPECT_NE(refused.error().message.find("Insufficient Permissions"), std::string::npos);
  EXPECT_EQ(refused.error().fix, "as root: nvidia-smi -i 0 --lock-gpu-clocks=1410,1410");
  EXPECT_EQ(reset_gpu_clocks(roots, 0).error().fix, "as root: nvidia-smi -i 0 --reset-gpu-clocks");
  const FakeLibrary old(FAKE_NVML_OLD, "");
  const Status absent = lock_gpu_clocks(with(old), 0, 1410);
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().message.find("nvmlDeviceSetGpuLockedClocks: not in this"),
            std::string::npos);
}

TEST(Throttle, BitsAreNamed) {
  EXPECT_EQ(throttle_words(0), "none");
  EXPECT_EQ(throttle_words(-1), "unknown");
  EXPECT_EQ(throttle_words(1), "idle");
  EXPECT_EQ(throttle_words(0xC), "power cap, hardware slowdown");
  EXPECT_EQ(throttle_words(0x40000001), "idle, 0x40000000");
  EXPECT_EQ(throttle_words(0x800), "0x800");
}

TEST(Device, IsWrittenInOneWay) {
  EXPECT_EQ(cuda_index("cuda:0"), 0);
  EXPECT_EQ(cuda_index("cuda:999"), 999);
  for (const char* other : {"", "cpu", "cuda", "cuda:", "cuda:00", "cuda:-1", "cuda:+1", "cuda:1x",
                            "cuda:1000", " cuda:0", "CUDA:0"})
    EXPECT_EQ(cuda_index(other), -1) << other;
}

}  // namespace
}  // namespace assay::platform
