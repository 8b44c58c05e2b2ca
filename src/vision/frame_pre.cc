// SPDX-License-Identifier: Apache-2.0
#include "vision/frame_pre.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "vision/pre_output.h"
#include "vision/pre_plan.h"
#include "vision/pre_spec.h"

namespace assay::vision {
namespace {

// ITU-R BT.601 and BT.709 (red and blue weights of luma) in units of 2^-13.
YuvRow yuv_weights(const YuvRule& rule) {
  const double red = rule.bt709 ? 0.2126 : 0.299, blue = rule.bt709 ? 0.0722 : 0.114;
  const double green = 1 - red - blue;
  const double luma = rule.full_range ? 1 : 255 / 219.0, chroma = rule.full_range ? 1 : 255 / 224.0;
  const auto fixed = [](double v) { return static_cast<int32_t>(std::lround(v * 8192)); };
  return {nullptr,
          nullptr,
          nullptr,
          1,
          rule.full_range ? 0 : 16,
          fixed(luma),
          fixed(2 * (1 - red) * chroma),
          fixed(-2 * (1 - blue) * blue / green * chroma),
          fixed(-2 * (1 - red) * red / green * chroma),
          fixed(2 * (1 - blue) * chroma)};
}

// Rows a target row may need at once, whatever the frame: sides of the resized frame are at least
// two thirds of what the scale gives, so that the scale of rows is at most 2 x the nominal one.
int64_t rows_at_most(const PreSpec& spec, const ImageLayout& to, int64_t max_width,
                     int64_t max_height) {
  double scale = 0;
  const auto share = [](int64_t from, int64_t side) {
    return static_cast<double>(from) / static_cast<double>(side);
  };
  if (spec.fit == Fit::stretch) {
    scale = share(max_height, to.height);
  } else if (spec.fit == Fit::letterbox) {
    scale = 2 * std::max(share(max_width, to.width), share(max_height, to.height));
  } else {
    const int64_t shorter =
        spec.resize_shorter > 0 ? spec.resize_shorter : std::min(to.width, to.height);
    scale = 2 * share(std::max(max_width, max_height), shorter);
  }
  return std::min(max_height, static_cast<int64_t>(2 * std::max(scale, 1.0)) + 4);
}

}  // namespace

struct FramePre::Impl {
  Impl(const PreSpec& s, PreOutput o) : spec(s), output(std::move(o)) {}

  PreSpec spec;
  PreOutput output;
  const PreKernels* kernels = nullptr;
  Size most, size;  // of frames; of the last one
  Placement placement;
  AxisPlan across, down;
  StepPlan steps;
  AcrossPlan plan;
  std::vector<uint8_t> source;  // a converted row
  std::vector<std::byte> ring;  // resized rows, source row y in slot y % slots
  int64_t slots = 0, slot_bytes = 0;
  std::vector<const uint8_t*> rows;
  std::vector<uint8_t> levels;
  std::vector<float> real_levels;

