// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/ptx.h"

#include <fmt/format.h>

#include <vector>

namespace assay::platform {
namespace {

constexpr int kChains = 16;  // more than the latency of a multiply-add on any generation
constexpr int kUnroll = 4;

// `body` runs %n times. It may use %r0 (thread in the grid), %out, and what `registers` declares.
std::string module_of(const char* version, const char* target, const std::string& name,
                      const std::string& more_parameters, const std::string& registers,
                      const std::string& before, const std::string& body,
                      const std::string& after) {
  return fmt::format(R"(.version {}
.target {}
.address_size 64

.visible .entry {}(
  .param .u64 p_out,
  .param .u32 p_iterations{}
)
{{
  .reg .pred %again;
  .reg .b32 %n, %r0, %r1, %r2, %result;
  .reg .b64 %out, %offset;
{}
  ld.param.u64 %out, [p_out];
  cvta.to.global.u64 %out, %out;
  ld.param.u32 %n, [p_iterations];
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, %tid.x;
  mad.lo.u32 %r0, %r0, %r1, %r2;
{}
LOOP:
{}
  sub.u32 %n, %n, 1;
  setp.ne.u32 %again, %n, 0;
  @%again bra LOOP;
{}
  mul.wide.u32 %offset, %r0, 4;
  add.u64 %out, %out, %offset;
  st.volatile.global.u32 [%out], %result;
  ret;
}}
)",
                     version, target, name, more_parameters, registers, before, body, after);
}

std::string folded(const char* prefix, int count) {
  std::string text = fmt::format("  mov.b32 %result, %{}0;\n", prefix);
  for (int i = 1; i < count; ++i)
    text += fmt::format("  xor.b32 %result, %result, %{}{};\n", prefix, i);
  return text;
}

// "{%d0, %d1, ...}"
std::string tuple(const char* prefix, int first, int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += fmt::format("{}%{}{}", i ? ", " : "", prefix, first + i);
  return text + "}";
}

// x = x * b + c keeps x bounded: b = 0.5 and c = 0.25 tend to 0.5, never to a denormal number.
PtxKernel chains(const char* name, const char* version, const char* target, const char* type,
                 const char* b, const char* c, double operations) {
  PtxKernel k;
  k.name = name;
  k.per_iteration = kChains * kUnroll * operations;
  std::string before = fmt::format("  mov.b32 %b, {};\n  mov.b32 %c, {};\n", b, c);
  // Both depend on a parameter, so that the compiler knows nothing of them.
  before += "  shr.u32 %r1, %n, 31;\n  xor.b32 %b, %b, %r1;\n  xor.b32 %c, %c, %r1;\n";
  for (int i = 0; i < kChains; ++i)
    before += fmt::format("  and.b32 %x{}, %r0, {};\n", i, 0x3ff + i);
  std::string body;
  for (int u = 0; u < kUnroll; ++u)
    for (int i = 0; i < kChains; ++i)
      body += fmt::format("  fma.rn.{} %x{}, %x{}, %b, %c;\n", type, i, i);
  k.text =
      module_of(version, target, k.name, "", fmt::format("  .reg .b32 %b, %c, %x<{}>;", kChains),
                before, body, folded("x", kChains));
  return k;
}

}  // namespace

PtxKernel ptx_fma_f32() {
  return chains("assay_fma_f32", "5.0", "sm_50", "f32", "0x3f000000", "0x3e800000", 2);
}

PtxKernel ptx_fma_f16x2() {
  return chains("assay_fma_f16x2", "5.0", "sm_53", "f16x2", "0x38003800", "0x34003400", 4);
}

