// SPDX-License-Identifier: Apache-2.0
#include "worker/child_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace assay::worker {

Result<LogSink> LogSink::create(const fs::path& path, int64_t limit) {
  LogSink sink;
  sink.left_ = limit;
  if (path.empty()) return sink;  // not wanted: read and forgotten
  sink.file_ = Fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (sink.file_.get() < 0)
    return bad_input(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  return sink;
}

void LogSink::take(std::string_view bytes) {
  if (file_.get() < 0) return;
  const auto keep =
      static_cast<size_t>(std::min<int64_t>(left_, static_cast<int64_t>(bytes.size())));
  if (keep < bytes.size()) cut_ = true;
  left_ -= static_cast<int64_t>(keep);
  for (size_t done = 0; done < keep && !failed_;) {
    const ssize_t n = write(file_.get(), bytes.data() + done, keep - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      failed_ = true;  // disk full: the log is lost from here on, the child is not
    else
      done += static_cast<size_t>(n);
  }
}

LineSink::LineSink(int64_t line_limit, int64_t total_limit,
                   std::function<void(std::string_view)> deliver)
    : line_limit_(std::max<int64_t>(line_limit, 1)),
      left_(total_limit),
      deliver_(std::move(deliver)) {}

void LineSink::deliver() {
  if (deliver_) deliver_(line_);
  line_.clear();
}

void LineSink::take(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > left_) {
    bytes = bytes.substr(0, static_cast<size_t>(left_));
    overflow_ = true;
  }
  left_ -= static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const std::string_view part = bytes.substr(0, newline);
    const size_t room =
        static_cast<size_t>(line_limit_) - std::min(line_.size(), static_cast<size_t>(line_limit_));
    if (part.size() > room) overflow_ = true;
    line_.append(part.substr(0, room));
    if (newline == std::string_view::npos) return;
    deliver();
    bytes.remove_prefix(newline + 1);
  }
}

void LineSink::end() {
  if (!line_.empty()) deliver();
}

}  // namespace assay::worker
