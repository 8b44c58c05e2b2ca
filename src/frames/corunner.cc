// SPDX-License-Identifier: Apache-2.0
#include "frames/corunner.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>

#include "base/files.h"
#include "frames/source.h"
#include "measure/clock.h"
#include "worker/environment.h"
#include "worker/feed.h"

namespace assay::frames {
namespace {

constexpr int64_t mib = 1 << 20, line_bytes = 64;

template <class T>
Result<T> number(std::string_view flag, const std::string& text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < low ||
      value > high)
    return bad_input(
        fmt::format("{} is '{}', expected a whole number from {} to {}", flag, text, low, high));
  return static_cast<T>(value);
}

// a[i] = b[i] + s * c[i] over three thirds of the buffer, a piece of 1 MiB at a time.
int64_t triad(double* data, int64_t n, const std::atomic<bool>& stop) {
  constexpr int64_t piece = mib / static_cast<int64_t>(sizeof(double));
  double *a = data, *b = a + n, *c = b + n;
  int64_t done = 0;
  for (;;)
    for (int64_t from = 0; from < n; from += piece) {
      const int64_t to = std::min(n, from + piece);
      for (int64_t i = from; i < to; ++i) a[i] = b[i] + 3.0 * c[i];
      asm volatile("" : : "r"(a) : "memory");  // the stores count even where nobody reads them
      done += (to - from) * 3 * static_cast<int64_t>(sizeof(double));
      if (stop.load(std::memory_order_relaxed)) return done;
    }
}

// One cycle through all lines in random order: each load waits for the one before.
void make_cycle(uint64_t* data, int64_t lines) {
  std::vector<int64_t> order(static_cast<size_t>(lines));
  std::iota(order.begin(), order.end(), int64_t{0});
  uint64_t state = 1;
  for (size_t i = order.size(); i > 1; --i) {
    state = mix(state);
    std::swap(order[i - 1], order[state % i]);
  }
  const auto word = [](int64_t line) { return static_cast<size_t>(line * line_bytes / 8); };
  for (size_t i = 0; i < order.size(); ++i)
    data[word(order[i])] = word(order[(i + 1) % order.size()]);
}

int64_t chase(const uint64_t* data, const std::atomic<bool>& stop) {
  constexpr int64_t piece = 4096;
  uint64_t at = 0;
  for (int64_t done = 0;;) {
    for (int64_t i = 0; i < piece; ++i) at = data[at];
    asm volatile("" : : "r"(at));
    done += piece * line_bytes;
    if (stop.load(std::memory_order_relaxed)) return done;
  }
}

}  // namespace

Result<CorunnerSpec> corunner_from_args(const std::vector<std::string>& args) {
  CorunnerSpec spec;
  bool kind = false;
  for (size_t i = 0; i < args.size(); i += 2) {
    const std::string& flag = args[i];
    if (flag != "--kind" && flag != "--mib" && flag != "--cpu" && flag != "--until")
      return bad_input(fmt::format("{} is not known", flag), "see --help");
    if (i + 1 == args.size()) return bad_input(flag + " needs a value");
    const std::string& value = args[i + 1];
    if (flag == "--mib") {
      ASSAY_TRY(spec.mib, number<int64_t>(flag, value, 0, int64_t{1} << 24));
    } else if (flag == "--cpu") {
      ASSAY_TRY(spec.cpu, number<int>(flag, value, -1, 1023));
    } else if (flag == "--until") {
      using Until = CorunnerSpec::Until;
      if (value != "stdin" && value != "signal" && value != "buffer")
        return bad_input(fmt::format("--until is '{}', expected stdin, signal or buffer", value));
      spec.until = value == "stdin"    ? Until::input
                   : value == "signal" ? Until::signal
                                       : Until::buffer;
    } else if (value == "memory" || value == "cache") {
      kind = true;
      spec.kind = value == "memory" ? CorunnerSpec::Kind::memory : CorunnerSpec::Kind::cache;
    } else {
      return bad_input(fmt::format("--kind is '{}', expected memory or cache", value));
    }
  }
  if (!kind) return bad_input("--kind is needed", "--kind memory or --kind cache");
  return spec;
}

int64_t last_level_cache_bytes() {
  int64_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    int64_t value = 0;
    char unit = ' ';
    if (!(file >> value)) continue;
    file >> unit;
    if (unit == 'K') value <<= 10;
    if (unit == 'M') value <<= 20;
    largest = std::max(largest, value);
  }
  return largest > 0 ? largest : 32 * mib;
}

int64_t buffer_bytes(const CorunnerSpec& spec) {
  const int64_t ram =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  const int64_t cache = last_level_cache_bytes();
  const int64_t usual =
      spec.kind == CorunnerSpec::Kind::memory ? std::max(4 * cache, 256 * mib) : cache;
  return std::max(mib, std::min(spec.mib > 0 ? spec.mib * mib : usual, ram / 4));
}

CorunnerResult run_corunner(const CorunnerSpec& spec, const std::atomic<bool>& stop,
                            const std::function<void()>& ready) {
  if (spec.cpu >= 0) worker::pin_this_thread(spec.cpu);
  const worker::AlignedBuffer buffer(buffer_bytes(spec));
  CorunnerResult result;
  if (spec.kind == CorunnerSpec::Kind::cache)
    make_cycle(static_cast<uint64_t*>(buffer.data()), buffer.size() / line_bytes);
  if (ready) ready();
  const int64_t begin = measure::stamp_ns();
  result.bytes = spec.kind == CorunnerSpec::Kind::cache
                     ? chase(static_cast<const uint64_t*>(buffer.data()), stop)
                     : triad(static_cast<double*>(buffer.data()),
                             buffer.size() / 3 / static_cast<int64_t>(sizeof(double)), stop);
  result.wall_ns = measure::stamp_ns() - begin;
  return result;
}

}  // namespace assay::frames
