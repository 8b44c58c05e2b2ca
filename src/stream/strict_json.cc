// SPDX-License-Identifier: Apache-2.0
#include "stream/strict_json.h"

#include "base/text.h"

namespace assay::stream {

void StrictObject::wrong(std::string_view key, std::string_view what) {
  if (error_) return;
  error_ = Error{ExitCode::usage,
                 key.empty() ? fmt::format("{}: {}", where_, what)
                             : fmt::format("{}: {}: {}", where_, one_line(key, 80), what),
                 "see docs/response.md for the members and their ranges"};
}

void StrictObject::whole(const Json& v, const char* key, int64_t low, int64_t high, int64_t& out) {
  const bool fits =
      v.is_number_integer() &&
      !(v.is_number_unsigned() && v.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) &&
      v.get<int64_t>() >= low && v.get<int64_t>() <= high;
  if (fits)
    out = v.get<int64_t>();
  else
    wrong(key, fmt::format("{}, expected a whole number of {} .. {}", one_line(dump_json(v), 40),
                           low, high));
}

Status StrictObject::end() {
  if (!error_)
    for (const auto& [key, value] : j_.items())
      if (!known_.contains(key)) {
        wrong(key, "is no member of this object");
        break;
      }
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

}  // namespace assay::stream
