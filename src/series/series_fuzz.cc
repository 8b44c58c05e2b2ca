// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <span>

#include "model/fuzz_driver.h"
#include "series/series.h"

namespace {

using namespace assay::series;

// What holds of any result; anything else is a defect.
void check(std::string_view text, const ReadOptions& options) {
  const auto result = parse_series(text, "fuzz.x", options);
  if (!result) {
    const auto& e = result.error();
    if (e.code != assay::ExitCode::usage || !e.message.starts_with("fuzz.x: ") || e.fix.empty() ||
        e.message.find('\n') != std::string::npos || e.message.size() > 4000)
      std::abort();
    return;
  }
  if (result->empty()) std::abort();
  for (const Series& s : *result) {
    if (s.samples.empty() || s.samples.size() > text.size() || s.unit.empty() || s.tick_ns < 1 ||
        !parse_format(s.format) || s.name.empty())
      std::abort();
    for (int64_t v : s.samples)
      if (v < 0 || v > kLargestNs) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ReadOptions o;
  check(text, o);
  for (int f = 1; f <= static_cast<int>(Format::bench); ++f) {
    o.format = static_cast<Format>(f);
    check(text, o);
  }
  o.format = Format::csv;
  o.unit = "ms";
  check(text, o);
  o.column = "2";
  check(text, o);
  o.format = Format::ort_perf;
  o.column = "";
  check(text, o);
  o = {};
  o.column = "computeMs";
  check(text, o);
  o.column = text.substr(0, 8);
  o.unit = text.substr(0, 3);
  check(text, o);
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  return assay::fuzz(
      argc, argv,
      {"latency,unit\n1.5,ms\n2,us\n", "1.5\n0.25\n12\n", "latency_ms,run\r\n1.5,0\r\n0.25,1\r\n",
       "# c\n\"a; b (us)\";x\n1;\"y\"\n2;\"z\n\"\n", "1.5 ms\n2 s\n3e-3 us\n",
       "a b_ns\n1 2\n3\t4\n", "latency (ms)\n1.5\nnan\n",
       "m,0.0559777,104857600,98,0\nm,9.5e-05,104857600,98,1\n\nMin "
       "Latency is 0.1sec\nm,0.1,1,2,0\n",
       R"([{"startInMs":0.1,"latencyMs":1.5,"computeMs":1.25},{"latencyMs":1e-3,"computeMs":1}])",
       R"({"context":{"caches":[{"size":1}]},"benchmarks":[{"name":"B","run_name":"B","run_type":)"
       R"("iteration","iterations":10,"real_time":1.5e+1,"cpu_time":1,"time_unit":"us"},{"name":)"
       R"("B_mean","run_type":"aggregate","iterations":3,"real_time":900,"time_unit":"us"}]})",
       R"({"results":[{"command":"a","times":[0.1,0.25],"exit_codes":[0,null]}]})",
       R"([{"launch":0,"latencyMs":1.5,"latency_ns":1500000},{"launch":1,"latency_ns":7}])",
       std::string("\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0", 16)});
}
#endif
