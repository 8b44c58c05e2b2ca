// SPDX-License-Identifier: Apache-2.0
// The words of equality.h, in one place.
#include "stats/equality.h"

namespace assay::stats {

std::string_view equality_word(Equality e) {
  switch (e) {
    case Equality::equivalent:
      return "EQUIVALENT";
    case Equality::different:
      return "DIFFERENT";
    case Equality::immaterial:
      return "IMMATERIAL";
    default:
      return "INCONCLUSIVE";
  }
}

std::string_view regression_word(Regression r) {
  switch (r) {
    case Regression::same:
      return "SAME";
    case Regression::fast:
      return "FAST";
    case Regression::slow:
      return "SLOW";
    default:
      return "AMBG";
  }
}

}  // namespace assay::stats
