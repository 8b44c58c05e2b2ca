// SPDX-License-Identifier: Apache-2.0
// An engine that Python holds, seen from the native side.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "context.h"

namespace assay::host {

struct Kernel {
  std::string layer, kernel, precision, origin;
};

class Engine {
 public:
  // `compiler`: its folder's name, whose host.py is used. `marker`: a file of its site-packages,
  // for compilers whose options.library is empty.
  static Expected<std::unique_ptr<Engine>> open(const std::string& compiler,
                                                const std::string& decides_at,
                                                const assay_engine_options& options);
  ~Engine();

  const std::string& compiler() const { return compiler_; }
  const std::string& decides_at() const { return decides_at_; }
  const std::string& version() const { return version_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }

  Expected<std::unique_ptr<Context>> context(int32_t slots);
  // Lives as long as the engine.
  Expected<const std::vector<Kernel>*> kernel_map();
  Outcome layer_times(const Context& context, int32_t slot, int32_t runs,
                      assay_layer_time_sink sink, void* user);

 private:
  Engine() = default;
  Outcome load(const assay_engine_options& options);
  Json question(const char* what) const { return {{"do", what}, {"engine", number_}}; }

  std::string compiler_, decides_at_, version_;
  int64_t number_ = 0;
  Python* python_ = nullptr;
  const Cuda* cuda_ = nullptr;
  CuHandle device_ = nullptr;
  bool opened_ = false;
  std::vector<Tensor> inputs_, outputs_;
  std::list<std::vector<Kernel>> kernel_maps_;
};

// Where compilers/ lies: $ASSAY_SHARE, share/assay beside the folder of this library, or the source
// tree that it was built in.
Expected<std::string> compilers_folder(const std::string& compiler);

}  // namespace assay::host
