// SPDX-License-Identifier: Apache-2.0
// Peaks of a GPU by kernels of our own, timed by CUDA events. A bound is made from them, so a
// figure that could be too low is left unknown.
#include <algorithm>
#include <functional>
#include <optional>

#include "base/text.h"
#include "platform/gpu/driver.h"
#include "platform/gpu/ptx.h"
#include "platform/peaks.h"

namespace assay::platform {
namespace {

constexpr double kTargetMs = 4;  // of one launch: long beside its start, short beside any watchdog
constexpr uint32_t kMostIterations = 1U << 20;
constexpr int kFewest = 5, kMost = 200;  // repetitions of one figure
constexpr size_t kMostBytes = size_t{1} << 30, kLeastBytes = size_t{16} << 20;

class Bench {
 public:
  static Result<Bench> open(const Roots& roots, int device) {
    ASSAY_TRY(auto driver, CudaDriver::open(roots.cuda));
    ASSAY_TRY(CudaContext context, CudaContext::open(driver, device));
    Bench b(std::move(context));
    ASSAY_TRY(b.stream_, b.context_.stream());
    ASSAY_TRY(b.begin_, b.context_.event());
    ASSAY_TRY(b.end_, b.context_.event());
    const size_t sms = static_cast<size_t>(b.facts().multiprocessors);
    ASSAY_TRY(b.results_, b.context_.allocate(sms * kResultsOfOneSm * sizeof(uint32_t)));
    return b;
  }
  const CudaDeviceFacts& facts() const { return context_.facts(); }
  const CudaContext& context() const { return context_; }
  int64_t repetitions() const { return repetitions_; }
  const std::string& trouble() const { return trouble_; }

  // Highest `work` per second of `enqueue(iterations)` that does `work * iterations`; 0 when it
  // cannot be run (then `trouble` says why).
  double highest(double seconds, double work, const std::function<Status(uint32_t)>& enqueue) {
    uint32_t iterations = 16;
    double ms = 0;
    for (int i = 0; i < 12; ++i) {
      if (!timed(iterations, enqueue, ms)) return 0;
      if (ms <= 0 && iterations > 1000) return 0;  // the events tell nothing
      if (ms >= kTargetMs / 2 || iterations >= kMostIterations) break;
      const double factor = std::clamp(kTargetMs / std::max(ms, 1e-3), 2.0, 64.0);
      iterations = static_cast<uint32_t>(std::min<double>(iterations * factor, kMostIterations));
    }
    double best = 0;
    int n = 0;
    const int64_t until = monotonic_ns() + static_cast<int64_t>(seconds * 1e9);
    while (n < kMost && (n < kFewest || monotonic_ns() < until)) {
      if (!timed(iterations, enqueue, ms)) return 0;
      ++n;
      if (ms > 0) best = std::max(best, work * iterations / (ms * 1e-3));
    }
    repetitions_ = repetitions_ == 0 ? n : std::min<int64_t>(repetitions_, n);
    return best;
  }

  // Operations per second of a kernel.
  double arithmetic(const PtxKernel& kernel, double seconds) {
    auto module = context_.load(kernel.text);
    if (!module) return gave_up(kernel.name, module.error());
    auto function = context_.function(*module, kernel.name.c_str());
    if (!function) return gave_up(kernel.name, function.error());
    const auto blocks = static_cast<unsigned>(facts().multiprocessors * kernel.blocks_per_sm);
    const auto threads = static_cast<unsigned>(kernel.block_threads);
    const double work =
        double{kernel.per_iteration} * blocks * (kernel.block_threads / kernel.unit_threads);
    return highest(seconds, work, [&](uint32_t iterations) {
      return context_.launch(*function, blocks, threads, stream_, {&results_.address, &iterations});
    });
  }

  // Bytes per second that are read from `bytes` of memory at `from`.
  double reading(void* function, uint64_t from, uint64_t bytes, double seconds) {
    const PtxKernel kernel = ptx_read();
    const auto blocks = static_cast<unsigned>(facts().multiprocessors * kernel.blocks_per_sm);
    return highest(seconds, static_cast<double>(bytes), [&](uint32_t iterations) {
      return context_.launch(function, blocks, static_cast<unsigned>(kernel.block_threads), stream_,
                             {&results_.address, &iterations, &from, &bytes});
    });
  }

  // Bytes read and written per second by copies within the device.
  double copying(const CudaMemory& memory, double seconds) {
    const CudaDriver& d = context_.driver();
    const size_t half = memory.bytes / 2;
    return highest(seconds, 2.0 * static_cast<double>(half), [&](uint32_t iterations) -> Status {
      for (uint32_t i = 0; i < iterations; ++i)
        ASSAY_CHECK(
            d.check(d.copy_on_device.name, d.copy_on_device(kCudaNoFunction, memory.address + half,
                                                            memory.address, half, stream_.get())));
      return {};
    });
  }

  // As much as the device gives: the larger, the less of it stays in the cache.
  std::optional<CudaMemory> much_memory() {
    const auto cache = static_cast<size_t>(facts().last_cache_bytes);
    const size_t least = std::max(kLeastBytes, 4 * cache);
    size_t bytes = std::min(std::max(kMostBytes, 16 * cache),
                            static_cast<size_t>(std::max<int64_t>(facts().memory_bytes, 0)) / 4);
    for (bytes = bytes / 512 * 512; bytes >= least; bytes = bytes / 1024 * 512) {
      auto memory = context_.allocate(bytes);
      if (memory) {
        context_.driver().memory_set(0, memory->address, static_cast<unsigned char>(0), bytes,
                                     stream_.get());
        return std::move(*memory);
      }
      gave_up("memory", memory.error());
    }
    return std::nullopt;
  }

