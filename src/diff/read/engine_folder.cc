// SPDX-License-Identifier: Apache-2.0
// assay's own engine folders (docs/formats.md). Read without the audit: what is read is hashed
// against the manifest, what is not read is not looked at.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

constexpr int64_t kMostManifestBytes = 64 << 20;
constexpr int64_t kMostKernelMapBytes = 256 << 20;
constexpr size_t kMostChoices = 1 << 14;  // each is sought among all tasks
constexpr const char* kFix = "build the engine again; its folder was changed";

class Reader {
 public:
  Reader(const EngineFileReader& file, std::string_view where) : file_(file), where_(where) {}

  Result<EngineMap> read() {
    ASSAY_TRY(const std::string text, file_("manifest.json", kMostManifestBytes));
    ASSAY_TRY(manifest_, parse("manifest.json", text));
    if (get_int(manifest_, "format") != 1)
      return wrong(where_, "manifest.json.format",
                   manifest_.is_object() && manifest_.contains("format")
                       ? shown(manifest_["format"])
                       : "absent",
                   "1", "read it with the version of assay that built it");
    engine_.compiler = get_string(manifest_, "compiler");
    engine_.version = get_string(manifest_, "version");
    engine_.precision = get_string(manifest_, "precision");
    engine_.source = "engine folder";
    ASSAY_CHECK(files());
    ASSAY_CHECK(kernels());
    ASSAY_CHECK(decisions());
    return std::move(engine_);
  }

 private:
  struct File {
    std::string role, sha256;
    int64_t bytes = -1;
  };

  Result<Json> parse(const char* name, std::string_view text) {
    auto j = parse_bounded(text, fmt::format("{}: {}", where_, name));
    if (!j) return bad_input(j.error().message, kFix);
    if (!j->is_object()) return wrong(where_, name, shown(*j), "an object", kFix);
    return j;
  }

  Status files() {
    for (const Json& f : get_array(manifest_, "files")) {
      const std::string path = get_string(f, "path");
      const int64_t bytes = get_int(f, "bytes", -1);
      if (path.empty() || bytes < 0 || bytes > (int64_t{1} << 50))
        return wrong(where_, "manifest.json.files", shown(f), "path, role, bytes and sha256", kFix);
      if (!files_.emplace(path, File{get_string(f, "role"), get_string(f, "sha256"), bytes}).second)
        return wrong(where_, "manifest.json.files", one_line(path, 200) + " twice", "it once",
                     kFix);
      if (get_string(f, "role") == "artifact")
        engine_.artifact_bytes = std::max<int64_t>(0, engine_.artifact_bytes) + bytes;
    }
    return {};
  }

  // A file that the manifest lists, of the stated size and hash.
  Result<std::string> listed(const std::string& path, int64_t most) {
    const auto found = files_.find(path);
    if (found == files_.end())
      return wrong(where_, one_line(path, 200), "not in the manifest", "a file of the engine",
                   kFix);
    ASSAY_TRY(std::string text, file_(path, most));
    if (static_cast<int64_t>(text.size()) != found->second.bytes ||
        sha256_hex(text) != found->second.sha256)
      return wrong(where_, one_line(path, 200), "another content", "what the manifest states",
                   kFix);
    return text;
  }

