// SPDX-License-Identifier: Apache-2.0
// bench_compare N ITEM THREADS FILE...: all pairs of the float32 outputs in FILEs, as JSON on
// stdout. See run.py.
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "compare/compare.h"

namespace {

int64_t number(const char* text) {
  int64_t v = 0;
  std::from_chars(text, text + std::strlen(text), v);
  return v;
}

// Peak resident anonymous memory can only be sampled; what the process holds at the end, after all
// results are in place and before anything is freed, is the peak here but for the scratch of the
// threads (under 4 MiB each).
int64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.rfind("RssAnon:", 0) == 0)
      return number(line.c_str() + line.find_first_of("0123456789")) * 1024;
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: bench_compare N ITEM THREADS FILE FILE...\n");
    return 2;
  }
  const int64_t n = number(argv[1]), item = number(argv[2]);
  const int64_t start = assay::monotonic_ns();
  std::vector<assay::MappedFile> files;
  std::vector<assay::compare::View> views;
  for (int i = 4; i < argc; ++i) {
    auto file = assay::MappedFile::open(argv[i]);
    if (!file) {
      std::fprintf(stderr, "%s\n", file.error().message.c_str());
      return 2;
    }
    files.push_back(std::move(*file));
    views.push_back({files.back().bytes(), assay::DType::f32, n, item});
  }
  const auto all =
      assay::compare::compare_all(views, true, true, static_cast<int>(number(argv[3])));
  if (!all) {
    std::fprintf(stderr, "%s\n", all.error().message.c_str());
    return 2;
  }
  assay::Json out = {{"seconds", static_cast<double>(assay::monotonic_ns() - start) * 1e-9},
                     {"anonymous_bytes", anonymous_bytes()},
                     {"pairs", assay::Json::array()}};
  for (const auto& p : all->pairs) {
    const auto& d = p.distance;
    const auto& l = p.labels;
    out["pairs"].push_back({{"bitwise_different", d.bitwise_different},
                            {"max_abs", d.max_abs},
                            {"mean_abs", d.mean_abs},
                            {"max_rel", d.max_rel},
                            {"mean_rel", d.mean_rel},
                            {"min_cosine", d.min_cosine},
                            {"mean_cosine", d.mean_cosine},
                            {"ulp", std::vector<uint64_t>(d.ulp, d.ulp + 33)},
                            {"top1", l.top1_mismatch},
                            {"a_not_in_top5_b", l.top1_a_not_in_top5_b},
                            {"b_not_in_top5_a", l.top1_b_not_in_top5_a},
                            {"top5_set", l.top5_set_differs},
                            {"top5_order", l.top5_order_differs},
                            {"probability_all", l.max_probability_change_all}});
  }
  std::printf("%s\n", assay::dump_json(out).c_str());
  return 0;
}
