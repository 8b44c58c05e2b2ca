# SPDX-License-Identifier: Apache-2.0
"""Tests of what needs no torch: the kernel map, the profile, the request."""

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

import assay_builder as ab
import inductor_kernels
import inductor_profile

HERE = os.path.dirname(os.path.abspath(__file__))

# Made by hand after the form of a package for a GPU.
WRAPPER = """
template <typename in_out_ptr0_type_, typename kernels_type_>
static inline void call_triton_poi_fused_relu_0(
    const in_out_ptr0_type_& in_out_ptr0,
    int64_t xnumel,
    kernels_type_& kernels_,
    const std::optional<std::string>& cubin_dir_ = std::nullopt
){
    /*
    @triton.jit
    def triton_poi_fused_relu_0(in_out_ptr0, xnumel, XBLOCK : tl.constexpr):
    */
    uint32_t grid_0 = ((xnumel + (128 - 1)) / (128));
    if (kernels_.triton_poi_fused_relu_0 == nullptr) {
        kernels_.triton_poi_fused_relu_0 = loadKernel("/%s/c%s.cubin", "triton", 0, cubin_dir_);
    }
}
std::unordered_map<std::string, AtenTensorHandle> AOTInductorModel::const_run_impl(
) { aoti_torch_cuda_mm_out(a, b, c); }
void AOTInductorModel::_const_run_impl() {}
void AOTInductorModel::run_impl(
    AtenTensorHandle* input_handles
) {
    AOTICudaStreamGuard stream_guard(stream, this->device_idx_);
    // Topologically Sorted Source Nodes: [conv2d], Original ATen: [aten.convolution]
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_cuda_convolution(x, w, &buf1_handle));
    // Topologically Sorted Source Nodes: [relu, conv2d], Original ATen: [aten.relu]
    call_triton_poi_fused_relu_0(buf2, 512L, this->device_idx_, stream, kernels, this->cubin_dir_);
    call_triton_poi_fused_relu_0(buf3, 512L, this->device_idx_, stream, kernels, this->cubin_dir_);
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_cuda_addmm_out(buf5, a, b, c, 1L, 1L));
    output_handles[0] = buf5.release();
} // AOTInductorModel::run_impl
"""


def package(text, kernels=""):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("m/data/aotinductor/model/c1.wrapper.cpp", text)
        if kernels:
            archive.writestr("m/data/aotinductor/model/c1.kernel.cpp", kernels)
    return zipfile.ZipFile(data)


class KernelsTest(unittest.TestCase):
    origin_of = {"conv2d": "conv1", "relu": "relu1"}

    def read(self, text, kernels=""):
        metadata = inductor_kernels.Metadata()
        return inductor_kernels.read(package(text, kernels), metadata, self.origin_of)

    def test_calls_in_their_order(self):
        lines = self.read(WRAPPER)
        self.assertEqual(
            [(k["layer"], k["kernel"]) for k in lines],
            [
                ("conv1", "aten::convolution"),
                ("conv1+relu1", "triton_poi_fused_relu_0"),
                ("call", "triton_poi_fused_relu_0"),
                ("call #2", "aten::addmm_out"),
            ],
        )
        self.assertEqual(lines[1]["origin"], "conv1,relu1")
        self.assertIn("XBLOCK", lines[1]["source_text"])
        self.assertEqual(lines[3]["source_text"], "")

    def test_source_is_the_same_wherever_it_was_made(self):
        a, b = (self.read(WRAPPER.replace("%s", word)) for word in ("one", "two"))
        self.assertEqual(a[1]["source_text"], b[1]["source_text"])
        other = self.read(WRAPPER.replace("128", "256"))
        self.assertNotEqual(a[1]["source_text"], other[1]["source_text"])

    def test_cpp_kernels(self):
        kernels = 'extern "C"  void  cpp_fused_0(float* p)\n{\n    p[0] = 1;\n}\n'
        call = "cpp_fused_0((float*)(b.data_ptr()));"
        body = "void AOTInductorModel::run_impl(\n) {\n    %s\n}\n" % call
        (line,) = self.read(body, kernels)
        self.assertEqual(line["kernel"], "cpp_fused_0")
        self.assertIn("p[0] = 1;", line["source_text"])

    def test_no_kernel_is_an_error(self):
        for text in ("nothing", "void AOTInductorModel::run_impl(\n) {\n}\n"):
            with self.assertRaises(ab.BuildError):
                self.read(text)


class ProfileTest(unittest.TestCase):
    def test_events_find_their_lines(self):
        kernels = [{"kernel": k} for k in ("aten::convolution", "t0", "t0", "aten::addmm_out")]
        events = [("cudnn_a", 5), ("cudnn_b", 7), ("t0", 2), ("t0", 3), ("gemm", 11)]
        self.assertEqual(
            inductor_profile.assign(kernels, events), [(0, 12), (1, 2), (2, 3), (3, 11)]
        )

    def test_an_event_before_every_operator_is_left_out(self):
        seen = inductor_profile.assign([{"kernel": "t0"}], [("other", 5), ("t0", 1)])
        self.assertEqual(seen, [(0, 1)])


class RequestTest(unittest.TestCase):
    def ask(self, **changes):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("engine", "scratch"):
                os.mkdir(os.path.join(folder, name))
            model = os.path.join(folder, "model.onnx")
            with open(model, "wb") as handle:
                handle.write(b"not a model")
            request = {
                "protocol": 1, "action": "build", "compiler": "inductor", "model": model,
                "engine_dir": os.path.join(folder, "engine"), "precision": "fp32", "threads": 1,
                "cpus": [0], "seed": 1, "shapes": {}, "options": {},
                "scratch": os.path.join(folder, "scratch"),
            }
            request.update(changes)
            read, write = os.pipe()
            done = subprocess.run(
                [sys.executable, os.path.join(HERE, "build")],
                input=json.dumps(request), text=True, pass_fds=(write,), capture_output=True,
                env=dict(os.environ, ASSAY_EVENT_FD=str(write)), check=False,
            )
            os.close(write)
            with open(read, encoding="utf-8") as events:
                return done.returncode, [json.loads(line) for line in events]

    def refused(self, kinds, **changes):
        code, events = self.ask(**changes)
        self.assertEqual(code, 1)
        self.assertEqual(events[-1]["event"], "error")
        # Without torch the packages are missing before anything else is looked at.
        self.assertIn(events[-1]["kind"], kinds + ("missing",))

    def test_bad_requests(self):
        self.refused(("unsupported",), precision="int8")
        self.refused(("invalid",), options={"frob": 1})
        self.refused(("invalid",), options={"tf32": "yes"})
        self.refused(("unsupported",), action="rebuild", decisions={"dir": HERE, "files": []})
        self.refused(("invalid",))


if __name__ == "__main__":
    unittest.main()
