// SPDX-License-Identifier: Apache-2.0
#include "model/fuzz_driver.h"
#include "model/parse.h"
#include "model/test_models.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto info = assay::model::inspect_bytes(std::as_bytes(std::span(data, size)),
                                                "/proc/self/fdinfo", {}, "fuzz");
  if (info) {
    if (info->inputs.size() > size || info->outputs.size() != info->output_shape_known.size())
      std::abort();
    if (assay::dump_json(assay::model::to_json(*info)).empty()) std::abort();
  } else if (info.error().message.empty() || info.error().code != assay::ExitCode::usage) {
    std::abort();
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto shapes = assay::model::parse_shapes(text);
  if (shapes)
    assay::model::inspect_bytes(std::as_bytes(std::span(data, size)), "/proc/self/fdinfo", *shapes,
                                "fuzz");
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  using namespace assay::model;
  auto plain = small_model({"N", "4"}, {"N", "3"});
  auto unknown_output = small_model({"2", "4"}, {});
  unknown_output.mutable_graph()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->clear_shape();
  auto nested = small_model({"1", "4"}, {"1", "3"});
  auto* branch = add_node(nested.mutable_graph(), "If", {"c"}, "z")->add_attribute();
  branch->set_name("then_branch");
  branch->set_type(onnx::AttributeProto::GRAPH);
  *branch->mutable_g() = plain.graph();
  auto external = small_model({"1", "4"}, {"?", "3"});
  make_external(external.mutable_graph()->mutable_initializer(0), "../w.bin", "0", "48");
  std::vector<std::string> seeds = {"x:1x4,mask=2"};
  for (const auto& m : {plain, unknown_output, nested, external})
    seeds.push_back(m.SerializeAsString());
  return assay::fuzz(argc, argv, seeds);
}
#endif
