// SPDX-License-Identifier: Apache-2.0
#include "vision/pre_spec.h"

#include <cmath>

#include "base/text.h"
#include "base/word_table.h"
#include "vision/image.h"

namespace assay::vision {
namespace {

constexpr WordTable<ResizeRule, 3> kRules = {{{ResizeRule::pil, "pil"},
                                              {ResizeRule::opencv, "opencv"},
                                              {ResizeRule::torch_plain, "torch-plain"}}};
constexpr WordTable<Fit, 3> kFits = {{{Fit::shorter_crop, "shorter-crop"},
                                      {Fit::stretch, "stretch"},
                                      {Fit::letterbox, "letterbox"}}};
constexpr double kMostFactor = 1e9;

bool within(double v, double low, double high) { return v >= low && v <= high; }  // not NaN

Status wrong(std::string_view where, std::string_view member, std::string_view expected) {
  return bad_input(
      fmt::format("{}: pre-processing: '{}' is not {}", one_line(where, 200), member, expected),
      fmt::format("give {}", expected));
}

Status read(const Json& j, std::string_view where, const char* member, double* out) {
  if (!j.is_number()) return wrong(where, member, "a number");
  *out = j.get<double>();
  return {};
}

Status read(const Json& j, std::string_view where, const char* member, std::vector<double>* out) {
  constexpr std::string_view kExpected = "a list of 1 or 3 numbers";
  if (!j.is_array() || (j.size() != 1 && j.size() != 3)) return wrong(where, member, kExpected);
  out->clear();
  for (const auto& v : j) {
    if (!v.is_number()) return wrong(where, member, kExpected);
    out->push_back(v.get<double>());
  }
  return {};
}

Status read(const Json& j, std::string_view where, const char* member, int64_t* out) {
  if (!j.is_number_integer() ||
      (j.is_number_unsigned() && j.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)))
    return wrong(where, member, "an integer");
  *out = j.get<int64_t>();
  return {};
}

}  // namespace

std::string_view word(ResizeRule r) { return word_of(kRules, r); }
std::optional<ResizeRule> resize_rule_from(std::string_view s) { return value_of(kRules, s); }
std::string_view word(Fit f) { return word_of(kFits, f); }
std::optional<Fit> fit_from(std::string_view s) { return value_of(kFits, s); }

Json to_json(const PreSpec& spec) {
  return {{"resize", word(spec.resize)},
          {"fit", word(spec.fit)},
          {"resize_shorter", spec.resize_shorter},
          {"pad", spec.pad},
          {"scale", spec.scale},
          {"mean", spec.mean},
          {"std", spec.std},
          {"bgr", spec.bgr},
          {"quant_scale", spec.quant_scale},
          {"zero_point", spec.zero_point}};
}

Status check_pre_spec(const PreSpec& spec, std::string_view where) {
  if (spec.resize_shorter < 0 || spec.resize_shorter > kMaxSide)
    return wrong(where, "resize_shorter", fmt::format("from 0 to {}", kMaxSide));
  if (!within(spec.pad, 0, 255)) return wrong(where, "pad", "a grey level from 0 to 255");
  if (!within(spec.scale, -kMostFactor, kMostFactor) || spec.scale == 0)
    return wrong(where, "scale", "a finite number other than 0");
  if ((spec.mean.size() != 1 && spec.mean.size() != 3) || spec.std.size() != spec.mean.size())
    return wrong(where, "mean", "1 or 3 numbers, as many as 'std'");
  for (const double m : spec.mean)
    if (!within(m, -kMostFactor, kMostFactor)) return wrong(where, "mean", "finite numbers");
  for (const double s : spec.std) {
    if (!within(s, 1 / kMostFactor, kMostFactor))
      return wrong(where, "std", "finite numbers above 0");
  }
  if (spec.quant_scale != 0 && !within(spec.quant_scale, 1 / kMostFactor, kMostFactor))
    return wrong(where, "quant_scale", "0 or a finite number above 0");
  if (spec.zero_point < -128 || spec.zero_point > 255)
    return wrong(where, "zero_point", "a number of the tensor's type");
  return {};
}

Result<PreSpec> pre_spec_from_json(const Json& j, std::string_view where) {
  PreSpec out;
  if (!j.is_object())
    return bad_input(fmt::format("{}: pre-processing is not an object", one_line(where, 200)),
                     "write the members of docs/formats.md");
  for (const auto& [name, value] : j.items()) {
    if (name == "resize") {
      const auto rule =
          value.is_string() ? resize_rule_from(value.get<std::string>()) : std::nullopt;
      if (!rule) {
        return tl::unexpected<Error>(wrong(where, "resize", "pil, opencv or torch-plain").error());
      }
      out.resize = *rule;
    } else if (name == "fit") {
      const auto fit = value.is_string() ? fit_from(value.get<std::string>()) : std::nullopt;
      if (!fit) {
        return tl::unexpected<Error>(
            wrong(where, "fit", "shorter-crop, stretch or letterbox").error());
      }
      out.fit = *fit;
    } else if (name == "bgr") {
      if (!value.is_boolean())
        return tl::unexpected<Error>(wrong(where, "bgr", "true or false").error());
      out.bgr = value.get<bool>();
    } else if (name == "resize_shorter") {
      ASSAY_CHECK(read(value, where, "resize_shorter", &out.resize_shorter));
    } else if (name == "pad") {
      ASSAY_CHECK(read(value, where, "pad", &out.pad));
    } else if (name == "scale") {
      ASSAY_CHECK(read(value, where, "scale", &out.scale));
    } else if (name == "mean") {
      ASSAY_CHECK(read(value, where, "mean", &out.mean));
    } else if (name == "std") {
      ASSAY_CHECK(read(value, where, "std", &out.std));
    } else if (name == "quant_scale") {
      ASSAY_CHECK(read(value, where, "quant_scale", &out.quant_scale));
    } else if (name == "zero_point") {
      ASSAY_CHECK(read(value, where, "zero_point", &out.zero_point));
    } else {
      return bad_input(fmt::format("{}: pre-processing has no member '{}'", one_line(where, 200),
                                   one_line(name, 80)),
                       "remove it, or correct its name");
    }
  }
  ASSAY_CHECK(check_pre_spec(out, where));
  return out;
}

}  // namespace assay::vision
