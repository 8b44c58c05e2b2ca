// SPDX-License-Identifier: Apache-2.0
// Our side of run.py: `bench_vision FILE WIDTH HEIGHT RULE REPEATS OUT`. Times the pass from a
// decoded RGB image (raw bytes in FILE) to a 1x3x224x224 float32 tensor, the usual ImageNet way,
// and writes the tensor to OUT; with `0 0` FILE is a JPEG or PNG, and decoding it from memory is
// timed too; with `-1 -1` it may be decoded at a smaller scale. One JSON line: level of SIMD and
// nanoseconds of each repeat.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vision/frame_decoder.h"
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

// CPU time of the process: other work on the core does not count.
int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return fail("FILE WIDTH HEIGHT RULE REPEATS OUT");
  const auto rule = resize_rule_from(argv[4]);
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const int64_t width = std::atoll(argv[2]), height = std::atoll(argv[3]);
  const bool whole = width <= 0, scaled = width < 0;
  if (!rule || (!whole && static_cast<int64_t>(bytes.size()) != 3 * width * height))
    return fail("the file, its sides or the rule do not fit");
  PreSpec spec;
  spec.resize = *rule;
  const TensorSpec input{"input", DType::f32, {1, 3, 224, 224}};
  constexpr int64_t kMost = 4096;
  auto pre = FramePre::create(spec, input, whole ? kMost : width, whole ? kMost : height);
  if (!pre) return fail(pre.error().message);
  auto decoder = FrameDecoder::create(DecodeLimits{});
  if (!decoder) return fail(decoder.error().message);
  DecodedFrame decoded;
  decoded.view.width = width;
  decoded.view.height = height;
  decoded.view.planes[0] = reinterpret_cast<const uint8_t*>(bytes.data());
  decoded.view.strides[0] = 3 * width;
  DecodeTarget target;
  const std::unique_ptr<void, Freed> tensor(
      std::aligned_alloc(64, static_cast<size_t>(input.bytes())));
  const auto once = [&] {
    const FrameFault fault =
        whole ? decoder->decode(std::as_bytes(std::span(bytes)), target, &decoded)
              : FrameFault::none;
    return fault == FrameFault::none ? pre->run(decoded.view, tensor.get(), nullptr) : fault;
  };
  std::vector<int64_t> times(static_cast<size_t>(std::max(1LL, std::atoll(argv[5]))));
  for (int i = 0; i < 20; ++i) {  // brings code, tables and pixels into the caches
    if (const FrameFault fault = once(); fault != FrameFault::none)
      return fail(std::string(word(fault)));
    if (scaled)
      pre->least_source(decoded.full_width, decoded.full_height, &target.min_width,
                        &target.min_height);
  }
  for (auto& time : times) {
    const int64_t start = now_ns();
    once();
    time = now_ns() - start;
  }
  std::ofstream(argv[6], std::ios::binary)
      .write(static_cast<const char*>(tensor.get()), static_cast<std::streamsize>(input.bytes()));
  std::printf("{\"simd\": \"%s\", \"scale\": %d, \"ns\": [", std::string(simd_level()).c_str(),
              decoded.scale);
  for (size_t i = 0; i < times.size(); ++i)
    std::printf("%s%lld", i ? ", " : "", static_cast<long long>(times[i]));
  std::printf("]}\n");
  return 0;
}
