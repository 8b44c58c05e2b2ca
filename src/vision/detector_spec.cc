// SPDX-License-Identifier: Apache-2.0
// MODEL.detector.json, read strictly: a member that a head does not know would be a wish ignored.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "vision/boxes.h"

namespace assay::vision {
namespace {

constexpr int64_t kMaxClasses = 1 << 16, kMaxCandidates = 1 << 16, kMaxStride = 1 << 12;
constexpr size_t kMaxLevels = 16, kMaxAnchors = 64, kMaxPriors = 1 << 20;
constexpr double kMaxSide = 1e6;
constexpr int64_t kMaxFile = int64_t{1} << 27;

constexpr std::pair<HeadKind, std::string_view> kWords[] = {
    {HeadKind::yolo_anchors, "yolo-anchors"},
    {HeadKind::yolo_flat, "yolo-flat"},
    {HeadKind::ssd, "ssd"},
    {HeadKind::retinanet, "retinanet"},
    {HeadKind::boxes, "boxes"}};

// Members of one head only; those of all heads are in detector_from_json().
struct Member {
  const char* name;
  std::vector<HeadKind> heads;
  bool needed;
};
const std::vector<Member>& members() {
  using enum HeadKind;
  static const std::vector<Member> all = {{"softmax_classes", {yolo_anchors, ssd}, false},
                                          {"levels", {yolo_anchors, retinanet}, true},
                                          {"boxes_output", {ssd, retinanet, boxes}, true},
                                          {"boxes_output", {yolo_flat}, false},
                                          {"scores_output", {ssd, retinanet, boxes}, true},
                                          {"labels_output", {boxes}, true},
                                          {"priors", {ssd}, true},
                                          {"variances", {ssd, retinanet}, false},
                                          {"objectness", {yolo_flat}, false},
                                          {"anchor_offset", {retinanet}, false}};
  return all;
}
bool has(const Member& m, HeadKind k) {
  return std::find(m.heads.begin(), m.heads.end(), k) != m.heads.end();
}

class Reader {
 public:
  Reader(const Json& j, std::string_view where) : j_(j), where_(one_line(where, 200)) {}

  tl::unexpected<Error> wrong(std::string_view what) const {
    return bad_input(fmt::format("{}: {}", where_, what), "see docs/detections.md");
  }
  template <class T>
  tl::unexpected<Error> unlike(std::string_view name, const Json& found, const T& expected) const {
    return wrong(
        fmt::format("{} is {}, expected {}", name, one_line(dump_json(found), 60), expected));
  }
  Status number(const char* name, double low, double high, double& out) const {
    if (!j_.contains(name)) return {};
    const Json& v = j_[name];
    if (!v.is_number() || !(v.get<double>() >= low && v.get<double>() <= high))
      return unlike(name, v, fmt::format("a number from {} to {}", low, high));
    out = v.get<double>();
    return {};
  }
  Status whole(const char* name, int64_t low, int64_t high, int64_t& out) const {
    if (!j_.contains(name)) return {};
    return whole_of(name, j_[name], low, high, out);
  }
  Status whole_of(std::string_view name, const Json& v, int64_t low, int64_t high,
                  int64_t& out) const {
    const bool fits = v.is_number_integer() &&
                      !(v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX) &&
                      v.get<int64_t>() >= low && v.get<int64_t>() <= high;
    if (!fits) return unlike(name, v, fmt::format("a whole number from {} to {}", low, high));
    out = v.get<int64_t>();
    return {};
  }
  Status flag(const char* name, bool& out) const {
    if (!j_.contains(name)) return {};
    if (!j_[name].is_boolean()) return unlike(name, j_[name], "true or false");
    out = j_[name].get<bool>();
    return {};
  }
  Status text(const char* name, std::string& out) const {
    if (!j_.contains(name)) return {};
    if (!j_[name].is_string() || j_[name].get<std::string>().empty())
      return unlike(name, j_[name], "the name of an output");
    out = j_[name].get<std::string>();
    return {};
  }
  // `count` numbers over `low` (or from it) up to `high`.
  Status numbers(std::string_view name, const Json& v, size_t count, double low, bool open,
                 double high, double* out) const {
    bool fits = v.is_array() && v.size() == count;
    for (size_t i = 0; fits && i < count; ++i) {
      const double x = v[i].is_number() ? v[i].get<double>() : NAN;
      fits = (open ? x > low : x >= low) && x <= high;
      out[i] = x;
    }
    if (!fits)
      return unlike(
          name, v,
          fmt::format("{} numbers {} {} up to {}", count, open ? "over" : "from", low, high));
    return {};
  }

