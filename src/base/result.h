// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. Expected failure is a Result; asserts are for programmer errors
// only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace assay {

// The exit codes of every command (docs/cli.md). The enumerators are the process's exit status.
enum class ExitCode : int {
  ok = 0,
  verdict =
      1,  // DIFFERENT, REJECTED or INCONCLUSIVE from compare, gate, lock verify; or no usable build
  usage = 2,         // bad usage or bad input
  missing = 3,       // something needed is not on this machine
  internal = 4,      // a defect of assay
  interrupted = 130  // stopped by a signal; can be resumed
};

// What went wrong. `message` is one line: what, where, what was found, what was expected. `fix`
// says what to do next ("" when there is nothing to do). Shown as "assay: MESSAGE" and "  fix:
// FIX".
struct Error {
  ExitCode code = ExitCode::internal;
  std::string message;
  std::string fix;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

inline tl::unexpected<Error> fail(ExitCode code, std::string message, std::string fix = "") {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(fix)});
}
inline tl::unexpected<Error> bad_input(std::string message, std::string fix = "") {
  return fail(ExitCode::usage, std::move(message), std::move(fix));
}
inline tl::unexpected<Error> missing(std::string message, std::string fix) {
  return fail(ExitCode::missing, std::move(message), std::move(fix));
}
inline tl::unexpected<Error> internal_error(std::string message) {
  return fail(ExitCode::internal, std::move(message),
              "this is a defect of assay; please report it with the run folder");
}

}  // namespace assay

// ASSAY_TRY(x, expr): declares x from a Result, or returns its Error. ASSAY_CHECK(expr): the same
// for a Status.
#define ASSAY_CONCAT_(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_(a, b)
#define ASSAY_TRY_(tmp, x, expr)                                           \
  auto tmp = (expr);                                                       \
  if (!tmp) return tl::unexpected<::assay::Error>(std::move(tmp).error()); \
  x = std::move(*tmp)
#define ASSAY_TRY(x, expr) ASSAY_TRY_(ASSAY_CONCAT(assay_try_, __COUNTER__), x, expr)
#define ASSAY_CHECK(expr)                                                                        \
  do {                                                                                           \
    auto assay_status_ = (expr);                                                                 \
    if (!assay_status_) return tl::unexpected<::assay::Error>(std::move(assay_status_).error()); \
  } while (0)
