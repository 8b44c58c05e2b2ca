// SPDX-License-Identifier: Apache-2.0
// Expected failure inside the runner: an assay_status and one line of text. Stand-alone, because a
// runner links nothing of assay.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "assay/runner.h"

namespace assay::ort {

struct Failure {
  assay_status status;
  std::string text;
};

template <class T>
using Result = tl::expected<T, Failure>;
using Status = tl::expected<void, Failure>;

inline tl::unexpected<Failure> fail(assay_status status, std::string text) {
  return tl::unexpected<Failure>(Failure{status, std::move(text)});
}

}  // namespace assay::ort
