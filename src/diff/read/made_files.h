// SPDX-License-Identifier: Apache-2.0
// What each tool writes, in small, for tests and the fuzzer. TensorRT's are made after its
// documentation and the sources of trtexec; the others are shortened output of the tools.
#pragma once

#include <map>
#include <string>

#include "base/files.h"
#include "base/json.h"

namespace assay::diff::made {

// trtexec --exportLayerInfo, 8.x and 10.x: one text for format and type, "Bindings".
inline constexpr const char* kTrtLayers = R"({"Layers": [{
  "Name": "Reformatting CopyNode for Input Tensor 0 to conv1 + relu1",
  "LayerType": "Reformat",
  "Inputs": [{"Name": "input", "Location": "Device", "Dimensions": [1,3,8,8],
              "Format/Datatype": "Row major linear FP32"}],
  "Outputs": [{"Name": "Reformatted Input Tensor 0 to conv1 + relu1", "Location": "Device",
               "Dimensions": [1,3,8,8],
               "Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}],
  "ParameterType": "Reformat", "Origin": "REFORMAT", "TacticValue": "0x00000000000003ea",
  "StreamId": 0, "Metadata": ""
},{
  "Name": "conv1 + relu1",
  "LayerType": "CaskConvolution",
  "Inputs": [{"Name": "Reformatted Input Tensor 0 to conv1 + relu1", "Dimensions": [1,3,8,8],
              "Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}],
  "Outputs": [{"Name": "relu1_out", "Dimensions": [1,16,8,8],
               "Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format."}],
  "ParameterType": "Convolution", "Kernel": [3,3], "Groups": 1,
  "Weights": {"Type": "Half", "Count": 432}, "Bias": {"Type": "Float", "Count": 16},
  "Activation": "RELU", "TacticName": "sm80_xmma_fprop_implicit_gemm_f16", "StreamId": 0,
  "TacticValue": "0x11bde0e1d9f2f35d",
  "Metadata": "[ONNX Layer: relu1]\u001e[ONNX Layer: conv[1]]\u001e[ONNX Layer: relu1]"
},{
  "Name": "__myl_MulAdd_myl0_2", "LayerType": "kgen",
  "Inputs": [{"Name": "relu1_out", "Dimensions": [-1,16,8,8],
              "Format/Datatype": "N/A due to dynamic shapes"}],
  "Outputs": [{"Name": "__mye91_myl0_3", "Dimensions": [1,10], "Format/Datatype": "Float"}],
  "TacticName": "__myl_MulAdd_0x1a2b", "StreamId": 0, "Metadata": "[ONNX Layer: dense]"
}],
"Bindings": ["input", "output"]})";

// 11.x: type and format apart, the second key spelled in two ways, "I/O Tensors".
inline constexpr const char* kTrtLayers11 = R"({"ProfilingVerbosity": "DETAILED", "Layers": [{
  "Name": "gemm_myl3_12", "LayerType": "gemm",
  "Inputs": [{"Name": "tokens", "Dimensions": [-1,16], "Format": "LINEAR", "DataType": "FP16"}],
  "Outputs": [{"Name": "out", "Dimensions": [-1,16], "Format": "LINEAR", "Datatype": "BF16"}],
  "TacticName": "sm90_xmma_gemm_f16", "Metadata": "[ONNX Layer: fc]"}],
  "I/O Tensors": [{"Name": "tokens", "IOMode": "INPUT", "DataType": "FP16"}],
  "Engine Metadata": {"Multi-Device": "Disabled"}})";

inline constexpr const char* kTrtNames =
    R"({"Layers": ["conv1 + relu1", "fc_myl0_1"], "Bindings": ["input", "output"]})";

inline constexpr const char* kTrtProfile = R"([
  { "count" : 100 }
, { "name" : "conv1 + relu1", "timeMs" : 1.2, "averageMs" : 0.012, "medianMs" : 0.0115, "percentage" : 75.5 }
, { "name" : "__myl_MulAdd_myl0_2", "timeMs" : 0.4, "averageMs" : 0.004, "medianMs" : 0.004, "percentage" : 24.5 }
, { "name" : "elsewhere", "timeMs" : 0, "averageMs" : 0, "medianMs" : 0, "percentage" : 0 }
])";

