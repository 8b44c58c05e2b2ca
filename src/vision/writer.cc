// SPDX-License-Identifier: Apache-2.0
#include "vision/writer.h"

#include <cerrno>
#include <cstring>

namespace assay::vision {

Result<DatasetWriter> DatasetWriter::create(const fs::path& out,
                                            const std::vector<TensorSpec>& inputs) {
  if (inputs.empty())
    return bad_input("the model has no inputs: there is nothing to make a data set of");
  ASSAY_CHECK(make_dirs(out));
  if (fs::exists(out / "dataset.json")) {
    return bad_input(fmt::format("{}: a data set is here already", out.string()),
                     "name another folder or remove it");
  }
  DatasetWriter writer;
  writer.folder_ = out;
  writer.specs_ = inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const fs::path path = out / fmt::format("input_{}.bin", i);
    writer.files_.push_back(
        std::make_unique<std::ofstream>(path, std::ios::binary | std::ios::trunc));
    if (!*writer.files_.back())
      return bad_input(fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  }
  return writer;
}

Status DatasetWriter::append(size_t input, std::span<const std::byte> item) {
  if (!files_[input]->write(reinterpret_cast<const char*>(item.data()),
                            static_cast<std::streamsize>(item.size()))) {
    return bad_input(fmt::format("{}: cannot write: {}", folder_.string(), std::strerror(errno)),
                     "free some space");
  }
  return {};
}

Result<Dataset> DatasetWriter::finish(const Dataset& about, std::string_view source) {
  Json j = {{"format", 1},
            {"name", about.name},
            {"n", about.n},
            {"sampling", std::string(word(about.sampling))},
            {"sampling_by", about.sampling_by},
            {"description", about.description},
            {"inputs", Json::array()}};
  for (size_t i = 0; i < files_.size(); ++i) {
    files_[i]->close();
    if (!*files_[i])
      return bad_input(fmt::format("{}: cannot write all data", folder_.string()),
                       "free some space");
    const std::string file = fmt::format("input_{}.bin", i);
    ASSAY_TRY(const std::string hash, sha256_file(folder_ / file));
    Json input = to_json(specs_[i]);
    input["file"] = file;
    input["sha256"] = hash;
    j["inputs"].push_back(std::move(input));
  }
  if (!about.labels.empty()) {
    const Json labels = {{"labels", about.labels}, {"names", about.label_names}};
    ASSAY_CHECK(write_file_atomic(folder_ / "labels.json", dump_json(labels)));
    j["labels"] = "labels.json";
  }
  if (!about.clusters.empty()) {
    ASSAY_CHECK(write_file_atomic(folder_ / "clusters.json",
                                  dump_json(Json{{"clusters", about.clusters}})));
    j["clusters"] = "clusters.json";
  }
  j["provenance"] = {{"tool", "assay " ASSAY_VERSION}, {"source", std::string(source)}};
  ASSAY_CHECK(write_file_atomic(folder_ / "dataset.json", dump_json(j, 1) + "\n"));
  return open_dataset(folder_, false);
}

}  // namespace assay::vision
