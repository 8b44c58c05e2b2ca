// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/text.h"
#include "vision/boxes.h"

namespace assay::vision {
namespace {

constexpr std::string_view kKinds[] = {"yolo-anchors", "yolo-flat", "ssd", "retinanet", "boxes"};
constexpr int64_t kMostClasses = 100'000, kMostBoxes = 100'000, kMostLevels = 16, kMostAnchors = 64,
                  kMostPriors = 1'000'000, kMostStride = 4096;
constexpr double kMostSide = 1e5;

class Reader {
 public:
  Reader(const Json& j, std::string_view where) : j_(j), where_(one_line(where, 200)) {}

  tl::unexpected<Error> wrong(const std::string& member, const std::string& expected) const {
    return bad_input(fmt::format("{}: '{}' is not {}", where_, member, expected),
                     "see docs/detections.md");
  }
  bool has(const char* m) const { return j_.contains(m); }

  Status number(const char* m, double low, double high, double& out) const {
    if (!has(m)) return {};
    if (!j_[m].is_number()) return wrong(m, fmt::format("a number from {} to {}", low, high));
    const double v = j_[m].get<double>();
    if (!(v >= low && v <= high)) return wrong(m, fmt::format("a number from {} to {}", low, high));
    out = v;
    return {};
  }
  Status count(const char* m, int64_t low, int64_t high, int64_t& out) const {
    double v = static_cast<double>(out);
    ASSAY_CHECK(number(m, static_cast<double>(low), static_cast<double>(high), v));
    if (std::floor(v) != v) return wrong(m, "a whole number");
    out = static_cast<int64_t>(v);
    return {};
  }
  Status flag(const char* m, bool& out) const {
    if (!has(m)) return {};
    if (!j_[m].is_boolean()) return wrong(m, "true or false");
    out = j_[m].get<bool>();
    return {};
  }
  Status text(const char* m, std::string& out) const {
    if (!has(m)) return {};
    if (!j_[m].is_string()) return wrong(m, "a text");
    out = j_[m].get<std::string>();
    return {};
  }
  // Rows of `width` finite numbers, each within +-`most`.
  Result<std::vector<std::vector<double>>> rows(const Json& j, const std::string& name,
                                                size_t width, int64_t longest, double most) const {
    const std::string expected =
        fmt::format("a list of at most {} lists of {} numbers", longest, width);
    if (!j.is_array() || static_cast<int64_t>(j.size()) > longest) return wrong(name, expected);
    std::vector<std::vector<double>> out;
    for (const Json& row : j) {
      if (!row.is_array() || row.size() != width) return wrong(name, expected);
      std::vector<double> values;
      for (const Json& v : row) {
        if (!v.is_number()) return wrong(name, expected);
        values.push_back(v.get<double>());
        if (!(std::abs(values.back()) <= most)) return wrong(name, expected);
      }
      out.push_back(std::move(values));
    }
    return out;
  }
  const Json& j_;
  std::string where_;
};

Status read_levels(const Reader& r, DetectorSpec& s) {
  if (!r.has("levels")) return {};
  const Json& levels = r.j_["levels"];
  if (!levels.is_array() || static_cast<int64_t>(levels.size()) > kMostLevels)
    return r.wrong("levels", fmt::format("a list of at most {} levels", kMostLevels));
  for (const Json& l : levels) {
    if (!l.is_object()) return r.wrong("levels", "a list of objects");
    for (const auto& [key, value] : l.items())
      if (key != "output" && key != "stride" && key != "anchors")
        return r.wrong("levels." + one_line(key, 40), "a member of a level");
    const Reader in(l, r.where_ + ": levels");
    DetectorSpec::Level level;
    ASSAY_CHECK(in.text("output", level.output));
    ASSAY_CHECK(in.count("stride", 1, kMostStride, level.stride));
    if (level.stride < 1) return r.wrong("levels.stride", "given");
    if (!l.contains("anchors")) return r.wrong("levels.anchors", "given");
    ASSAY_TRY(const auto anchors, in.rows(l["anchors"], "anchors", 2, kMostAnchors, kMostSide));
    for (const auto& a : anchors) {
      if (!(a[0] > 0 && a[1] > 0)) return r.wrong("levels.anchors", "a list of sides above 0");
      level.anchors.emplace_back(a[0], a[1]);
    }
    if (level.anchors.empty()) return r.wrong("levels.anchors", "a list with an anchor in it");
    s.levels.push_back(std::move(level));
  }
  return {};
}

Status read_names(const Reader& r, DetectorSpec& s) {
  if (!r.has("class_names")) return {};
  const Json& names = r.j_["class_names"];
  if (!names.is_array() || (static_cast<int64_t>(names.size()) != s.classes && !names.empty()))
    return r.wrong("class_names", "a list of one name a class");
  for (const Json& n : names) {
    if (!n.is_string()) return r.wrong("class_names", "a list of texts");
    s.class_names.push_back(n.get<std::string>());
  }
  return {};
}

// What each kind cannot do without.
Status complete(const Reader& r, const DetectorSpec& s) {
  const bool levels = s.kind == HeadKind::yolo_anchors || s.kind == HeadKind::retinanet;
  if (levels && s.levels.empty()) return r.wrong("levels", "given, with at least one level");
  if (s.kind == HeadKind::ssd && s.priors.empty()) return r.wrong("priors", "given");
  const bool two =
      s.kind == HeadKind::ssd || s.kind == HeadKind::retinanet || s.kind == HeadKind::boxes;
  if (two && (s.boxes_output.empty() || s.scores_output.empty()))
    return r.wrong("boxes_output and scores_output", "given");
  if (s.kind == HeadKind::boxes && s.labels_output.empty())
    return r.wrong("labels_output", "given");
  return {};
}

}  // namespace

std::string_view word(HeadKind k) { return kKinds[static_cast<size_t>(k)]; }
std::optional<HeadKind> head_kind_from(std::string_view s) {
  for (size_t i = 0; i < std::size(kKinds); ++i)
    if (kKinds[i] == s) return static_cast<HeadKind>(i);
  return std::nullopt;
}

Json to_json(const DetectorSpec& s) {
  Json levels = Json::array(), priors = Json::array();
  for (const auto& l : s.levels) {
    Json anchors = Json::array();
    for (const auto& [w, h] : l.anchors) anchors.push_back({w, h});
    levels.push_back({{"output", l.output}, {"stride", l.stride}, {"anchors", anchors}});
  }
  for (const auto& p : s.priors) priors.push_back(p);
  return {{"kind", word(s.kind)},
          {"classes", s.classes},
          {"class_names", s.class_names},
          {"score_threshold", s.score_threshold},
          {"nms_iou", s.nms_iou},
          {"nms_per_class", s.nms_per_class},
          {"max_candidates", s.max_candidates},
          {"max_boxes", s.max_boxes},
          {"softmax_classes", s.softmax_classes},
          {"levels", levels},
          {"boxes_output", s.boxes_output},
          {"scores_output", s.scores_output},
          {"labels_output", s.labels_output},
          {"priors", priors},
          {"variances", s.variances},
          {"objectness", s.objectness}};
}

Result<DetectorSpec> detector_from_json(const Json& j, std::string_view where) {
  const Reader r(j, where);
  if (!j.is_object()) return r.wrong("detector", "an object");
  DetectorSpec s;
  const Json known = to_json(s);
  for (const auto& [key, value] : j.items())
    if (!known.contains(key)) return r.wrong(one_line(key, 60), "a member of a detector");
  std::string kind;
  ASSAY_CHECK(r.text("kind", kind));
  const auto found = head_kind_from(kind);
  if (!found) return r.wrong("kind", "yolo-anchors, yolo-flat, ssd, retinanet or boxes");
  s.kind = *found;
  if (s.kind == HeadKind::retinanet) s.variances = {1, 1, 1, 1};
  ASSAY_CHECK(r.count("classes", 1, kMostClasses, s.classes));
  if (s.classes < 1) return r.wrong("classes", "given");
  ASSAY_CHECK(read_names(r, s));
  ASSAY_CHECK(r.number("score_threshold", 1e-6, 1, s.score_threshold));
  ASSAY_CHECK(r.number("nms_iou", 0, 1, s.nms_iou));
  ASSAY_CHECK(r.flag("nms_per_class", s.nms_per_class));
  ASSAY_CHECK(r.count("max_candidates", 1, kMostBoxes, s.max_candidates));
  ASSAY_CHECK(r.count("max_boxes", 1, kMostBoxes, s.max_boxes));
  ASSAY_CHECK(r.flag("softmax_classes", s.softmax_classes));
  ASSAY_CHECK(r.flag("objectness", s.objectness));
  ASSAY_CHECK(r.text("boxes_output", s.boxes_output));
  ASSAY_CHECK(r.text("scores_output", s.scores_output));
  ASSAY_CHECK(r.text("labels_output", s.labels_output));
  ASSAY_CHECK(read_levels(r, s));
  if (r.has("priors")) {
    ASSAY_TRY(const auto rows, r.rows(j["priors"], "priors", 4, kMostPriors, 100));
    for (const auto& p : rows) s.priors.push_back({p[0], p[1], p[2], p[3]});
  }
  if (r.has("variances")) {
    ASSAY_TRY(const auto rows, r.rows(Json::array({j["variances"]}), "variances", 4, 1, 100));
    for (size_t i = 0; i < 4; ++i) s.variances[i] = rows[0][i];
  }
  ASSAY_CHECK(complete(r, s));
  return s;
}

Result<std::optional<DetectorSpec>> detector_beside(const fs::path& model) {
  const fs::path file = fs::path(model).replace_extension(".detector.json");
  std::error_code error;
  if (!fs::exists(file, error)) return std::optional<DetectorSpec>();
  ASSAY_TRY(const std::string text, read_file(file, 256 << 20));
  ASSAY_TRY(const Json j, parse_json(text, file.string()));
  ASSAY_TRY(DetectorSpec spec, detector_from_json(j, file.string()));
  return std::optional<DetectorSpec>(std::move(spec));
}

}  // namespace assay::vision