  Status kernels() {
    ASSAY_TRY(const std::string text, listed("kernels.json", kMostKernelMapBytes));
    ASSAY_TRY(const Json map, parse("kernels.json", text));
    if (!map.contains("kernels") || !map["kernels"].is_array())
      return wrong(where_, "kernels.json", "no array \"kernels\"", "the kernel map", kFix);
    const Json& list = map["kernels"];
    if (list.size() > kMostLayers)
      return wrong(where_, "kernels.json", fmt::format("{} kernels", list.size()),
                   fmt::format("at most {}", kMostLayers), kFix);
    std::vector<std::pair<int64_t, Layer>> ordered;
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_object())
        return wrong(where_, fmt::format("kernels.json: kernels[{}]", i), shown(list[i]),
                     "an object", kFix);
      Layer l;
      ASSAY_CHECK(kernel(list[i], l));
      ordered.emplace_back(get_int(list[i], "ordinal"), std::move(l));
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [ordinal, layer] : ordered) engine_.layers.push_back(std::move(layer));
    return {};
  }

  Status kernel(const Json& j, Layer& l) {
    l.name = get_string(j, "layer");
    l.kernel = get_string(j, "kernel");
    l.source_sha256 = get_string(j, "source_sha256");
    l.precision = get_string(j, "precision");
    engine_.tells_sources = engine_.tells_sources || !l.source_sha256.empty();
    const std::string origin = get_string(j, "origin");
    for (size_t at = 0; at < origin.size();) {
      const size_t end = std::min(origin.find(',', at), origin.size());
      if (end > at) l.origin.push_back(origin.substr(at, end - at));
      at = end + 1;
    }
    std::sort(l.origin.begin(), l.origin.end());
    l.origin.erase(std::unique(l.origin.begin(), l.origin.end()), l.origin.end());
    const std::string source = get_string(j, "source");
    if (source.empty()) return {};
    // Layers with one source share the file; each gets the text, but it is read once.
    auto [found, fresh] = sources_.try_emplace(source);
    if (fresh) {
      ASSAY_TRY(found->second, listed(source, kMostSourceBytes));
    }
    source_bytes_ += static_cast<int64_t>(found->second.size());
    if (source_bytes_ > kMostSourcesBytes)
      return wrong(where_, "sources", "more text",
                   fmt::format("at most {} bytes", kMostSourcesBytes), kFix);
    // Kernels are told apart by the hash, so it must be that of the text.
    if (sha256_hex(found->second) != l.source_sha256)
      return wrong(where_, "kernels.json", fmt::format("source_sha256 {}", shown(l.source_sha256)),
                   fmt::format("the SHA-256 of {}", one_line(source, 80)), kFix);
    l.source_text = found->second;
    return {};
  }

  Status decisions() {
    const Json& rebuild = get_object(manifest_, "rebuild");
    for (const Json& name : get_array(rebuild, "decisions")) {
      if (!name.is_string())
        return wrong(where_, "manifest.json.rebuild.decisions", shown(name), "names of files",
                     kFix);
      ASSAY_CHECK(decision_file(name.get_ref<const std::string&>()));
    }
    logged_ = engine_.decisions.size();
    const Json& choices = get_array(rebuild, "choices");
    if (choices.size() > kMostChoices)
      return wrong(where_, "manifest.json.rebuild.choices",
                   fmt::format("{} choices", choices.size()),
                   fmt::format("at most {}", kMostChoices), kFix);
    for (const Json& c : choices) choose(c);
    if (unknown_.count() > 0)
      engine_.notes.push_back("choices that no candidate of a tuning log is: " + unknown_.text());
    return {};
  }

  Status decision_file(const std::string& name) {
    if (name.ends_with("database_workload.json")) return {};  // read with its records
    ASSAY_TRY(const std::string text, listed(name, kMostBytes));
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return {};  // nothing was tunable
    const std::string where = fmt::format("{}: {}", where_, one_line(name, 200));
    const auto format = detect_format(text, where);
    if (format && *format == Format::metaschedule) {
      const size_t slash = name.rfind('/');
      const std::string beside =
          (slash == std::string::npos ? "" : name.substr(0, slash + 1)) + "database_workload.json";
      ASSAY_TRY(const std::string workloads, listed(beside, kMostBytes));
      ASSAY_TRY(EngineMap tuned, parse_metaschedule(text, workloads, where));
      take(std::move(tuned), name);
      return {};
    }
    if (!format || (*format != Format::autotvm && *format != Format::autoscheduler)) {
      // A builder's own files; what they decide is among the choices.
      if (files_.at(name).role == "tuning_log")
        engine_.notes.push_back(fmt::format(
            "{} is of a kind that is not read: its candidates are not told", one_line(name, 200)));
      return {};
    }
    ASSAY_TRY(EngineMap tuned, parse_tvm_log(text, where));
    take(std::move(tuned), name);
    return {};
  }

  void take(EngineMap tuned, const std::string& name) {
    for (Decision& d : tuned.decisions) engine_.decisions.push_back(std::move(d));
    // What the log says of itself alone is of no use here: the layers are known.
    for (std::string& note : tuned.notes)
      if (note.find("not the layers") == std::string::npos)
        engine_.notes.push_back(fmt::format("{}: {}", one_line(name, 200), note));
  }

  // {"layer": "0 conv2d 1x1x8x8 16x1x3x3", "choice": text} or, of a rebuild, "number": a line. What
  // the builder says that it took overrules what it would take from the log alone.
  void choose(const Json& c) {
    const std::string layer = get_string(c, "layer"), choice = get_string(c, "choice");
    const int64_t number = get_int(c, "number", -1);
    const auto taken = [&](const Candidate& k) {
      return number >= 0 ? k.number == number : k.text == choice || choice.ends_with(", " + k.text);
    };
    Decision* named = nullptr;  // of several tasks with this name the first that has the candidate
    for (size_t i = 0; i < logged_; ++i) {
      Decision& d = engine_.decisions[i];
      if (named_.contains(i) || !is_task(d.layer, layer)) continue;
      const bool has = std::any_of(d.candidates.begin(), d.candidates.end(), taken);
      if (named && !has) continue;
      named = &d;
      if (has) break;
    }
    if (!named) {
      unknown_.add(layer);
      engine_.decisions.push_back({layer, choice, {}});
      return;
    }
    named_.insert(static_cast<size_t>(named - engine_.decisions.data()));
    bool found = false, measured = false;
    for (Candidate& k : named->candidates) {
      k.chosen = !found && taken(k);
      found = found || k.chosen;
      measured = measured || k.ok;
      if (k.chosen) named->choice = k.text;
    }
    named->layer = layer;
    if (found) return;
    named->choice = choice;
    // Where every candidate failed there is nothing to take.
    if (measured) unknown_.add(layer);
  }

  // Builders put the number of the task first; the readers of logs put its hash last where they
  // must. AutoScheduler's tasks have a name that is not in the log, and end in the same hash.
  static bool is_task(std::string_view logged, std::string_view layer) {
    const size_t number = layer.find_first_not_of("0123456789");
    if (number != std::string_view::npos && number > 0 && layer[number] == ' ')
      layer.remove_prefix(number + 1);
    if (logged == layer) return true;
    const auto hash = [](std::string_view s) {
      return s.size() == 8 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    };
    const size_t blank = logged.rfind(' ');
    const std::string_view last = logged.substr(blank + 1);
    if (!hash(last)) return false;
    return (blank != std::string_view::npos && logged.substr(0, blank) == layer) ||
           layer.substr(layer.rfind(' ') + 1) == last;
  }

  const EngineFileReader& file_;
  std::string_view where_;
  Json manifest_;
  std::map<std::string, File> files_;
  std::map<std::string, std::string> sources_;
  int64_t source_bytes_ = 0;
  EngineMap engine_;
  size_t logged_ = 0;       // decisions that tuning logs tell
  std::set<size_t> named_;  // those that a choice was for
  FirstNames unknown_;
};

}  // namespace

Result<EngineMap> parse_engine_folder(const EngineFileReader& file, std::string_view where) {
  return Reader(file, where).read();
}

}  // namespace assay::diff
