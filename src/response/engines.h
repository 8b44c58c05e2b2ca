// SPDX-License-Identifier: Apache-2.0
// The engines of a response plan: folders that were given, or built as jobs of a run folder inside
// the run.
#pragma once

#include "response/run.h"

namespace assay::response {

// Opens and proves an engine folder and finds its compiler's runner. Usage error when it was built
// for another number of threads.
Result<Engine> open_engine_of(const fs::path& folder, int threads);

// A name of each recipe, in the order of the plan: compiler, precision, build; or of the folders.
Result<std::vector<RecipeName>> recipe_names(const Plan& plan);

// Engines of all recipes. Builds go on where they stopped; their evidence is RUN/engines.run, the
// engines lie below RUN/engines.
struct Built {
  std::vector<Recipe> recipes;
  std::vector<std::string> notes;  // recipes that gave no engine
  bool interrupted = false;
};
Result<Built> make_engines(const Plan& plan, store::RunFolder& run, const Options& options);

}  // namespace assay::response
