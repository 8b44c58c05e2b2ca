// SPDX-License-Identifier: Apache-2.0
// The steps of load_model, in the order they run. Each level is complete before the next takes
// addresses of it.
#pragma once

#include <string>
#include <unordered_map>

#include "report/model.h"

namespace assay::report {

class Loader {
 public:
  Loader(store::RunFolder& run, Model& model) : run_(run), model_(model) {}
  Status load();

 private:
  Status run_facts();      // meta, attempts
  Status subjects();       // models, data sets, recipes
  Status jobs();           // what was asked, what is superseded
  Status locked_builds();  // made_by of builds
  Status builds();         // builds, engine files, kernels, candidates
  Status launches();       // launches, self checks, outputs
  Status series();         // rows only
  void samples();          // blobs of the series that count, cut for plots
  Status derivation();     // the newest one
  Status comparisons();    // with flips
  Status verdicts();       // with findings

  // JSON of a column; what cannot be parsed is named in problems and taken as {}.
  Json json_column(const store::Row& row, size_t i, const std::string& where);
  std::string next(char kind) { return kind + std::to_string(++counts_[kind]); }
  bool job_done(const std::string& job_id) const;
  bool read_samples(Series& series, std::vector<int64_t>& out);
  void samples_of(Recipe& recipe, int columns);

  store::RunFolder& run_;
  Model& model_;
  std::unordered_map<char, int> counts_;
  std::unordered_map<std::string, std::string> job_state_;
  std::unordered_map<std::string, ModelInfo*> models_;
  std::unordered_map<std::string, Recipe*> recipes_;
  std::unordered_map<std::string, Build*> builds_;
  std::unordered_map<std::string, Launch*> launches_;
  std::unordered_map<std::string, const Build*> build_of_launch_;
};

}  // namespace assay::report
