// SPDX-License-Identifier: Apache-2.0
#include "stream/time_stamps.h"

#include <cstdlib>

#include "model/fuzz_driver.h"
#include "stream/scenario.h"

namespace {

// What holds of any result; anything else is a defect.
void check(std::string_view text, const std::string& unit) {
  assay::stream::TimeStampOptions options;
  options.unit = unit;
  const auto got = assay::stream::parse_time_stamps(text, "fuzz", options);
  if (!got) {
    const auto& e = got.error();
    if (e.code != assay::ExitCode::usage || !e.message.starts_with("fuzz: ") || e.fix.empty() ||
        e.message.size() > 400 || e.message.find('\n') != std::string::npos)
      std::abort();
    return;
  }
  if (got->empty() || got->front() != 0 || got->size() > text.size() ||
      got->back() > assay::stream::kLongestScheduleNs)
    std::abort();
  for (size_t i = 1; i < got->size(); ++i)
    if ((*got)[i] <= (*got)[i - 1]) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* unit : {"", "s", "ms", "us", "ns"}) check(text, unit);
  check(text, std::string(text.substr(0, 3)));
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  return assay::fuzz(argc, argv,
                     {"# unit: ms\n10\n43.3\n\n# x\n76.25\n", "5\r\n7\r\n9e1\r\n",
                      "time_ms,frame\n0,0\n40,1\n80.5,2\n", "\"t (s)\";x\n0;a\n1;b\n",
                      "1700000000.123456789\n1700000000.156790123\n",
                      "1700000000123456789\n9223372036854775807\n", " [0, 33.5,\n 67e0, 1.25E+2]\n",
                      "\xEF\xBB\xBF"
                      "us\n1\n2\n"});
}
#endif
