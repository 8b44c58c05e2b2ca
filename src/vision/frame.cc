// SPDX-License-Identifier: Apache-2.0
#include "vision/frame.h"

#include "base/word_table.h"

namespace assay::vision {
namespace {

constexpr WordTable<PixelFormat, 3> kFormats = {
    {{PixelFormat::rgb8, "rgb8"}, {PixelFormat::nv12, "nv12"}, {PixelFormat::i420, "i420"}}};
constexpr WordTable<FrameFault, 10> kFaults = {{{FrameFault::none, "none"},
                                                {FrameFault::absent, "absent"},
                                                {FrameFault::unreadable, "unreadable"},
                                                {FrameFault::empty, "empty"},
                                                {FrameFault::not_an_image, "not-image"},
                                                {FrameFault::damaged, "damaged"},
                                                {FrameFault::too_large, "too-large"},
                                                {FrameFault::unsupported, "unsupported"},
                                                {FrameFault::stopped, "stopped"},
                                                {FrameFault::run_failed, "run-failed"}}};

}  // namespace

std::string_view word(PixelFormat f) { return word_of(kFormats, f); }
std::optional<PixelFormat> pixel_format_from(std::string_view s) { return value_of(kFormats, s); }
std::string_view word(FrameFault f) { return word_of(kFaults, f); }

}  // namespace assay::vision
