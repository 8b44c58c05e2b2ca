// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/cupti.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "base/text.h"
#include "platform/gpu/cupti_abi.h"
#include "platform/gpu/library.h"

namespace assay::platform {
namespace {

constexpr const char* kInstall =
    "install CUPTI of the CUDA toolkit that fits the driver (pip install nvidia-cuda-cupti-cu12, "
    "or apt-get install cuda-cupti-12-9) and name its libcupti.so.12 in ASSAY_CUPTI_LIBRARY";
constexpr const char* kRefused =
    "check the driver with: nvidia-smi; CUPTI may not be newer than the driver, and no other "
    "profiler may be attached to this process";
constexpr size_t kBufferBytes = size_t{1} << 20, kAlignment = 8;
constexpr size_t kLongestName = 4096;
constexpr int kNoFunction = -1;
constexpr unsigned kForced = 1;  // CUPTI_ACTIVITY_FLAG_FLUSH_FORCED

struct Api {
  Library library;
  uint32_t number = 0;  // of the version
  Function<uint32_t*> version;
  Function<CuptiRequest, CuptiComplete> register_callbacks;
  Function<uint32_t> enable, disable, flush;
  Function<uint8_t*, size_t, uint8_t**> next;
  Function<void*, uint32_t, size_t*> dropped;
  int (*words)(int, const char**) = nullptr;
};

// CUPTI's callbacks carry nothing of ours, so what they fill stands here. The library stays loaded:
// buffers may come back late.
struct Shared {
  std::mutex mutex;
  std::optional<Api> api;
  std::string opened_as;
  std::atomic<bool> running = false;  // read on CUPTI's threads
  KernelTrace trace;
};
Shared& shared() {
  static Shared* s = new Shared();
  return *s;
}

std::string said(const Api& api, std::string_view function, int status) {
  if (status == kNoFunction)
    return fmt::format("CUPTI: {} has no {}", api.library.name(), function);
  const char* words = nullptr;
  if (api.words) api.words(status, &words);
  return fmt::format("CUPTI: {}: {} (status {})", function,
                     words ? one_line(words, 120) : "no words for it", status);
}

Status check(const Api& api, std::string_view function, int status) {
  if (status == 0) return {};
  return missing(said(api, function, status), status == kNoFunction ? kInstall : kRefused);
}

void give_buffer(uint8_t** buffer, size_t* size, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, kBufferBytes));
  *size = *buffer ? kBufferBytes : 0;
  *most_records = 0;  // as many as fit
}

// `left`: bytes from the record to the end of what is valid.
void take_record(const uint8_t* record, size_t left, KernelTrace& trace) {
  CuptiKernel k{};
  std::memcpy(&k.kind, record, std::min(left, sizeof k.kind));
  if (k.kind != kCuptiKernel && k.kind != kCuptiConcurrentKernel) return;
  if (left >= sizeof k) std::memcpy(&k, record, sizeof k);  // else without times: refused
  if (k.start == 0 || k.end < k.start || !std::in_range<int64_t>(k.end)) {
    ++trace.refused;
    return;
  }
  KernelActivity a;
  a.name = k.name ? std::string(k.name, strnlen(k.name, kLongestName)) : "unknown";
  a.start_ns = static_cast<int64_t>(k.start);
  a.end_ns = static_cast<int64_t>(k.end);
  std::copy_n(k.grid, 3, a.grid.begin());
  std::copy_n(k.block, 3, a.block.begin());
  a.device = k.device;
  a.stream = k.stream;
  trace.kernels.push_back(std::move(a));
}

void take_buffer(void* context, uint32_t stream, uint8_t* buffer, size_t, size_t valid) {
  Shared& s = shared();
  if (s.running && s.api && buffer) {
    const std::lock_guard hold(s.mutex);
    uint8_t* record = nullptr;
    while (valid > 0 && s.api->next(kNoFunction, buffer, valid, &record) == 0 && record) {
      if (record < buffer || record >= buffer + valid) break;
      take_record(record, static_cast<size_t>(buffer + valid - record), s.trace);
    }
    size_t lost = 0;
    if (s.api->dropped(kNoFunction, context, stream, &lost) == 0)
      s.trace.dropped += static_cast<int64_t>(lost);
  }
  std::free(buffer);
}

std::vector<std::string> names_of(const std::string& wanted) {
  if (wanted != Roots().cupti) return {wanted};
  // The toolkit's own folder comes last: it may not be in the loader's path.
  return {"libcupti.so.13",
          "libcupti.so.12",
          "libcupti.so",
          "libcupti.so.11.8",
          "/usr/local/cuda/lib64/libcupti.so",
          "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so"};
}