// Lines as TVM 0.14 writes them. The second and third cost the same on average.
inline constexpr const char* kAutoTvm =
    R"({"input": ["llvm -keys=cpu -mcpu=haswell", "conv2d_NCHWc.x86", [["TENSOR", [1, 1, 8, 8], "float32"], ["TENSOR", [16, 1, 3, 3], "float32"], [1, 1], "NCHW"], {}], "config": {"index": 0, "code_hash": null, "entity": [["tile_ic", "sp", [-1, 1]], ["unroll_kw", "ot", true]]}, "result": [[6e-06, 2e-06], 0, 0.5, 123.25], "version": 0.2, "tvm_version": "0.14.0"}
{"input": ["llvm -keys=cpu -mcpu=haswell", "conv2d_NCHWc.x86", [["TENSOR", [1, 1, 8, 8], "float32"], ["TENSOR", [16, 1, 3, 3], "float32"], [1, 1], "NCHW"], {}], "config": {"index": 5, "code_hash": null, "entity": [["tile_ic", "sp", [-1, 2]], ["unroll_kw", "ot", true]]}, "result": [[1e-06, 2e-06], 0, 0.5, 124.25], "version": 0.2, "tvm_version": "0.14.0"}
# a comment
{"input": ["llvm -keys=cpu -mcpu=haswell", "conv2d_NCHWc.x86", [["TENSOR", [1, 1, 8, 8], "float32"], ["TENSOR", [16, 1, 3, 3], "float32"], [1, 1], "NCHW"], {}], "config": {"index": 7, "code_hash": null, "entity": [["tile_ic", "sp", [-1, 4]], ["unroll_kw", "ot", false]]}, "result": [[1.5e-06], 0, 0.5, 125.25], "version": 0.2, "tvm_version": "0.14.0"}
{"input": ["llvm -keys=cpu -mcpu=haswell", "dense_pack.x86", [["TENSOR", [1, 512], "float32"], ["TENSOR", [10, 512], "float32"], null, "float32"], {}], "config": {"index": 3, "code_hash": null, "entity": [["tile_k", "sp", [-1, 8]]]}, "result": [[1000000000.0], 4, 0.5, 126.25], "version": 0.2, "tvm_version": "0.14.0"}
)";

inline constexpr const char* kAutoScheduler =
    R"({"i": [["[\"1037be767e8e18197e87653d81c34558\", [1, 16], [16, 16]]", "llvm -keys=cpu -mcpu=haswell", [1, 64, 64, 0, 0, 0, 0, 0], "", 1, []], [[], [["CHW", 2, "local"], ["SP", 2, 0, 16, [2, 1, 1], 1], ["PR", 2, 0, "auto_unroll_max_step$512"]]]], "r": [[1e-06, 2e-06], 0, 0.5, 123], "v": "v0.6"}
{"i": [["[\"1037be767e8e18197e87653d81c34558\", [1, 16], [16, 16]]", "llvm -keys=cpu -mcpu=haswell", [1, 64, 64, 0, 0, 0, 0, 0], "", 1, []], [[], [["CHW", 2, "local"], ["SP", 2, 0, 16, [4, 1, 1], 1]]]], "r": [[1e+10], 7, 0.5, 123], "v": "v0.6"}
)";

inline constexpr const char* kRecords =
    R"([0,[[[["GetBlock",[],["matmul","main"],["b0"]],["GetLoops",["b0"],[],["l1","l2","l3"]],["SamplePerfectTile",["l1"],[2,16],["v4","v5"]]],[[2,[2,8]]]],[9.9999999999999995475e-07,1.9999999999999999095e-06],{"keys":["cpu"],"kind":"llvm","num-cores":2,"tag":""},[["TENSOR","float32",[16,16]],["TENSOR","float32",[16,4]]]]]
