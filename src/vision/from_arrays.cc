// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>

#include "base/mix.h"
#include "base/text.h"
#include "vision/npy.h"
#include "vision/writer.h"

namespace assay::vision {
namespace {

template <class T>
void put(std::vector<std::byte>& item, int64_t index, T v) {
  std::memcpy(item.data() + index * static_cast<int64_t>(sizeof(T)), &v, sizeof(T));
}

// The same values on every machine: std::normal_distribution is left to the library, this is not.
class Draws {
 public:
  explicit Draws(uint64_t seed) : engine_(seed) {}
  double normal() {  // Box and Muller 1958
    const double u = (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53,
                 v = static_cast<double>(engine_() >> 11) * 0x1p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }
  uint64_t below(uint64_t limit) { return (engine_() >> 32) * limit >> 32; }

 private:
  std::mt19937_64 engine_;
};

void draw(const TensorSpec& spec, Draws& draws, std::vector<std::byte>& item) {
  for (int64_t i = 0; i < spec.elements(); ++i) {
    switch (spec.dtype) {
      case DType::f32:
        put(item, i, static_cast<float>(draws.normal()));
        break;
      case DType::f64:
        put(item, i, draws.normal());
        break;
      case DType::f16:
        put(item, i, to_half(static_cast<float>(draws.normal())));
        break;
      case DType::bf16:
        put(item, i, to_bfloat(static_cast<float>(draws.normal())));
        break;
      case DType::boolean:
        put(item, i, static_cast<uint8_t>(draws.below(2)));
        break;
      case DType::u8:
      case DType::i8:
        put(item, i, static_cast<uint8_t>(draws.below(10)));
        break;
      case DType::u16:
      case DType::i16:
        put(item, i, static_cast<uint16_t>(draws.below(10)));
        break;
      case DType::u32:
      case DType::i32:
        put(item, i, static_cast<uint32_t>(draws.below(10)));
        break;
      case DType::u64:
      case DType::i64:
        put(item, i, draws.below(10));
        break;
    }
  }
}

}  // namespace

Result<Dataset> dataset_from_npy(const std::vector<std::pair<std::string, fs::path>>& files,
                                 const std::vector<TensorSpec>& inputs, const fs::path& out) {
  for (const auto& [name, path] : files) {
    int found = 0, used = 0;
    for (const auto& spec : inputs) found += spec.name == name;
    for (const auto& other : files) used += other.first == name;
    if (found != 1 || used != 1) {
      return bad_input(
          fmt::format("{}: '{}' is {}", one_line(path.string(), 120), one_line(name, 80),
                      found != 1 ? "no input of the model" : "given twice"),
          "write INPUT=FILE.npy");
    }
  }
  ASSAY_TRY(DatasetWriter writer, DatasetWriter::create(out, inputs));
  Dataset about;
  about.name = out.filename().string();
  about.sampling = Sampling::fixed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec& spec = inputs[i];
    const fs::path* path = nullptr;
    for (const auto& f : files)
      if (f.first == spec.name) path = &f.second;
    if (path == nullptr) {
      return bad_input(
          fmt::format("no .npy file for the model's input '{}'", one_line(spec.name, 80)),
          "give INPUT=FILE.npy for every input");
    }
    const std::string where = one_line(path->string(), 120);
    ASSAY_TRY(const MappedFile file, MappedFile::open(*path));
    ASSAY_TRY(const Npy npy, parse_npy(file.bytes(), where));
    std::vector<int64_t> item(npy.shape.begin() + (npy.shape.empty() ? 0 : 1), npy.shape.end());
    const bool exact = item == spec.shape;
    item.insert(item.begin(), 1);  // a batch extent of 1 may be left out
    if (npy.shape.empty() || npy.dtype != spec.dtype || !(exact || item == spec.shape)) {
      return bad_input(
          fmt::format("{}: {} {}, expected {} with shape N x {} for input '{}'", where,
                      dtype_name(npy.dtype), shape_text(npy.shape), dtype_name(spec.dtype),
                      shape_text(spec.shape), one_line(spec.name, 80)),
          "the first axis counts the items; convert with numpy.astype and numpy.reshape");
    }
    if (npy.shape[0] < 1) return bad_input(fmt::format("{}: no items", where), "give at least one");
    if (i > 0 && npy.shape[0] != about.n) {
      return bad_input(
          fmt::format("{}: {} items, the inputs before have {}", where, npy.shape[0], about.n),
          "give every input the same number of items");
    }
    about.n = npy.shape[0];
    ASSAY_CHECK(writer.append(i, file.bytes().subspan(npy.offset)));
    about.description += (about.description.empty() ? "" : ", ") + path->filename().string();
  }
  about.description = one_line(fmt::format("{} items from {}", about.n, about.description), 300);
  return writer.finish(about, "npy");
}

Result<Dataset> dataset_synthetic(const std::vector<TensorSpec>& inputs, int64_t n, uint64_t seed,
                                  const fs::path& out) {
  if (n < 1) return bad_input(fmt::format("a data set of {} items", n), "ask for at least one");
  ASSAY_TRY(DatasetWriter writer, DatasetWriter::create(out, inputs));
  for (size_t i = 0; i < inputs.size(); ++i) {
    Draws draws(seed + kGolden * (i + 1));  // another stream an input
    std::vector<std::byte> item(static_cast<size_t>(inputs[i].bytes()));
    for (int64_t k = 0; k < n; ++k) {
      draw(inputs[i], draws, item);
      ASSAY_CHECK(writer.append(i, item));
    }
  }
  Dataset about;
  about.name = "synthetic";
  about.n = n;
  about.sampling = Sampling::independent;
  about.description = fmt::format(
      "{} independent draws, seed {}: floats N(0,1), integers 0..9, bools fair; bounds are over "
      "this synthetic law, not over real inputs",
      n, seed);
  return writer.finish(about, fmt::format("seed {}", seed));
}

}  // namespace assay::vision