PtxKernel ptx_mma(TensorType type) {
  struct Shape {
    const char *suffix, *instruction;
    int accumulators;  // 32-bit registers of a thread
    double operations;
  };
  const Shape s = type == TensorType::f16
                      ? Shape{"f16", "m16n8k16.row.col.f16.f16.f16.f16", 2, 2.0 * 16 * 8 * 16}
                  : type == TensorType::tf32
                      ? Shape{"tf32", "m16n8k8.row.col.f32.tf32.tf32.f32", 4, 2.0 * 16 * 8 * 8}
                      : Shape{"s8", "m16n8k32.row.col.s32.s8.s8.s32", 4, 2.0 * 16 * 8 * 32};
  constexpr int kSets = 8;
  PtxKernel k;
  k.name = fmt::format("assay_mma_{}", s.suffix);
  k.unit_threads = 32;
  k.per_iteration = kSets * kUnroll * s.operations;
  const bool f32 = type == TensorType::tf32;
  const char* kind = f32 ? "f32" : "b32";
  std::string before;
  // Zeros that the compiler cannot know (iterations are below 2^31): no power limit holds them
  // back.
  before += "  shr.u32 %r1, %n, 31;\n";
  for (int i = 0; i < 4; ++i) before += fmt::format("  mov.b32 %a{}, %r1;\n", i);
  for (int i = 0; i < 2; ++i) before += fmt::format("  mov.b32 %b{}, %r1;\n", i);
  for (int i = 0; i < kSets * s.accumulators; ++i)
    before += fmt::format("  mov.b32 %d{}, %r1;\n", i);
  std::string body;
  for (int u = 0; u < kUnroll; ++u)
    for (int i = 0; i < kSets; ++i) {
      const std::string d = tuple("d", i * s.accumulators, s.accumulators);
      body += fmt::format("  mma.sync.aligned.{} {}, {}, {}, {};\n", s.instruction, d,
                          tuple("a", 0, 4), tuple("b", 0, 2), d);
    }
  std::string after = "  mov.b32 %result, 0;\n";
  for (int i = 0; i < kSets * s.accumulators; ++i)
    after += fmt::format("  mov.b32 %r1, %d{};\n  xor.b32 %result, %result, %r1;\n", i);
  k.text = module_of(
      "7.0", "sm_80", k.name, "",
      fmt::format("  .reg .b32 %a<4>, %b<2>;\n  .reg .{} %d<{}>;", kind, kSets * s.accumulators),
      before, body, after);
  return k;
}

PtxKernel ptx_wgmma(TensorType type) {
  struct Shape {
    const char *suffix, *instruction, *kind, *tail;
    int accumulators;
    double operations;
  };
  // All of them take 32 bytes of K: 64 x 32 bytes of A and 256 x 32 bytes of B in shared memory.
  const Shape s =
      type == TensorType::f16
          ? Shape{"f16", "m64n256k16.f16.f16.f16", "b32", ", 1, 1, 0, 0", 64, 2.0 * 64 * 256 * 16}
      : type == TensorType::tf32
          ? Shape{"tf32", "m64n256k8.f32.tf32.tf32", "f32", ", 1, 1", 128, 2.0 * 64 * 256 * 8}
          : Shape{"s8", "m64n256k32.s32.s8.s8", "b32", "", 128, 2.0 * 64 * 256 * 32};
  constexpr int kInstructions = 8;
  constexpr int kBytes = 64 * 32 + 256 * 32;
  PtxKernel k;
  k.name = fmt::format("assay_wgmma_{}", s.suffix);
  k.unit_threads = k.block_threads = 128;
  k.blocks_per_sm = 3;  // as many as 128 accumulators of a thread leave room for
  k.per_iteration = kInstructions * s.operations;
  std::string before = fmt::format(R"(  shr.u32 %r1, %n, 31;
  mov.u32 %address, tile;
  mul.lo.u32 %at, %r2, 4;
  add.u32 %at, %at, %address;
  add.u32 %last, %address, {};
CLEAR:
  st.shared.u32 [%at], %r1;
  add.u32 %at, %at, 512;
  setp.lt.u32 %again, %at, %last;
  @%again bra CLEAR;
  bar.sync 0;
  fence.proxy.async;
)",
                                   kBytes);
  // Matrix descriptors (PTX ISA, "Matrix Descriptor Format"): address, leading and stride offset in
  // units of 16 bytes; no swizzle. Core matrices of 8 rows x 16 bytes lie one behind the other.
  before += R"(  shr.u32 %at, %address, 4;
  cvt.u64.u32 %da, %at;
  or.b64 %da, %da, 0x0000001000080000;
  add.u64 %db, %da, 128;
  setp.eq.u32 %keep, %r1, 0;
)";
  for (int i = 0; i < s.accumulators; ++i) before += fmt::format("  mov.b32 %d{}, %r1;\n", i);
  std::string body = "  wgmma.fence.sync.aligned;\n";
  for (int i = 0; i < kInstructions; ++i)
    body += fmt::format("  wgmma.mma_async.sync.aligned.{} {}, %da, %db, %keep{};\n", s.instruction,
                        tuple("d", 0, s.accumulators), s.tail);
  body += "  wgmma.commit_group.sync.aligned;\n  wgmma.wait_group.sync.aligned 0;\n";
  std::string after = "  mov.b32 %result, 0;\n";
  for (int i = 0; i < s.accumulators; ++i)
    after += fmt::format("  mov.b32 %r1, %d{};\n  xor.b32 %result, %result, %r1;\n", i);
  k.text = module_of("8.0", "sm_90a", k.name, "",
                     fmt::format("  .shared .align 128 .b8 tile[{}];\n  .reg .pred %keep;\n"
                                 "  .reg .b32 %address, %at, %last;\n  .reg .b64 %da, %db;\n"
                                 "  .reg .{} %d<{}>;",
                                 kBytes, s.kind, s.accumulators),
                     before, body, after);
  return k;
}

