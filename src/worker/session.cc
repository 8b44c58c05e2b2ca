// SPDX-License-Identifier: Apache-2.0
#include "worker/session.h"

#include <algorithm>

#include "assay/runner.h"
#include "base/text.h"
#include "worker/compare_bits.h"

namespace assay::worker {
namespace {

constexpr int64_t checked_items = 8;

LaunchStatus compare_tensors(const Json& manifest, const char* key,
                             const std::vector<TensorSpec>& engine) {
  std::vector<TensorSpec> declared;
  for (const Json& entry : get_array(manifest, key)) {
    auto spec = tensor_spec_from_json(entry, fmt::format("manifest.json {}", key));
    if (!spec) return tl::unexpected(from_error(spec.error()));
    declared.push_back(*spec);
  }
  if (declared.size() != engine.size())
    return launch_error("invalid", fmt::format("engine has {} {}, its manifest.json says {}",
                                               engine.size(), key, declared.size()));
  for (const TensorSpec& spec : engine)
    if (std::find(declared.begin(), declared.end(), spec) == declared.end())
      return launch_error(
          "invalid",
          fmt::format("engine {}: '{}' {} {} is not what its manifest.json says", key,
                      one_line(spec.name), dtype_name(spec.dtype), shape_text(spec.shape)));
  return {};
}

Json specs_json(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& spec : specs) list.push_back(to_json(spec));
  return list;
}

}  // namespace

void Mismatches::note(const std::vector<TensorSpec>& specs, const OutputBytes& expected,
                      const OutputBytes& got, const std::string& what) {
  ++compared;
  bool differs = false;
  for (size_t o = 0; o < specs.size(); ++o) {
    const BitDifference d = compare_bits(specs[o].dtype, expected[o], got[o]);
    if (d.equal) continue;
    if (!differs && differing == 0)
      first = fmt::format("{}: output '{}' differs first at element {}, {} of {} elements", what,
                          one_line(specs[o].name, 80), d.first, d.elements, specs[o].elements());
    differs = true;
    max_abs = std::max(max_abs, d.max_abs);
  }
  if (differs) ++differing;
}

LaunchStatus check_manifest(const fs::path& engine_dir, const Engine& engine) {
  const std::string where = (engine_dir / "manifest.json").string();
  const auto text = read_file(where, int64_t{64} << 20);
  if (!text) return tl::unexpected(from_error(text.error()));
  const auto manifest = parse_json(*text, where);
  if (!manifest) return tl::unexpected(from_error(manifest.error()));
  if (get_int(*manifest, "format") != 1)
    return launch_error("invalid", fmt::format("{}: format {}, this assay reads 1", where,
                                               get_int(*manifest, "format")));
  if (auto same = compare_tensors(*manifest, "inputs", engine.inputs()); !same) return same;
  return compare_tensors(*manifest, "outputs", engine.outputs());
}

LaunchStatus Session::open(bool announce) {
  const int64_t slots = request_.latency ? request_.latency->slots : 1;
  auto engine = Engine::open(library_, request_, static_cast<int32_t>(slots));
  if (!engine) return tl::unexpected(engine.error());
  engine_ = std::move(*engine);
  if (announce) {
    events_.send({{"event", "hello"},
                  {"protocol", 1},
                  {"compiler", engine_->compiler()},
                  {"version", engine_->version()},
                  {"decides_at", engine_->decides_at()},
                  {"flags", engine_->flags()}});
    events_.send({{"event", "opened"},
                  {"load_ns", engine_->load_ns()},
                  {"inputs", specs_json(engine_->inputs())},
                  {"outputs", specs_json(engine_->outputs())}});
  }
  if (auto same = check_manifest(request_.engine_dir, *engine_); !same) return same;
  if (!feed_) {
    auto feed = Feed::open(request_.dataset, engine_->inputs());
    if (!feed) return tl::unexpected(from_error(feed.error()));
    feed_ = std::make_unique<Feed>(std::move(*feed));
  }
  if (request_.outputs_count > feed_->n())
    return launch_error("invalid",
                        fmt::format("request: outputs of {} items wanted, the data set has {}",
                                    request_.outputs_count, feed_->n()));
  for (int64_t s = 0; s < slots; ++s) slots_.emplace_back(engine_->inputs(), engine_->outputs());
  return refill_slots();
}

void Session::close() {
  engine_.reset();
  slots_.clear();
}

int64_t Session::check_count() const { return std::min(checked_items, feed_->n()); }

LaunchStatus Session::bind(int64_t s) {
  return engine_->bind(static_cast<int32_t>(s), slot(s).input_pointers(),
                       slot(s).output_pointers());
}

LaunchStatus Session::load_item(int64_t item) {
  if (auto filled = feed_->fill(item, slot(0)); !filled)
    return tl::unexpected(from_error(filled.error()));
  return bind(0);
}

LaunchStatus Session::run_item(int64_t item) {
  if (auto loaded = load_item(item); !loaded) return loaded;
  return engine_->run(0);
}

LaunchStatus Session::refill_slots() {
  for (int64_t s = 0; s < slot_count(); ++s) {
    if (auto filled = feed_->fill(s, slot(s)); !filled)
      return tl::unexpected(from_error(filled.error()));
    if (auto bound = bind(s); !bound) return bound;
  }
  return {};
}

OutputBytes Session::outputs_of(int64_t s) const {
  OutputBytes out;
  for (const AlignedBuffer& buffer : slots_[static_cast<size_t>(s)].outputs)
    out.emplace_back(buffer.bytes().begin(), buffer.bytes().end());
  return out;
}

void Session::report(const std::string& check, const std::string& result, const Mismatches& found,
                     const std::string& detail) {
  events_.send({{"event", "check"},
                {"name", check},
                {"result", result},
                {"inputs", found.compared},
                {"mismatches", found.differing},
                {"max_abs", found.max_abs},
                {"detail", one_line(detail)}});
}

void Session::report(const std::string& check, const Mismatches& found) {
  report(check, found.differing == 0 ? "pass" : "fail", found, found.first);
}

}  // namespace assay::worker
