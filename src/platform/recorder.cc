// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "platform/record.h"

namespace assay::platform {
namespace {

size_t known(const Record& record, size_t round) {
  size_t count = 0;
  for (const auto& column : record.columns) count += column[round] != kUnknown;
  return count;
}

void pin(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  // Refused (no such CPU for us): the rounds are read all the same, where the kernel likes.
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

void halve(Record& record, size_t first) {
  size_t kept = first + 1;
  if (kept >= record.t_ns.size()) return;
  for (size_t k = kept; k < record.t_ns.size(); k += 2) {
    const bool pair = k + 1 < record.t_ns.size();
    const size_t best = pair && known(record, k + 1) > known(record, k) ? k + 1 : k;
    const size_t other = !pair ? best : best == k ? k + 1 : k;
    record.t_ns[kept] = record.t_ns[best];
    for (size_t c = 0; c < record.columns.size(); ++c) {
      auto& column = record.columns[c];
      int64_t value = column[best];
      if (record.channels[c].kind == Kind::mask && value != kUnknown && column[other] != kUnknown) {
        value |= column[other];
      }
      column[kept] = value;
    }
    ++kept;
  }
  record.t_ns.resize(kept);
  for (auto& column : record.columns) column.resize(kept);
}

Recorder::Recorder(Probe probe, int interval_ms, int cpu, bool real, size_t limit)
    : probe_(std::move(probe)), cpu_(cpu), limit_(std::max<size_t>(limit, 4)) {
  record_.interval_ms = std::max(interval_ms, 1);
  record_.channels = probe_.channels();
  record_.missing = probe_.missing();
  record_.real = real;
  record_.columns.resize(record_.channels.size());
  values_.assign(record_.channels.size(), kUnknown);
}

Recorder::~Recorder() { halt(); }

bool Recorder::halt() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  return true;
}

void Recorder::start() {
  if (thread_.joinable() || stopping_) return;
  // Whole at once: pages are touched only as rounds come, and the loop takes no memory.
  record_.t_ns.reserve(limit_);
  for (auto& column : record_.columns) column.reserve(limit_);
  // The first round belongs to the caller, so that nothing it does next lies before it.
  round();
  // Signals are for the thread that waits for them, not for this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Recorder::round() {
  if (record_.t_ns.size() == limit_) {
    halve(record_);
    ++halvings_;
  }
  const int64_t now = monotonic_ns();
  probe_.read(now, values_);
  record_.add(now, values_);
}

void Recorder::loop() {
  pthread_setname_np(pthread_self(), "assay-recorder");
  pin(cpu_);
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (true) {
    const std::chrono::milliseconds interval(int64_t{record_.interval_ms}
                                             << std::min(halvings_, 20));
    // Rounds that were missed (the machine was busy) are not made up for.
    next = std::max(next + interval, std::chrono::steady_clock::now());
    if (changed_.wait_until(lock, next, [this] { return stopping_; })) return;
    lock.unlock();
    round();
    lock.lock();
  }
}

Record Recorder::stop() {
  if (halt()) round();
  return record_;
}

}  // namespace assay::platform
