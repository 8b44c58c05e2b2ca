/* SPDX-License-Identifier: Apache-2.0
 *
 * The rival of the agreement test (design, rule 11): what a C programmer writes who wants the
 * latency of an ONNX model from ONNX Runtime's C API. It shares nothing with assay but the
 * declarations.
 *
 *   ort_rival_timer LIBRARY MODEL.onnx THREADS WARMUP RUNS [INPUT.bin...]
 *
 * LIBRARY   libonnxruntime.so.1.N.0.   MODEL   the engine's model.onnx (static shapes).
 * THREADS   intra-op threads.          INPUT   raw bytes of each input in order; zeros when absent.
 * Optimisation is off, because the model was optimised when it was built. Prints one line a timed
 * run: whole nanoseconds of CLOCK_MONOTONIC around Run. Exit code 0, or 1 with one line on stderr.
 * The caller sets the CPU set (taskset).
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ort_api.h"

#define MAX_TENSORS 64
#define MAX_RANK 8

static const OrtApi* api;

static void die(const char* what, const char* why) {
  fprintf(stderr, "ort_rival_timer: %s: %s\n", what, why);
  exit(1);
}

static void check(OrtStatus* status, const char* what) {
  if (status != NULL) die(what, api->GetErrorMessage(status));
}

static long number(const char* text, const char* what, long low) {
  char* end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < low) die(what, text);
  return value;
}

static size_t element_bytes(int dtype) {
  static const size_t bytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 0, 0, 2};
  return dtype > 0 && dtype <= 16 ? bytes[dtype] : 0;
}

/* A tensor over new zeroed memory, described by `type`; `path` fills it when not NULL. */
static OrtValue* make_tensor(OrtTypeInfo* type, const OrtMemoryInfo* memory, const char* path) {
  const OrtTensorInfo* info = NULL;
  int dtype = 0;
  size_t rank = 0;
  int64_t shape[MAX_RANK];
  check(api->CastTypeInfoToTensorInfo(type, &info), "type");
  if (info == NULL) die("type", "not a tensor");
  check(api->GetTensorElementType(info, &dtype), "element type");
  check(api->GetDimensionsCount(info, &rank), "rank");
  if (rank > MAX_RANK) die("rank", "above 8");
  check(api->GetDimensions(info, shape, rank), "shape");
  size_t bytes = element_bytes(dtype);
  if (bytes == 0) die("element type", "not supported");
  for (size_t i = 0; i < rank; ++i) {
    if (shape[i] < 0) die("shape", "not static");
    bytes *= (size_t)shape[i];
  }
  void* data = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (data == NULL) die("memory", "none left");
  for (size_t i = 0; i < bytes; ++i) ((char*)data)[i] = 0;
  if (path != NULL) {
    FILE* file = fopen(path, "rb");
    if (file == NULL || fread(data, 1, bytes, file) != bytes) die(path, "too short or unreadable");
    fclose(file);
  }
  OrtValue* value = NULL;
  check(api->CreateTensorWithDataAsOrtValue(memory, data, bytes, shape, rank, dtype, &value),
        "tensor");
  return value;
}

int main(int argc, char** argv) {
  if (argc < 6) die("usage", "LIBRARY MODEL.onnx THREADS WARMUP RUNS [INPUT.bin...]");
  long threads = number(argv[3], "THREADS", 1);
  long warmup = number(argv[4], "WARMUP", 0);
  long runs = number(argv[5], "RUNS", 1);
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) die("LIBRARY", dlerror());
  OrtGetApiBaseFunction base;
  *(void**)&base = dlsym(library, "OrtGetApiBase");
  if (base == NULL) die("LIBRARY", "not ONNX Runtime");
  api = base()->GetApi(ASSAY_ORT_API_VERSION);
  if (api == NULL) die("LIBRARY", "API version 2 is not offered");

  OrtEnv* env = NULL;
  OrtSessionOptions* options = NULL;
  OrtSession* session = NULL;
  OrtMemoryInfo* memory = NULL;
  OrtAllocator* allocator = NULL;
  check(api->CreateEnv(ORT_LOG_ERROR, "rival", &env), "environment");
  check(api->CreateSessionOptions(&options), "options");
  check(api->SetSessionGraphOptimizationLevel(options, ORT_DISABLE_ALL), "options");
  check(api->SetIntraOpNumThreads(options, (int)threads), "options");
  check(api->SetInterOpNumThreads(options, 1), "options");
  check(api->CreateSession(env, argv[2], options, &session), "MODEL");
  check(api->CreateCpuMemoryInfo(ORT_ARENA_ALLOCATOR, ORT_MEM_DEFAULT, &memory), "memory");
  check(api->GetAllocatorWithDefaultOptions(&allocator), "allocator");

  size_t n_inputs = 0, n_outputs = 0;
  char* input_names[MAX_TENSORS];
  char* output_names[MAX_TENSORS];
  OrtValue* inputs[MAX_TENSORS];
  OrtValue* outputs[MAX_TENSORS];
  check(api->SessionGetInputCount(session, &n_inputs), "inputs");
  check(api->SessionGetOutputCount(session, &n_outputs), "outputs");
  if (n_inputs > MAX_TENSORS || n_outputs > MAX_TENSORS) die("MODEL", "more than 64 tensors");
  if (argc > 6 && (size_t)(argc - 6) != n_inputs) die("INPUT", "one file for each input");
  for (size_t i = 0; i < n_inputs; ++i) {
    OrtTypeInfo* type = NULL;
    check(api->SessionGetInputName(session, i, allocator, &input_names[i]), "input");
    check(api->SessionGetInputTypeInfo(session, i, &type), "input");
    inputs[i] = make_tensor(type, memory, argc > 6 ? argv[6 + i] : NULL);
    api->ReleaseTypeInfo(type);
  }
  for (size_t i = 0; i < n_outputs; ++i) {
    OrtTypeInfo* type = NULL;
    check(api->SessionGetOutputName(session, i, allocator, &output_names[i]), "output");
    check(api->SessionGetOutputTypeInfo(session, i, &type), "output");
    outputs[i] = make_tensor(type, memory, NULL);
    api->ReleaseTypeInfo(type);
  }

  int64_t* times = malloc((size_t)runs * sizeof *times);
  if (times == NULL) die("memory", "none left");
  for (long i = -warmup; i < runs; ++i) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    OrtStatus* status =
        api->Run(session, NULL, (const char* const*)input_names, (const OrtValue* const*)inputs,
                 n_inputs, (const char* const*)output_names, n_outputs, outputs);
    clock_gettime(CLOCK_MONOTONIC, &end);
    check(status, "run");
    if (i >= 0) {
      times[i] = (int64_t)(end.tv_sec - start.tv_sec) * 1000000000 + (end.tv_nsec - start.tv_nsec);
    }
  }
  for (long i = 0; i < runs; ++i) printf("%lld\n", (long long)times[i]);
  return 0;
}