PtxKernel ptx_read() {
  PtxKernel k;
  k.name = "assay_read";
  // Each thread takes 16 bytes, four times in flight, and steps over the whole grid.
  const std::string registers =
      "  .reg .pred %more;\n  .reg .b32 %v<16>, %threads;\n  .reg .b64 %from, %bytes, %at, %step, "
      "%end, %last, %first;";
  std::string before = R"(  ld.param.u64 %from, [p_from];
  cvta.to.global.u64 %from, %from;
  ld.param.u64 %bytes, [p_bytes];
  mov.u32 %threads, %nctaid.x;
  mul.lo.u32 %threads, %threads, %r1;
  mul.wide.u32 %step, %threads, 16;
  mul.wide.u32 %first, %r0, 16;
  add.u64 %first, %first, %from;
  add.u64 %end, %from, %bytes;
  mov.b32 %result, 0;
)";
  std::string body = "  mov.u64 %at, %first;\n  mul.lo.u64 %last, %step, 3;\n";
  body += "  sub.u64 %last, %end, %last;\n";
  body += "FOUR:\n  setp.lt.u64 %more, %at, %last;\n  @!%more bra ONE;\n";
  for (int i = 0; i < 4; ++i)
    body += fmt::format("  ld.global.cg.v4.u32 {}, [%at];\n  add.u64 %at, %at, %step;\n",
                        tuple("v", 4 * i, 4));
  for (int i = 0; i < 16; ++i) body += fmt::format("  xor.b32 %result, %result, %v{};\n", i);
  body += "  bra FOUR;\nONE:\n  setp.lt.u64 %more, %at, %end;\n  @!%more bra DONE;\n";
  body += "  ld.global.cg.v4.u32 {%v0, %v1, %v2, %v3}, [%at];\n  add.u64 %at, %at, %step;\n";
  for (int i = 0; i < 4; ++i) body += fmt::format("  xor.b32 %result, %result, %v{};\n", i);
  body += "  bra ONE;\nDONE:\n";
  k.text = module_of("5.0", "sm_50", k.name, ",\n  .param .u64 p_from,\n  .param .u64 p_bytes",
                     registers, before, body, "");
  return k;
}

}  // namespace assay::platform