 private:
  const Json& j_;
  std::string where_;
};

Status read_levels(const Reader& r, const Json& levels, DetectorSpec& out) {
  const bool named = out.kind == HeadKind::yolo_anchors;
  if (!levels.is_array() || levels.empty() || levels.size() > kMaxLevels)
    return r.unlike("levels", levels, fmt::format("a list of 1 to {} levels", kMaxLevels));
  for (const Json& l : levels) {
    const std::string name = fmt::format("levels[{}]", out.levels.size());
    DetectorSpec::Level level;
    if (!l.is_object()) return r.unlike(name, l, "an object");
    for (const auto& [key, value] : l.items()) {
      if (key == "stride") {
        ASSAY_CHECK(r.whole_of(name + ".stride", value, 1, kMaxStride, level.stride));
      } else if (key == "anchors") {
        if (!value.is_array() || value.empty() || value.size() > kMaxAnchors)
          return r.unlike(name + ".anchors", value,
                          fmt::format("a list of 1 to {} pairs", kMaxAnchors));
        for (const Json& a : value) {
          double side[2];
          ASSAY_CHECK(r.numbers(name + ".anchors", a, 2, 0, true, kMaxSide, side));
          level.anchors.emplace_back(side[0], side[1]);
        }
      } else if (key == "output" && named) {
        if (!value.is_string()) return r.unlike(name + ".output", value, "the name of an output");
        level.output = value.get<std::string>();
      } else {
        return r.wrong(fmt::format("{} has the unknown member '{}'", name, one_line(key, 60)));
      }
    }
    if (level.stride == 0) return r.wrong(name + " lacks stride");
    if (level.anchors.empty()) return r.wrong(name + " lacks anchors");
    if (named && level.output.empty() && levels.size() > 1)
      return r.wrong(name + " lacks output, and there are several levels");
    out.levels.push_back(std::move(level));
  }
  return {};
}

Status read_names(const Reader& r, const Json& names, DetectorSpec& out) {
  if (!names.is_array()) return r.unlike("class_names", names, "a list of names");
  for (const Json& n : names) {
    if (!n.is_string()) return r.unlike("class_names", n, "text");
    out.class_names.push_back(n.get<std::string>());
  }
  if (!out.class_names.empty() && static_cast<int64_t>(out.class_names.size()) != out.classes)
    return r.wrong(fmt::format("class_names holds {} names for {} classes", out.class_names.size(),
                               out.classes));
  return {};
}

// Every member known, each where it belongs, and none missing.
Status check_members(const Reader& r, const Json& j, HeadKind kind) {
  static constexpr std::string_view kCommon[] = {
      "format",  "kind",          "classes",        "class_names", "score_threshold",
      "nms_iou", "nms_per_class", "max_candidates", "max_boxes"};
  for (const auto& [key, value] : j.items()) {
    if (std::find(std::begin(kCommon), std::end(kCommon), key) != std::end(kCommon)) continue;
    bool known = false, fits = false;
    for (const Member& m : members()) {
      known = known || key == m.name;
      fits = fits || (key == m.name && has(m, kind));
    }
    if (!known) return r.wrong(fmt::format("unknown member '{}'", one_line(key, 60)));
    if (!fits) return r.wrong(fmt::format("a detector of kind {} has no '{}'", word(kind), key));
  }
  for (const Member& m : members())
    if (m.needed && has(m, kind) && !j.contains(m.name))
      return r.wrong(fmt::format("a detector of kind {} needs '{}'", word(kind), m.name));
  return {};
}

}  // namespace

std::string_view word(HeadKind k) {
  for (const auto& [kind, text] : kWords)
    if (kind == k) return text;
  return "";
}
std::optional<HeadKind> head_kind_from(std::string_view s) {
  for (const auto& [kind, text] : kWords)
    if (text == s) return kind;
  return std::nullopt;
}

Json to_json(const DetectorSpec& s) {
  Json j = {{"kind", word(s.kind)},
            {"classes", s.classes},
            {"score_threshold", s.score_threshold},
            {"nms_iou", s.nms_iou},
            {"nms_per_class", s.nms_per_class},
            {"max_candidates", s.max_candidates},
            {"max_boxes", s.max_boxes}};
  if (!s.class_names.empty()) j["class_names"] = s.class_names;
  const auto is = [&](HeadKind k) { return s.kind == k; };
  if (is(HeadKind::yolo_anchors) || is(HeadKind::ssd)) j["softmax_classes"] = s.softmax_classes;
  if (is(HeadKind::yolo_anchors) || is(HeadKind::retinanet)) {
    j["levels"] = Json::array();
    for (const auto& l : s.levels) {
      Json level = Json::object();
      if (is(HeadKind::yolo_anchors) && !l.output.empty()) level["output"] = l.output;
      level["stride"] = l.stride;
      level["anchors"] = Json::array();
      for (const auto& [w, h] : l.anchors) level["anchors"].push_back(Json::array({w, h}));
      j["levels"].push_back(std::move(level));
    }
  }
  if (!is(HeadKind::yolo_anchors) && !(is(HeadKind::yolo_flat) && s.boxes_output.empty()))
    j["boxes_output"] = s.boxes_output;
  if (is(HeadKind::ssd) || is(HeadKind::retinanet) || is(HeadKind::boxes))
    j["scores_output"] = s.scores_output;
  if (is(HeadKind::boxes)) j["labels_output"] = s.labels_output;
  if (is(HeadKind::ssd)) j["priors"] = s.priors;
  if (is(HeadKind::ssd) || is(HeadKind::retinanet)) j["variances"] = s.variances;
  if (is(HeadKind::yolo_flat)) j["objectness"] = s.objectness;
  if (is(HeadKind::retinanet)) j["anchor_offset"] = s.anchor_offset;
  return j;
}

Result<DetectorSpec> detector_from_json(const Json& j, std::string_view where) {
  const Reader r(j, where);
  if (!j.is_object()) return r.wrong("expected an object");
  if (j.contains("format") && get_int(j, "format") != 1)
    return r.unlike("format", j["format"], "1");
  const auto kind = head_kind_from(get_string(j, "kind"));
  if (!kind)
    return r.unlike("kind", j.contains("kind") ? j["kind"] : Json(),
                    "yolo-anchors, yolo-flat, ssd, retinanet or boxes");
  ASSAY_CHECK(check_members(r, j, *kind));
  DetectorSpec out;
  out.kind = *kind;
  if (*kind == HeadKind::retinanet) out.variances = {1, 1, 1, 1};
  if (!j.contains("classes")) return r.wrong("classes is missing");
  ASSAY_CHECK(r.whole("classes", 1, kMaxClasses, out.classes));
  if (j.contains("class_names")) ASSAY_CHECK(read_names(r, j["class_names"], out));
  ASSAY_CHECK(r.number("score_threshold", 0, 1, out.score_threshold));
  ASSAY_CHECK(r.number("nms_iou", 0, 1, out.nms_iou));
  ASSAY_CHECK(r.flag("nms_per_class", out.nms_per_class));
  ASSAY_CHECK(r.whole("max_candidates", 1, kMaxCandidates, out.max_candidates));
  out.max_boxes = std::min(out.max_boxes, out.max_candidates);
  ASSAY_CHECK(r.whole("max_boxes", 1, out.max_candidates, out.max_boxes));
  ASSAY_CHECK(r.flag("softmax_classes", out.softmax_classes));
  if (j.contains("levels")) ASSAY_CHECK(read_levels(r, j["levels"], out));
  ASSAY_CHECK(r.text("boxes_output", out.boxes_output));
  ASSAY_CHECK(r.text("scores_output", out.scores_output));
  ASSAY_CHECK(r.text("labels_output", out.labels_output));
  if (j.contains("priors")) {
    const Json& priors = j["priors"];
    if (!priors.is_array() || priors.empty() || priors.size() > kMaxPriors)
      return r.unlike("priors", priors, fmt::format("a list of 1 to {} priors", kMaxPriors));
    for (const Json& p : priors) {
      std::array<double, 4> prior;
      ASSAY_CHECK(r.numbers(fmt::format("priors[{}]", out.priors.size()), p, 4, -10, false, 10,
                            prior.data()));
      if (!(prior[2] > 0) || !(prior[3] > 0))
        return r.unlike(fmt::format("priors[{}]", out.priors.size()), p,
                        "a width and a height over 0");
      out.priors.push_back(prior);
    }
  }
  if (j.contains("variances"))
    ASSAY_CHECK(r.numbers("variances", j["variances"], 4, 0, true, 100, out.variances.data()));
  ASSAY_CHECK(r.flag("objectness", out.objectness));
  ASSAY_CHECK(r.number("anchor_offset", 0, 1, out.anchor_offset));
  return out;
}

Result<std::optional<DetectorSpec>> detector_beside(const fs::path& model) {
  fs::path file = model;
  file.replace_extension(".detector.json");
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  ASSAY_TRY(const std::string text, read_file(file, kMaxFile));
  ASSAY_TRY(const Json j, parse_json(text, one_line(file.string(), 200)));
  ASSAY_TRY(DetectorSpec spec, detector_from_json(j, file.string()));
  return spec;
}

}  // namespace assay::vision
