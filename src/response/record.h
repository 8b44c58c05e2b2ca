// SPDX-License-Identifier: Apache-2.0
// The rows of a response run (store/schema/003.sql): written here, and what is done already.
#pragma once

#include <set>

#include "response/block.h"

namespace assay::response {

// Usage error when the folder holds another plan, or an audit: known before anything is built.
Status check_folder(const Plan& plan, store::RunFolder& run);
// Meta and cells of a new run; usage error when the folder holds another plan or was made with
// other engines or on another machine.
Status open_evidence(const Plan& plan, const Prepared& prepared, store::RunFolder& run);
Result<std::string> store_attempt(store::RunFolder& run, const std::vector<std::string>& argv);

struct BlockKey {
  std::string cell_id;
  int repetition = 0;
  auto operator<=>(const BlockKey&) const = default;
};
// Blocks that count: ended, and not by a person.
Result<std::set<BlockKey>> done_blocks(store::RunFolder& run);
// Of these the ones that did not end well, and what the first one said.
struct FailedBlocks {
  int64_t count = 0;
  std::string first;  // "failed: REASON"
};
Result<FailedBlocks> failed_blocks(store::RunFolder& run);

// A mark that a block began, so that one that a crash cut off is known; settle_cut() turns the mark
// of an earlier attempt into a row `interrupted`.
Status mark_begin(store::RunFolder& run, const BlockKey& key, int position,
                  const std::string& attempt_id);
Status settle_cut(store::RunFolder& run);

// Blobs first (whole on disk), then all rows of the block in one transaction.
Status store_block(store::RunFolder& run, const BlockKey& key, int position,
                   const std::string& attempt_id, const std::vector<ProcessLayout>& layouts,
                   const BlockEnd& end);

}  // namespace assay::response
