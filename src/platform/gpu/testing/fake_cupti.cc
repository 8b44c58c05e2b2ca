// SPDX-License-Identifier: Apache-2.0
// A libcupti.so that gives planted kernel records (fake_config.h; ASSAY_FAKE_CUPTI, or
// LIBRARY.conf). Keys:
//   version N   enable STATUS   flush STATUS   dropped N   record_bytes N (of one record; below
//   112: cut off) kernelN NAME START END GRID_X GRID_Y GRID_Z BLOCK_X BLOCK_Y BLOCK_Z STREAM
//     (NAME "-": a null pointer); all come in the order of N at the next flush, several buffers
//   buffer_records N   so many in one buffer at most
#include <algorithm>
#include <cstring>
#include <deque>
#include <sstream>

#include "platform/gpu/cupti_abi.h"
#include "platform/gpu/testing/fake_config.h"

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace {

using assay::platform::CuptiComplete;
using assay::platform::CuptiKernel;
using assay::platform::CuptiRequest;

constexpr const char* kDefaults = R"(
version 130000
enable 0
flush 0
dropped 0
record_bytes 216
buffer_records 100
)";

struct State {
  assay::fake::Config config;
  CuptiRequest request = nullptr;
  CuptiComplete complete = nullptr;
  bool enabled = false;
  std::deque<std::string> names;  // pointers into it stay good
};
State& state() {
  static State* s = new State();
  return *s;
}
int64_t number(const char* key) { return std::strtoll(state().config[key].c_str(), nullptr, 0); }

bool record_of(const std::string& text, CuptiKernel& k) {
  std::istringstream in(text);
  std::string name;
  k = CuptiKernel{};
  in >> name >> k.start >> k.end >> k.grid[0] >> k.grid[1] >> k.grid[2] >> k.block[0] >>
      k.block[1] >> k.block[2] >> k.stream;
  if (!in) return false;
  k.kind = assay::platform::kCuptiConcurrentKernel;
  if (name != "-") {
    state().names.push_back(name);
    k.name = state().names.back().c_str();
  }
  return true;
}

}  // namespace

FAKE_API int cuptiGetVersion(uint32_t* version) {
  State& s = state();
  s.config = assay::fake::load_config("ASSAY_FAKE_CUPTI", reinterpret_cast<void*>(&cuptiGetVersion),
                                      kDefaults);
  for (const auto& [key, value] : s.config) {
    CuptiKernel k;
    if (assay::fake::parse_config(kDefaults).contains(key) ||
        (key.starts_with("kernel") && record_of(value, k)))
      continue;
    assay::fake::complain("not understood: " + key + " " + value);
    return 999;
  }
  *version = static_cast<uint32_t>(number("version"));
  return 0;
}
FAKE_API int cuptiGetResultString(int status, const char** text) {
  *text = status == 15   ? "CUPTI_ERROR_NOT_INITIALIZED"
          : status == 39 ? "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"
                         : "CUPTI_ERROR_UNKNOWN";
  return 0;
}
FAKE_API int cuptiActivityRegisterCallbacks(CuptiRequest request, CuptiComplete complete) {
  state().request = request;
  state().complete = complete;
  return 0;
}
FAKE_API int cuptiActivityEnable(uint32_t kind) {
  if (const int64_t status = number("enable"); status != 0) return static_cast<int>(status);
  state().enabled = kind == assay::platform::kCuptiConcurrentKernel;
  return 0;
}
FAKE_API int cuptiActivityDisable(uint32_t) {
  state().enabled = false;
  return 0;
}
FAKE_API int cuptiActivityGetNextRecord(uint8_t* buffer, size_t valid, uint8_t** record) {
  const auto bytes = static_cast<size_t>(number("record_bytes"));
  uint8_t* next = *record ? *record + bytes : buffer;
  if (next + bytes > buffer + valid) return assay::platform::kCuptiNoMore;
  *record = next;
  return 0;
}
FAKE_API int cuptiActivityGetNumDroppedRecords(void*, uint32_t, size_t* dropped) {
  *dropped = static_cast<size_t>(number("dropped"));
  return 0;
}
FAKE_API int cuptiActivityFlushAll(uint32_t) {
  State& s = state();
  if (const int64_t status = number("flush"); status != 0) return static_cast<int>(status);
  if (!s.enabled || !s.request) return 15;
  const auto bytes = static_cast<size_t>(number("record_bytes"));
  const auto most = static_cast<size_t>(number("buffer_records"));
  uint8_t* buffer = nullptr;
  size_t size = 0, records = 0, used = 0;
  const auto flush = [&] {
    if (buffer) s.complete(nullptr, 0, buffer, size, used * bytes);
    buffer = nullptr;
    used = 0;
  };
  for (int i = 0; s.config.contains("kernel" + std::to_string(i)); ++i) {
    CuptiKernel k;
    record_of(s.config["kernel" + std::to_string(i)], k);
    if (!buffer) s.request(&buffer, &size, &records);
    if (!buffer || size < bytes) return 8;
    std::memset(buffer + used * bytes, 0xEE, bytes);  // members that nobody may read
    std::memcpy(buffer + used * bytes, &k, std::min(bytes, sizeof k));
    if (++used == most) flush();
  }
  flush();
  return 0;
}
