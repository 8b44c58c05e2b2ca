// SPDX-License-Identifier: Apache-2.0
#include "vision/frame.h"

#include <iterator>

namespace assay::vision {
namespace {

constexpr std::string_view kFormats[] = {"rgb8", "nv12", "i420"};
constexpr std::string_view kFaults[] = {"none",      "absent",    "unreadable", "empty",
                                        "not-image", "damaged",   "too-large",  "unsupported",
                                        "stopped",   "run-failed"};

template <class E, size_t N>
std::optional<E> find(const std::string_view (&words)[N], std::string_view s) {
  for (size_t i = 0; i < N; ++i)
    if (words[i] == s) return static_cast<E>(i);
  return std::nullopt;
}

// A number from elsewhere (a log, another process) may be none of the enumerators.
template <size_t N, class E>
std::string_view at(const std::string_view (&words)[N], E e) {
  const auto i = static_cast<uint32_t>(e);
  return i < N ? words[i] : std::string_view("unknown");
}

}  // namespace

std::string_view word(PixelFormat f) { return at(kFormats, f); }
std::optional<PixelFormat> pixel_format_from(std::string_view s) {
  return find<PixelFormat>(kFormats, s);
}
std::string_view word(FrameFault f) { return at(kFaults, f); }
std::optional<FrameFault> frame_fault_from(std::string_view s) {
  return find<FrameFault>(kFaults, s);
}

}  // namespace assay::vision
