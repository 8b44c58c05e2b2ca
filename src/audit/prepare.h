// SPDX-License-Identifier: Apache-2.0
// From a plan to things that can run: inspected models, opened data sets, installed compilers, ids.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/catalog.h"
#include "audit/lock/folder.h"
#include "audit/plan.h"
#include "model/onnx_model.h"
#include "vision/dataset.h"

namespace assay::audit {

struct PreparedModel {
  std::string model_id, dataset_id;
  model::ModelInfo info;
  vision::Dataset data;
  int64_t n = 0;  // inputs used: min(plan, data set)
  std::optional<vision::DetectorSpec> detector;
};
struct PreparedRecipe {
  std::string recipe_id;
  size_t model = 0;  // index into Prepared::models
  RecipePlan plan;
  Compiler compiler;
  Installation installation;
  bool is_reference = false;
  // Of this plan: a locked recipe has the lock's own engine after its rebuilt ones, to be compared
  // with.
  int64_t builds(const Plan& plan) const;
  std::string signature = "unchecked";     // of the lock: unsigned | unchecked | checked
  std::shared_ptr<const LockFolder> lock;  // what builds are made from; null: the compiler decides
};
struct Prepared {
  std::vector<PreparedModel> models;
  std::vector<PreparedRecipe> recipes;
  std::vector<std::string> notes;  // e.g. the reference is not installed and was left out
  std::string environment_key;     // machine and package sets: resuming needs the same
};

// `data_folder`: where data sets that must be made (images, .npy, synthetic) are written, by
// content of their request. Errors: usage for a bad model, data set or shape; missing for a
// compiler that is not installed. The reference compiler, when it was added by assay itself and is
// not installed, is left out with a note.
Result<Prepared> prepare(const Plan& plan, const fs::path& data_folder, bool reference_was_named);

}  // namespace assay::audit
