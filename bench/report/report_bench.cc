// SPDX-License-Identifier: Apache-2.0
// Budget of design.md: the report of 10^6 samples takes at most 1 s and 1 MB. The shape is the
// certify profile (10 builds, 20 launches each, 5000 samples a launch). Usage: report_bench
// [SCRATCH_FOLDER]
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/fixture.h"
#include "report/report.h"

using namespace assay;

namespace {

int run(const fs::path& parent) {
  auto dir = TempDir::create(parent, "assay-report-bench-");
  if (!dir) return fmt::print("{}\n", dir.error().message), 2;
  report::FixtureOptions o;
  o.recipes = 1;
  o.builds = 10;
  o.launches = 20;
  o.samples = 5000;
  auto folder = report::make_run(dir->path() / "run", o);
  if (!folder) return fmt::print("{}\n", folder.error().message), 2;
  double best = 1e18;
  size_t bytes = 0;
  int64_t samples = 0;
  for (int i = 0; i < 3; ++i) {
    const int64_t start = monotonic_ns();
    auto model = report::load_model(*folder);
    if (!model) return fmt::print("{}\n", model.error().message), 2;
    auto page = report::to_html(*model);
    if (!page) return fmt::print("{}\n", page.error().message), 2;
    best = std::min(best, static_cast<double>(monotonic_ns() - start));
    bytes = page->size();
    samples = model->samples;
  }
  const bool pass = samples == 1'000'000 && best <= 1e9 && bytes <= 1'000'000;
  fmt::print(
      "report of {} samples, {} launches: {} (budget 1 s, best of 3), {} bytes (budget 1000000): "
      "{}\n",
      samples, o.builds * o.launches, format_ns(best), bytes, pass ? "PASS" : "FAIL");
  return pass ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path());
}
