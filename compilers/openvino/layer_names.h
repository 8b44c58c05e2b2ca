// SPDX-License-Identifier: Apache-2.0
// Layer names that are the same in every process.  The twin of layer_names.py: change both.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace assay::openvino {

// OpenVINO calls a node that it made itself `<Type>_<count>`, with a count over all nodes of the
// process: building a model and importing its blob give the same node two names.  Such a part of a
// name is replaced by `<Type>#<rank>`, the rank of its first appearance in execution order.  Parts
// that the model's own names contain (`own`) stay as they are.
class Renamer {
 public:
  explicit Renamer(std::set<std::string, std::less<>> own) : own_(std::move(own)) {}

  // `name` with every generated part replaced.  To be called in execution order.
  std::string layer(std::string_view name);

  // The comma-separated `names` without those that hold a generated part.
  std::string origin(std::string_view names) const;

 private:
  const std::string& rank_of(std::string_view part);

  std::set<std::string, std::less<>> own_;
  std::map<std::string, std::string, std::less<>> known_;  // generated part -> its stable spelling
  std::map<std::string, int, std::less<>> counts_;         // type -> ranks given
};

}  // namespace assay::openvino