[0,[[[["GetBlock",[],["matmul","main"],["b0"]],["SamplePerfectTile",["l1"],[2,16],["v4","v5"]]],[[2,[4,4]]]],[4.9999999999999997737e-07],{"keys":["cpu"],"kind":"llvm","num-cores":2,"tag":""},[["TENSOR","float32",[16,16]],["TENSOR","float32",[16,4]]]]]
[1,[[[["GetSBlock",[],["root","main"],["b0"]],["GetSBlock",[],["softmax","main"],["b1"]]],[]],null,{"keys":["cpu"],"kind":"llvm","num-cores":2,"tag":""},[["TENSOR","float32",[1,10]]]]]
[1,[[[["GetSBlock",[],["softmax","main"],["b1"]]],[]],[1e10],{"keys":["cpu"],"kind":"llvm","num-cores":2,"tag":""},[["TENSOR","float32",[1,10]]]]]
)";
inline constexpr const char* kWorkloads =
    "[\"2044597364800722738\",\"7EYAAAAA\"]\n[\"99\",\"7EYA\"]\n";

// ov.serialize(compiled.get_runtime_model(), ...) of OpenVINO 2026.
inline constexpr const char* kOpenVino = R"(<?xml version="1.0"?>
<net name="onnx_Frontend_IR" version="11">
	<layers>
		<layer id="0" name="input" type="Input">
			<data shape="1,1,8,8" element_type="f32" execOrder="0" execTimeMcs="not_executed" originalLayersNames="input" outputLayouts="abcd" outputPrecisions="f32" primitiveType="unknown_f32" runtimePrecision="f32" />
			<output>
				<port id="0" precision="FP32"> <dim>1</dim> <dim>1</dim> <dim>8</dim> <dim>8</dim> </port>
			</output>
		</layer>
		<layer id="2" name="conv1.weight" type="Const">
			<data execOrder="1" execTimeMcs="not_executed" originalLayersNames="conv1.weight" outputLayouts="abcd" primitiveType="unknown_f32" runtimePrecision="f32" />
			<output>
				<port id="0" precision="FP32"> <dim>16</dim> <dim>1</dim> <dim>3</dim> <dim>3</dim> </port>
			</output>
		</layer>
		<layer id="7" name="conv1/WithoutBiases" type="Convolution">
			<data execOrder="7" execTimeMcs="195" originalLayersNames="relu1,conv1/WithoutBiases,conv1" outputLayouts="acdb" outputPrecisions="bf16" primitiveType="brgconv_avx512_amx_bf16" runtimePrecision="bf16" />
			<input>
				<port id="0" precision="BF16"> <dim>1</dim> <dim>1</dim> <dim>8</dim> <dim>8</dim> </port>
				<port id="1" precision="FP32"> <dim>16</dim> <dim>1</dim> <dim>3</dim> <dim>3</dim> </port>
			</input>
			<output>
				<port id="3" precision="BF16"> <dim>1</dim> <dim>16</dim> <dim>8</dim> <dim>8</dim> </port>
			</output>
		</layer>
		<layer id="1" name="input_f32_abcd_bf16_acdb_conv1/WithoutBiases" type="Reorder">
			<rt_info>
				<attribute name="execOrder" version="0" value="2" />
				<attribute name="execTimeMcs" version="0" value="8" />
				<attribute name="primitiveType" version="0" value="jit_uni_f32" />
				<attribute name="outputLayouts" version="0" value="acdb" />
			</rt_info>
			<input>
				<port id="0" precision="FP32"> <dim>1</dim> <dim>1</dim> <dim>8</dim> <dim>8</dim> </port>
			</input>
			<output>
				<port id="1" precision="BF16"> <dim>1</dim> <dim>1</dim> <dim>8</dim> <dim>8</dim> </port>
			</output>
		</layer>
		<layer id="21" name="output/sink_port_0" type="Output">
			<data execOrder="21" execTimeMcs="not_executed" outputLayouts="undef" primitiveType="unknown_f32" runtimePrecision="f32" />
			<input>
				<port id="0" precision="BF16"> <dim>1</dim> <dim>16</dim> <dim>8</dim> <dim>8</dim> </port>
			</input>
		</layer>
	</layers>
	<edges>
		<edge from-layer="0" from-port="0" to-layer="1" to-port="0" />
		<edge from-layer="1" from-port="1" to-layer="7" to-port="0" />
		<edge from-layer="2" from-port="0" to-layer="7" to-port="1" />
		<edge from-layer="7" from-port="3" to-layer="21" to-port="0" />
	</edges>
	<rt_info />