  void prepare(Size frame);
  FrameFault check(const FrameView& frame) const;
  const uint8_t* row(const FrameView& frame, YuvRow& yuv, int64_t y);
  void fill_slot(const FrameView& frame, YuvRow& yuv, int64_t y);
  void put_row(int64_t i, std::byte* tensor);
  const std::byte* slot(int64_t y) const { return ring.data() + y % slots * slot_bytes; }
};

Result<FramePre> FramePre::create(const PreSpec& spec, const TensorSpec& input, int64_t max_width,
                                  int64_t max_height) {
  const std::string where = fmt::format("input '{}'", one_line(input.name, 80));
  ASSAY_CHECK(check_pre_spec(spec, where));
  if (max_width < 1 || max_height < 1 || max_width > kMaxSide || max_height > kMaxSide) {
    return bad_input(fmt::format("frames up to {} x {} are not taken", max_width, max_height),
                     fmt::format("give sides from 1 to {}", kMaxSide));
  }
  ASSAY_TRY(PreOutput output, PreOutput::create(spec, input));
  auto impl = std::make_unique<Impl>(spec, std::move(output));
  Impl& m = *impl;
  const ImageLayout& to = m.output.layout();
  m.kernels = &pre_kernels();
  m.most = {max_width, max_height};
  m.across.reserve(max_width, to.width);
  m.down.reserve(max_height, to.height);
  if (m.kernels->uses_steps) m.steps.reserve(max_width, to.width);
  if (spec.bgr && to.channels == 3) std::swap(m.plan.order[0], m.plan.order[2]);
  const int64_t elements = (3 * to.width + kRowPad - 1) / kRowPad * kRowPad;
  const int64_t size = spec.resize == ResizeRule::pil      ? 1
                       : spec.resize == ResizeRule::opencv ? 2
                                                           : 4;
  m.slots = rows_at_most(spec, to, max_width, max_height);
  m.slot_bytes = elements * size;
  m.ring.resize(static_cast<size_t>(m.slots * m.slot_bytes));
  m.rows.resize(static_cast<size_t>(m.slots));
  m.source.resize(static_cast<size_t>(3 * max_width + 64));
  m.levels.resize(static_cast<size_t>(elements));
  if (spec.resize == ResizeRule::torch_plain) m.real_levels.resize(static_cast<size_t>(elements));
  return FramePre(std::move(impl));
}

FramePre::FramePre(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FramePre::FramePre(FramePre&&) noexcept = default;
FramePre& FramePre::operator=(FramePre&&) noexcept = default;
FramePre::~FramePre() = default;
int64_t FramePre::height() const { return impl_->output.layout().height; }
int64_t FramePre::width() const { return impl_->output.layout().width; }

void FramePre::Impl::prepare(Size frame) {
  placement = place(spec, {output.layout().width, output.layout().height}, frame);
  const Placement& p = placement;
  across.fill(spec.resize, true, frame.width, p.resized.width, p.x0 + p.left, p.x1 - p.x0);
  down.fill(spec.resize, false, frame.height, p.resized.height, p.y0 + p.top, p.y1 - p.y0);
  plan.pixels = p.x1 - p.x0;
  plan.taps = across.taps();
  plan.steps = {};
  if (kernels->uses_steps) plan.steps = steps.fill(spec.resize, across, plan.order, frame.width);
  size = frame;
}

FrameFault FramePre::Impl::check(const FrameView& frame) const {
  if (frame.width < 1 || frame.height < 1) return FrameFault::empty;
  if (frame.width > most.width || frame.height > most.height) return FrameFault::too_large;
  const int planes = frame.format == PixelFormat::rgb8   ? 1
                     : frame.format == PixelFormat::nv12 ? 2
                     : frame.format == PixelFormat::i420 ? 3
                                                         : 0;
  if (planes == 0) return FrameFault::unsupported;
  for (int i = 0; i < planes; ++i)
    if (!frame.planes[i]) return FrameFault::unreadable;
  return FrameFault::none;
}

// Row y of the frame as RGB, from column 0 on; a converted one holds only the columns looked at.
const uint8_t* FramePre::Impl::row(const FrameView& frame, YuvRow& yuv, int64_t y) {
  const uint8_t* first = frame.planes[0] + y * frame.strides[0];
  if (frame.format == PixelFormat::rgb8) return first;
  yuv.y = first;
  yuv.u = frame.planes[1] + y / 2 * frame.strides[1];
  yuv.v =
      frame.format == PixelFormat::nv12 ? yuv.u + 1 : frame.planes[2] + y / 2 * frame.strides[2];
  // Kernels load 16 bytes at once, at the end of the row too: what lies before must be defined.
  kernels->yuv(yuv, across.begin() / 2 * 2, across.end(), source.data());
  return source.data();
}

void FramePre::Impl::fill_slot(const FrameView& frame, YuvRow& yuv, int64_t y) {
  const uint8_t* from = row(frame, yuv, y);
  std::byte* to = ring.data() + y % slots * slot_bytes;
  if (spec.resize == ResizeRule::pil)
    kernels->across_pil(plan, from, reinterpret_cast<uint8_t*>(to));
  else if (spec.resize == ResizeRule::opencv)
    kernels->across_opencv(plan, from, reinterpret_cast<int16_t*>(to));
  else
    kernels->across_real(plan, from, reinterpret_cast<float*>(to));
}

void FramePre::Impl::put_row(int64_t i, std::byte* tensor) {
  const int64_t n = 3 * plan.pixels, y = placement.y0 + i, first = down.first(i),
                count = down.count(i), last = first + count - 1;
  if (spec.resize == ResizeRule::pil) {
    for (int64_t k = 0; k < count; ++k)
      rows[static_cast<size_t>(k)] = reinterpret_cast<const uint8_t*>(slot(first + k));
    kernels->down_pil(rows.data(), down.weights(i), down.pairs(i), count, n, levels.data());
  } else if (spec.resize == ResizeRule::opencv) {
    kernels->down_opencv(reinterpret_cast<const int16_t*>(slot(first)),
                         reinterpret_cast<const int16_t*>(slot(last)), down.weights(i)[0],
                         down.weights(i)[1], n, levels.data());
  } else {
    kernels->down_real(reinterpret_cast<const float*>(slot(first)),
                       reinterpret_cast<const float*>(slot(last)), down.real(i)[0], down.real(i)[1],
                       n, real_levels.data());
    return output.put_real(*kernels, placement, y, real_levels.data(), tensor);
  }
  output.put(*kernels, placement, y, levels.data(), tensor);
}

FrameFault FramePre::run(const FrameView& frame, void* tensor, TensorToFrame* map) noexcept {
  Impl& m = *impl_;
  if (const FrameFault fault = m.check(frame); fault != FrameFault::none) return fault;
  if (frame.width != m.size.width || frame.height != m.size.height)
    m.prepare({frame.width, frame.height});
  if (m.down.most() > m.slots) return FrameFault::too_large;  // rows_at_most() rules this out
  const Placement& p = m.placement;
  auto* out = static_cast<std::byte*>(tensor);
  m.output.bars(p, out);
  YuvRow yuv = yuv_weights(frame.yuv);
  yuv.chroma_step = frame.format == PixelFormat::nv12 ? 2 : 1;
  int64_t ready = 0;  // rows before it are resized, or are not looked at any more
  for (int64_t i = 0; i < p.y1 - p.y0; ++i) {
    const int64_t end = m.down.first(i) + m.down.count(i);
    for (ready = std::max(ready, m.down.first(i)); ready < end; ++ready)
      m.fill_slot(frame, yuv, ready);
    m.put_row(i, out);
  }
  if (map) {
    *map = {static_cast<double>(frame.width) / static_cast<double>(p.resized.width),
            static_cast<double>(frame.height) / static_cast<double>(p.resized.height),
            static_cast<double>(-p.left), static_cast<double>(-p.top)};
  }
  return FrameFault::none;
}

void FramePre::least_source(int64_t full_width, int64_t full_height, int64_t* width,
                            int64_t* height) const {
  *width = *height = 0;
  if (full_width < 1 || full_height < 1 || full_width > kMaxSide || full_height > kMaxSide) return;
  const ImageLayout& to = impl_->output.layout();
  const Size least = place(impl_->spec, {to.width, to.height}, {full_width, full_height}).resized;
  *width = least.width;
  *height = least.height;
}

}  // namespace assay::vision
