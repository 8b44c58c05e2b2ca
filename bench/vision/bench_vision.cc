// SPDX-License-Identifier: Apache-2.0
// Our side of run.py: `bench_vision PIXELS WIDTH HEIGHT RULE REPEATS OUT`. Times the pass from a
// decoded RGB image (raw bytes in PIXELS) to a 1x3x224x224 float32 tensor, the usual ImageNet way,
// and writes the tensor to OUT. One JSON line: level of SIMD and nanoseconds of each repeat.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "vision/frame_pre.h"

namespace {

using namespace assay;
using namespace assay::vision;

struct Freed {
  void operator()(void* p) const { std::free(p); }
};

int fail(const std::string& why) {
  std::fprintf(stderr, "bench_vision: %s\n", why.c_str());
  return 2;
}

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return fail("PIXELS WIDTH HEIGHT RULE REPEATS OUT");
  const auto rule = resize_rule_from(argv[4]);
  FrameView view;
  view.width = std::atoll(argv[2]);
  view.height = std::atoll(argv[3]);
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> pixels{std::istreambuf_iterator<char>(file), {}};
  if (!rule || view.width < 1 || view.height < 1 ||
      static_cast<int64_t>(pixels.size()) != 3 * view.width * view.height)
    return fail("the file, its sides or the rule do not fit");
  view.planes[0] = reinterpret_cast<const uint8_t*>(pixels.data());
  view.strides[0] = 3 * view.width;
  PreSpec spec;
  spec.resize = *rule;
  const TensorSpec input{"input", DType::f32, {1, 3, 224, 224}};
  auto pre = FramePre::create(spec, input, view.width, view.height);
  if (!pre) return fail(pre.error().message);
  const std::unique_ptr<void, Freed> tensor(
      std::aligned_alloc(64, static_cast<size_t>(input.bytes())));
  std::vector<int64_t> times(static_cast<size_t>(std::max(1LL, std::atoll(argv[5]))));
  for (int i = 0; i < 20; ++i)  // brings code, tables and pixels into the caches
    if (pre->run(view, tensor.get(), nullptr) != FrameFault::none) return fail("refused");
  for (auto& time : times) {
    const int64_t start = now_ns();
    pre->run(view, tensor.get(), nullptr);
    time = now_ns() - start;
  }
  std::ofstream(argv[6], std::ios::binary)
      .write(static_cast<const char*>(tensor.get()), static_cast<std::streamsize>(input.bytes()));
  std::printf("{\"simd\": \"%s\", \"ns\": [", std::string(simd_level()).c_str());
  for (size_t i = 0; i < times.size(); ++i)
    std::printf("%s%lld", i ? ", " : "", static_cast<long long>(times[i]));
  std::printf("]}\n");
  return 0;
}