Result<Api> load(const std::vector<std::string>& names) {
  Api a;
  auto library = Library::open(names, Library::Unload::never, kInstall);
  if (!library) return missing("CUPTI " + library.error().message, library.error().fix);
  a.library = std::move(*library);
  a.version.bind(a.library, {"cuptiGetVersion"});
  a.register_callbacks.bind(a.library, {"cuptiActivityRegisterCallbacks"});
  a.enable.bind(a.library, {"cuptiActivityEnable"});
  a.disable.bind(a.library, {"cuptiActivityDisable"});
  a.flush.bind(a.library, {"cuptiActivityFlushAll"});
  a.next.bind(a.library, {"cuptiActivityGetNextRecord"});
  a.dropped.bind(a.library, {"cuptiActivityGetNumDroppedRecords"});
  a.words = reinterpret_cast<int (*)(int, const char**)>(a.library.find("cuptiGetResultString"));
  const auto there = [&](const auto& f) { return check(a, f.name, f ? 0 : kNoFunction); };
  ASSAY_CHECK(there(a.version));
  ASSAY_CHECK(there(a.register_callbacks));
  ASSAY_CHECK(there(a.enable));
  ASSAY_CHECK(there(a.disable));
  ASSAY_CHECK(there(a.flush));
  ASSAY_CHECK(there(a.next));
  ASSAY_CHECK(check(a, a.version.name, a.version(kNoFunction, &a.number)));
  if (!cupti_known(a.number))
    return missing(fmt::format("CUPTI: {} is of version {}; records of {} to {} and {} to {} are "
                               "known here",
                               a.library.name(), a.number, kCuptiOldest, kCuptiLastCounted,
                               kCuptiFirstNamed, kCuptiNewest),
                   kInstall);
  return a;
}

// What the process holds already, else the first that loads; when that is of no use, each of the
// others.
Result<Api> load_any(const std::string& wanted) {
  const std::vector<std::string> names = names_of(wanted);
  auto first = load(names);
  if (first || names.size() == 1) return first;
  for (const std::string& name : names)
    if (auto other = load({name})) return other;
  return first;
}

}  // namespace

int64_t KernelTrace::kernel_ns() const {
  int64_t sum = 0;
  for (const KernelActivity& k : kernels) sum += k.end_ns - k.start_ns;
  return sum;
}

int64_t KernelTrace::busy_ns() const {
  int64_t sum = 0, until = 0;
  for (const KernelActivity& k : kernels) {
    sum += std::max<int64_t>(0, k.end_ns - std::max(k.start_ns, until));
    until = std::max(until, k.end_ns);
  }
  return sum;
}

Result<KernelTracer> KernelTracer::open(const Roots& roots) {
  Shared& s = shared();
  if (s.running)
    return bad_input("CUPTI: another trace runs in this process", "stop it before the next");
  if (!s.api || s.opened_as != roots.cupti) {
    s.api.reset();
    ASSAY_TRY(s.api, load_any(roots.cupti));
    s.opened_as = roots.cupti;
  }
  KernelTracer t;
  t.version_ = s.api->number;
  return t;
}

KernelTracer::KernelTracer(KernelTracer&& other) noexcept
    : version_(other.version_), running_(std::exchange(other.running_, false)) {}

KernelTracer::~KernelTracer() {
  if (running_) stop();
}

Status KernelTracer::start() {
  Shared& s = shared();
  if (s.running)
    return bad_input("CUPTI: another trace runs in this process", "stop it before the next");
  const Api& a = *s.api;
  ASSAY_CHECK(check(a, a.register_callbacks.name,
                    a.register_callbacks(kNoFunction, &give_buffer, &take_buffer)));
  s.trace = KernelTrace();
  s.running = true;
  const Status enabled = check(a, a.enable.name, a.enable(kNoFunction, kCuptiConcurrentKernel));
  if (!enabled) s.running = false;
  running_ = s.running;
  return enabled;
}

Result<KernelTrace> KernelTracer::stop() {
  if (!running_) return bad_input("CUPTI: no trace runs", "start one first");
  Shared& s = shared();
  const Api& a = *s.api;
  const int flushed = a.flush(kNoFunction, kForced);
  const int disabled = a.disable(kNoFunction, kCuptiConcurrentKernel);
  running_ = false;
  s.running = false;
  const std::lock_guard hold(s.mutex);
  KernelTrace trace = std::exchange(s.trace, {});
  ASSAY_CHECK(check(a, a.flush.name, flushed));
  ASSAY_CHECK(check(a, a.disable.name, disabled));
  trace.version = version_;
  std::stable_sort(trace.kernels.begin(), trace.kernels.end(),
                   [](const auto& x, const auto& y) { return x.start_ns < y.start_ns; });
  return trace;
}

}  // namespace assay::platform
