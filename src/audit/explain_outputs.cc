// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "audit/explain.h"
#include "base/text.h"

namespace assay::audit {
namespace {

// One engine's launches, and what of them is looked at.
struct Read {
  std::vector<WorkerResult> launches;
  std::vector<Kernel> kernels;
  std::map<std::string, int> names;  // how many layers have a name
};

// Bytes of a file of the first launch, kept mapped by `out`; and whether every other launch gave
// the same ones.
Result<std::span<const std::byte>> bytes_of(const std::vector<fs::path>& files,
                                            OutputsExplained& out, bool& repeatable) {
  ASSAY_TRY(MappedFile first, MappedFile::open(files[0]));
  for (size_t i = 1; i < files.size(); ++i) {
    ASSAY_TRY(const MappedFile again, MappedFile::open(files[i]));
    repeatable = repeatable && std::equal(first.bytes().begin(), first.bytes().end(),
                                          again.bytes().begin(), again.bytes().end());
  }
  out.files.push_back(std::move(first));
  return out.files.back().bytes();
}

const WorkerTensor* find_tensor(const WorkerResult& r, const std::string& name) {
  for (const WorkerTensor& t : r.tensors)
    if (t.name == name) return &t;
  return nullptr;
}

// What the last of the `layers` gives.
Result<diff::TensorSide> layer_side(const Read& read, const std::vector<size_t>& layers,
                                    OutputsExplained& out) {
  diff::TensorSide side;
  if (layers.empty()) return side;
  const Kernel& kernel = read.kernels[layers.back()];
  side.layer = kernel.layer;
  side.kernel = kernel.kernel;
  std::vector<fs::path> files;
  for (const WorkerResult& r : read.launches) {
    const WorkerTensor* t = find_tensor(r, kernel.layer);
    if (t == nullptr || !t->error.empty()) {
      side.error = t == nullptr ? "the launch told nothing of it" : t->error;
      return side;
    }
    files.push_back(t->file);
  }
  if (read.names.at(kernel.layer) > 1) {
    side.error = "several layers have this name";
    return side;
  }
  const WorkerTensor& first = *find_tensor(read.launches[0], kernel.layer);
  side.dtype = first.spec.dtype;
  side.shape = first.spec.shape;
  side.n = first.n;
  ASSAY_TRY(side.bytes, bytes_of(files, out, side.repeatable));
  return side;
}

Result<diff::TensorSide> output_side(const Read& read, const std::string& name,
                                     OutputsExplained& out) {
  diff::TensorSide side;
  side.layer = name;
  std::vector<fs::path> files;
  for (const WorkerResult& r : read.launches)
    for (const WorkerOutput& o : r.outputs) {
      if (o.spec.name != name || o.role != "main") continue;
      files.push_back(o.file);
      side.dtype = o.spec.dtype;
      side.shape = o.spec.shape;
      side.n = o.n;
    }
  if (files.size() != read.launches.size()) {
    side.error = "not every launch wrote it";
    return side;
  }
  ASSAY_TRY(side.bytes, bytes_of(files, out, side.repeatable));
  return side;
}

// The output of B that stands for A's: the one of its name, or the only one.
std::string partner(const Read& a, const Read& b, const std::string& name) {
  for (const WorkerOutput& o : b.launches[0].outputs)
    if (o.spec.name == name) return name;
  const bool only = a.launches[0].outputs.size() == 1 && b.launches[0].outputs.size() == 1;
  return only ? b.launches[0].outputs[0].spec.name : "";
}

Status compare_outputs(const Read& a, const Read& b, OutputsExplained& out) {
  for (const WorkerOutput& o : a.launches[0].outputs) {
    diff::TensorPair pair;
    pair.output = true;
    ASSAY_TRY(pair.a, output_side(a, o.spec.name, out));
    const std::string other = partner(a, b, o.spec.name);
    if (!other.empty()) {
      ASSAY_TRY(pair.b, output_side(b, other, out));
    }
    out.pairs.push_back(std::move(pair));
  }
  return {};
}

}  // namespace

Result<OutputsExplained> explain_outputs(const ExplainSide& a, const ExplainSide& b,
                                         const OutputsOptions& options, const fs::path& scratch,
                                         const Say& say) {
  const ExplainSide* sides[2] = {&a, &b};
  Read read[2];
  for (int64_t launch = 0; launch < options.launches; ++launch)
    for (const size_t s : launch % 2 == 0 ? std::vector<size_t>{0, 1} : std::vector<size_t>{1, 0}) {
      if (say)
        say(fmt::format("launch {}/{} of {}", launch + 1, options.launches,
                        one_line(sides[s]->label, 80)));
      WorkerLaunch l = sides[s]->launch;
      l.samples = 0;
      l.outputs = options.inputs;
      l.tensors = {"*"};
      l.tensor_items = options.inputs;
      l.launch_index = launch;
      ASSAY_TRY(WorkerResult r,
                launch_side(*sides[s], l, scratch, fmt::format("outputs-{}-{}", launch, s)));
      read[s].launches.push_back(std::move(r));
    }
  if (options.launches < 1) return bad_input("explain_outputs needs at least one launch");
  for (size_t s = 0; s < 2; ++s) {
    read[s].kernels = with_origins(read[s].launches[0].kernels, sides[s]->kernels);
    for (const Kernel& k : read[s].kernels) ++read[s].names[k.layer];
  }
  OutputsExplained out;
  for (const diff::LayerPair& layers : pair_kernels(read[0].kernels, read[1].kernels)) {
    diff::TensorPair pair;
    pair.by_place = layers.by_place;
    ASSAY_TRY(pair.a, layer_side(read[0], layers.a, out));
    ASSAY_TRY(pair.b, layer_side(read[1], layers.b, out));
    out.pairs.push_back(std::move(pair));
  }
  ASSAY_CHECK(compare_outputs(read[0], read[1], out));
  out.divergence = diff::find_divergence(out.pairs);
  for (const diff::TensorPair& p : out.pairs)
    if (p.output && (!p.a.repeatable || !p.b.repeatable))
      out.notes.push_back(fmt::format("output {}: {} does not repeat itself from launch to launch",
                                      one_line(p.a.layer, 80), p.a.repeatable ? b.label : a.label));
  return out;
}

}  // namespace assay::audit
