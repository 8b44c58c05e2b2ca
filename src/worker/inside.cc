// SPDX-License-Identifier: Apache-2.0
#include "worker/inside.h"

namespace assay::worker {

LaunchStatus look_inside(Session& session) {
  const LaunchRequest& request = session.request();
  // First: probes of tensors and times may load libraries that inference never needs.
  if (request.loaded) send_loaded(session);
  if (!request.tensors && request.layer_runs == 0) return {};
  if (!session.is_open())  // the check `reload` has closed it, and said why it stayed closed
    return launch_error("failed", "the engine is not open any more: nothing inside can be read");
  if (request.tensors)
    if (auto sent = send_tensors(session); !sent) return sent;
  if (request.layer_runs > 0)
    if (auto sent = send_layer_times(session); !sent) return sent;
  return {};
}

}  // namespace assay::worker
