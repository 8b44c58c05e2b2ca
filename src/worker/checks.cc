// SPDX-License-Identifier: Apache-2.0
#include "worker/checks.h"

#include <algorithm>
#include <cstring>

namespace assay::worker {
namespace {

// Runs the first items again and notes where they differ from what was expected.
LaunchStatus compare_items(Session& session, const std::string& when, Mismatches& found) {
  for (int64_t item = 0; item < static_cast<int64_t>(session.expected.size()); ++item) {
    if (auto ran = session.run_item(item); !ran) return ran;
    found.note(session.engine().outputs(), session.expected[static_cast<size_t>(item)],
               session.outputs_of(0), fmt::format("item {} {}", item, when));
  }
  return {};
}

// The batch: the leading extent that all inputs and outputs share; 0 when there is none above 1.
int64_t common_batch(const Engine& engine) {
  int64_t batch = 0;
  for (const auto* specs : {&engine.inputs(), &engine.outputs()})
    for (const TensorSpec& spec : *specs) {
      if (spec.shape.empty() || spec.shape[0] < 2) return 0;
      if (batch != 0 && spec.shape[0] != batch) return 0;
      batch = spec.shape[0];
    }
  return batch;
}

void repeat_first_row(Slot& slot, int64_t batch) {
  for (AlignedBuffer& buffer : slot.inputs) {
    auto* bytes = static_cast<char*>(buffer.data());
    const int64_t row = buffer.size() / batch;
    for (int64_t r = 1; r < batch; ++r)
      std::memcpy(bytes + r * row, bytes, static_cast<size_t>(row));
  }
}

void compare_rows(Session& session, int64_t item, int64_t batch, Mismatches& found) {
  std::vector<TensorSpec> row_specs = session.engine().outputs();
  for (TensorSpec& spec : row_specs) spec.shape[0] = 1;
  const OutputBytes whole = session.outputs_of(0);
  const auto row_of = [&](int64_t r) {
    OutputBytes row;
    for (const auto& bytes : whole) {
      const auto size = static_cast<int64_t>(bytes.size()) / batch;
      row.emplace_back(bytes.begin() + r * size, bytes.begin() + (r + 1) * size);
    }
    return row;
  };
  const OutputBytes first = row_of(0);
  for (int64_t r = 1; r < batch; ++r)
    found.note(row_specs, first, row_of(r), fmt::format("item {}, row {} against row 0", item, r));
}

}  // namespace

LaunchStatus check_repeat(Session& session) {
  Mismatches found;
  if (auto ran = compare_items(session, "run again", found); !ran) return ran;
  session.report("repeat", found);
  return {};
}

LaunchStatus check_batch_rows(Session& session) {
  Mismatches found;
  const int64_t batch = common_batch(session.engine());
  if (batch == 0) {
    session.report("batch_rows", "not_run", found,
                   "inputs and outputs share no leading extent above 1");
    return {};
  }
  for (int64_t item = 0; item < session.check_count(); ++item) {
    if (auto loaded = session.load_item(item); !loaded) return loaded;
    repeat_first_row(session.slot(0), batch);
    // Bound again: a runner may copy its inputs at bind.
    const Slot& slot = session.slot(0);
    if (auto bound = session.engine().bind(0, slot.input_pointers(), slot.output_pointers());
        !bound)
      return bound;
    if (auto ran = session.engine().run(0); !ran) return ran;
    compare_rows(session, item, batch, found);
  }
  session.report("batch_rows", found);
  return {};
}

LaunchStatus expect_slots(Session& session) {
  session.expected_slots.clear();
  for (int64_t s = 0; s < session.slot_count(); ++s) {
    if (auto ran = session.engine().run(static_cast<int32_t>(s)); !ran) return ran;
    session.expected_slots.push_back(session.outputs_of(s));
  }
  return {};
}

LaunchStatus check_after(Session& session) {
  Mismatches found;
  if (!session.timed) {
    session.report("after", "not_run", found, "no timed loop in this launch");
    return {};
  }
  for (int64_t s = 0; s < session.slot_count(); ++s)
    found.note(session.engine().outputs(), session.expected_slots[static_cast<size_t>(s)],
               session.outputs_of(s), fmt::format("slot {} at the end of the timed loop", s));
  if (auto ran = compare_items(session, "after the timed loop", found); !ran) return ran;
  session.report("after", found);
  return {};
}

LaunchStatus check_reload(Session& session) {
  Mismatches found;
  session.close();
  LaunchStatus reopened = session.open(false);
  if (reopened) reopened = compare_items(session, "after a reload", found);
  if (!reopened) {
    session.report("reload", "fail", found,
                   "the engine cannot be used a second time: " + reopened.error().message);
    return {};
  }
  const auto kernels = session.engine().kernel_map();
  if (!kernels) return tl::unexpected(kernels.error());
  if (*kernels != session.kernels && found.differing == 0)
    found.first = "same bits, but the kernel map is another one than at the first load";
  else if (*kernels != session.kernels)
    found.first += "; the kernel map is another one than at the first load";
  session.report("reload", found);
  return {};
}

}  // namespace assay::worker