 private:
  static constexpr size_t kResultsOfOneSm = 2048;  // threads of our launches at most
  explicit Bench(CudaContext context) : context_(std::move(context)) {}

  double gave_up(const std::string& what, const Error& error) {
    trouble_ = fmt::format("{}: {}", what, error.message);
    return 0;
  }

  bool timed(uint32_t iterations, const std::function<Status(uint32_t)>& enqueue, double& ms) {
    const auto run = [&]() -> Result<double> {
      ASSAY_CHECK(context_.record(begin_, stream_));
      ASSAY_CHECK(enqueue(iterations));
      ASSAY_CHECK(context_.record(end_, stream_));
      ASSAY_CHECK(context_.synchronize(stream_));
      return context_.elapsed_ms(begin_, end_);
    };
    auto took = run();
    if (!took) {
      gave_up("measuring", took.error());
      return false;
    }
    ms = *took;
    return true;
  }

  // Destroyed in reverse: memory, events and stream before the context.
  CudaContext context_;
  CudaHandle stream_, begin_, end_;
  CudaMemory results_;
  int64_t repetitions_ = 0;
  std::string trouble_;
};

// How the halves, tf32 and int8 of this capability run at full rate.
enum class Tensor { none, unknown, mma, wgmma };
Tensor tensor_cores(int major, int minor) {
  if (major < 7) return Tensor::none;
  if (major == 8) return Tensor::mma;
  if (major == 9 && minor == 0) return Tensor::wgmma;
  return Tensor::unknown;
}

void measure_arithmetic(Bench& bench, double share, Peaks& p) {
  const auto [major, minor] = std::pair(bench.facts().major, bench.facts().minor);
  p.flops_fp32_fma = bench.arithmetic(ptx_fma_f32(), share);
  const bool halves = major > 5 || (major == 5 && minor >= 3);
  const double packed = halves ? bench.arithmetic(ptx_fma_f16x2(), share) : 0;
  const Tensor tensor = tensor_cores(major, minor);
  if (tensor == Tensor::none) {
    p.flops_fp32 = p.flops_fp32_fma;
    // Data in halves may be computed in fp32, which is faster where packed halves are slow (6.1).
    if (!halves || packed > 0) p.flops_fp16 = std::max(packed, p.flops_fp32_fma);
    return;
  }
  if (tensor == Tensor::unknown) {
    // Before 8.0 the tensor cores take halves alone.
    if (major == 7) p.flops_fp32 = p.flops_fp32_fma;
    return;
  }
  const auto kernel = [&](TensorType t) {
    return tensor == Tensor::mma ? ptx_mma(t) : ptx_wgmma(t);
  };
  // Last, since an instruction that the device refuses spoils the context.
  const double tf32 = bench.arithmetic(kernel(TensorType::tf32), share);
  const double f16 = bench.arithmetic(kernel(TensorType::f16), share);
  p.flops_int8 = bench.arithmetic(kernel(TensorType::s8), share);
  if (tf32 > 0) p.flops_fp32 = std::max(tf32, p.flops_fp32_fma);
  if (f16 > 0) p.flops_fp16 = std::max({f16, packed, p.flops_fp32});
}

void measure_memory(Bench& bench, double share, Peaks& p) {
  const PtxKernel kernel = ptx_read();
  auto module = bench.context().load(kernel.text);
  const std::optional<CudaMemory> memory = bench.much_memory();
  if (!memory) return;
  const double copied = bench.copying(*memory, share);
  p.last_cache_bytes = bench.facts().last_cache_bytes;
  if (module) {
    if (auto function = bench.context().function(*module, kernel.name.c_str())) {
      p.read_bytes_per_s = bench.reading(*function, memory->address, memory->bytes, share);
      const uint64_t in_cache = static_cast<uint64_t>(p.last_cache_bytes) / 4 / 512 * 512;
      if (in_cache > 0)
        p.cache_bytes_per_s = bench.reading(*function, memory->address, in_cache, share);
    }
  }
  p.read_bytes_per_s = std::max(p.read_bytes_per_s, copied);
}

}  // namespace

Result<Peaks> measure_gpu_peaks(const Roots& roots, int device, double seconds) {
  ASSAY_TRY(Bench bench, Bench::open(roots, device));
  Peaks p;
  p.device = fmt::format("cuda:{}", device);
  p.threads = bench.facts().multiprocessors;
  p.isa = fmt::format("sm_{}{}", bench.facts().major, bench.facts().minor);
  const double share = seconds / 10;
  bench.arithmetic(ptx_fma_f32(), 2 * share);  // the clock rises only under load
  measure_memory(bench, share, p);
  measure_arithmetic(bench, share, p);
  p.repetitions = bench.repetitions();
  if (p.flops_fp32_fma == 0 && p.read_bytes_per_s == 0)
    return missing(fmt::format("{}: no peak could be measured: {}", p.device,
                               bench.trouble().empty() ? "no time passed" : bench.trouble()),
                   "see what the driver says with: nvidia-smi -q");
  return p;
}

}  // namespace assay::platform
