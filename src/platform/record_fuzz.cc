// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>

#include "model/fuzz_driver.h"
#include "platform/record.h"

// Any text gives a record that holds together and comes back as it was, or an error of one line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay::platform;
  const auto json = assay::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!json) return 0;
  const auto r = record_from_json(*json);
  if (!r) {
    const auto& e = r.error();
    if (e.code != assay::ExitCode::usage || e.fix.empty() || e.message.size() > 4000 ||
        e.message.find('\n') != std::string::npos)
      std::abort();
    return 0;
  }
  if (r->columns.size() != r->channels.size() || !std::is_sorted(r->t_ns.begin(), r->t_ns.end()))
    std::abort();
  for (const auto& column : r->columns) {
    if (column.size() != r->t_ns.size()) std::abort();
  }
  for (const auto& channel : r->channels) {
    for (size_t k = 0; k < r->t_ns.size(); ++k) {
      const auto grown = growth(*r, channel.name, 0, k);
      if (grown && *grown < 0) std::abort();
    }
  }
  const auto back = record_from_json(to_json(*r));
  if (!back || back->t_ns != r->t_ns || back->columns != r->columns) std::abort();
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  return assay::fuzz(
      argc, argv,
      {R"({"interval_ms":100,"real":true,"t_ns":[10,20],"channels":[{"name":"cpu0.mhz","kind":)"
       R"("gauge","values":[3000,null]},{"name":"rapl.package-0.uj","kind":"counter","wrap":9,)"
       R"("refresh_ms":1,"values":[8,4]}],"missing":[{"what":"nvml","why":"no library"}]})",
       R"({"interval_ms":1,"real":false,"t_ns":[0,0,9223372036854775807],"channels":[{"name":"m",)"
       R"("kind":"mask","least_interval_ms":5,"values":[1,2,4]},{"name":"c","kind":"counter",)"
       R"("wrap":9223372036854775807,"values":[9223372036854775807,0,1]}],"missing":[]})",
       R"({"interval_ms":0,"real":true,"t_ns":[],"channels":[],"missing":[]})"});
}
#endif