</net>
)";

inline constexpr const char* kOrtProfile = R"([
{"cat" : "Session","pid" :21703,"tid" :21703,"dur" :497,"ts" :5,"ph" : "X","name" :"model_loading_uri","args" : {}},
{"cat" : "Node","pid" :21703,"tid" :21703,"dur" :74,"ts" :4082,"ph" : "X","name" :"relu1_nchwc_kernel_time","args" : {"node_index" : "9","op_name" : "Conv","input_type_shape" : [{"float":[1,1,8,8]},{"float":[16,1,3,3]}],"output_type_shape" : [{"float":[1,16,8,8]}],"provider" : "CPUExecutionProvider"}},
{"cat" : "Node","pid" :21703,"tid" :21703,"dur" :5,"ts" :4179,"ph" : "X","name" :"pool_kernel_time","args" : {"node_index" : "11","op_name" : "MaxPool","provider" : "CPUExecutionProvider","input_type_shape" : [{"float16":[]}],"output_type_shape" : []}},
{"cat" : "Node","pid" :21703,"tid" :21703,"dur" :0,"ts" :4180,"ph" : "X","name" :"pool_fence_after","args" : {"op_name" : "MaxPool"}},
{"cat" : "Session","pid" :21703,"tid" :21703,"dur" :163,"ts" :4065,"ph" : "X","name" :"model_run","args" : {}},
{"cat" : "Node","pid" :21703,"tid" :21703,"dur" :6,"ts" :4410,"ph" : "X","name" :"relu1_nchwc_kernel_time","args" : {"node_index" : "9","op_name" : "Conv","provider" : "CPUExecutionProvider"}},
{"cat" : "Node","pid" :21703,"tid" :21703,"dur" :4,"ts" :4428,"ph" : "X","name" :"pool_kernel_time","args" : {"node_index" : "11","op_name" : "MaxPool","provider" : "CPUExecutionProvider"}},
{"cat" : "Session","pid" :21703,"tid" :21703,"dur" :20,"ts" :4400,"ph" : "X","name" :"model_run","args" : {}}
]
)";

// Files of an engine folder by name; the manifest lists and hashes the others.
struct EngineFiles {
  std::map<std::string, std::string> files;
  Json manifest = {{"format", 1},
                   {"compiler", "made"},
                   {"version", "1.2"},
                   {"precision", "fp32"},
                   {"files", Json::array()},
                   {"rebuild",
                    {{"env", Json::object()},
                     {"decisions", Json::array({"tuning.log"})},
                     {"choices", Json::array()}}}};

  void add(const std::string& path, const std::string& role, const std::string& text) {
    files[path] = text;
    manifest["files"].push_back(
        {{"path", path}, {"role", role}, {"bytes", text.size()}, {"sha256", sha256_hex(text)}});
  }
  // All files with the manifest as it is now.
  std::map<std::string, std::string> all() const {
    auto out = files;
    out["manifest.json"] = dump_json(manifest, 1);
    return out;
  }
};
inline Json kernel(int ordinal, const std::string& layer, const std::string& name,
                   const std::string& source = "") {
  return {{"ordinal", ordinal},
          {"layer", layer},
          {"kernel", name},
          {"source_sha256", source.empty() ? "" : sha256_hex(source)},
          {"precision", "fp32"},
          {"origin", "relu1,conv1"},
          {"source", source.empty() ? "" : "sources/000.ll"}};
}
inline EngineFiles engine_files(const std::string& log = kAutoTvm) {
  EngineFiles e;
  e.add("model.so", "artifact", std::string(100, 'x'));
  e.add("sources/000.ll", "source", "define void @k() { ret void }\n");
  e.add("tuning.log", "tuning_log", log);
  const Json map = {
      {"format", 1},
      {"kernels", Json::array({kernel(1, "dense", "fused_dense"),
                               kernel(0, "conv1", "fused_conv", e.files["sources/000.ll"])})}};
  e.add("kernels.json", "kernel_map", dump_json(map));
  return e;
}

}  // namespace assay::diff::made
