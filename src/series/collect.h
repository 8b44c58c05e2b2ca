// SPDX-License-Identifier: Apache-2.0
// Where every parser puts its values: one place for what a latency may be and what is noted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "series/decimal.h"
#include "series/series.h"

namespace assay::series {

// Why a value was refused.
enum class Refusal { none, negative, too_large, too_many };

// Builds one Series.
class Collector {
 public:
  Collector(Format format, std::string name, const ReadOptions& options)
      : max_samples_(options.max_samples) {
    series_.format = format_name(format);
    series_.name = std::move(name);
  }
  // Appends d * 10^unit.power ns.
  Refusal add(const Decimal& d, const Unit& unit);
  void reserve(size_t n) { series_.samples.reserve(n); }
  size_t size() const { return series_.samples.size(); }
  void note(std::string text) { series_.notes.push_back(std::move(text)); }
  Series& series() { return series_; }
  // Fills unit, tick and notes in; the samples must not be empty.
  Series finish();

 private:
  Series series_;
  int64_t max_samples_;
  int64_t zeros_ = 0, rounded_ = 0;
  int64_t finest_ = 0;  // power of ten of the finest last digit, in ns
  unsigned units_ = 0;  // bit power/3 of each unit seen
};

// "WHERE: PLACE: 'TEXT' is negative, expected ..." as a usage error.
tl::unexpected<Error> refused(Refusal why, std::string_view where, std::string_view place,
                              std::string_view text, const ReadOptions& options);
tl::unexpected<Error> not_finite(NumberKind kind, std::string_view where, std::string_view place,
                                 std::string_view text);
// What the format fixes was asked for otherwise: --unit or --column that it does not know.
Status unit_is_fixed(const ReadOptions& options, const Unit& unit, Format format,
                     std::string_view where);

// Ends all collectors: empty ones are left out; names get the parts in `parts` where there are
// several. Error when none holds a sample.
Result<std::vector<Series>> finish_all(std::vector<Collector> collectors, std::string_view where,
                                       const std::vector<std::string>& parts);
// The stem of a path, for names.
std::string stem_of(std::string_view where);

// The parsers. `bytes` has no byte-order mark.
Result<std::vector<Series>> parse_csv(std::string_view bytes, std::string_view where,
                                      const ReadOptions& options);
bool looks_like_ort_perf(std::string_view bytes);
Result<std::vector<Series>> parse_ort_perf(std::string_view bytes, std::string_view where,
                                           const ReadOptions& options);
Result<Format> json_layout(std::string_view bytes, std::string_view where);
Result<std::vector<Series>> parse_times_json(std::string_view bytes, std::string_view where,
                                             const ReadOptions& options);  // trtexec
Result<std::vector<Series>> parse_bench_json(std::string_view bytes, std::string_view where,
                                             const ReadOptions& options);
Result<std::vector<Series>> parse_google_benchmark(std::string_view bytes, std::string_view where,
                                                   const ReadOptions& options);
Result<std::vector<Series>> parse_hyperfine(std::string_view bytes, std::string_view where,
                                            const ReadOptions& options);

}  // namespace assay::series
