/* SPDX-License-Identifier: Apache-2.0
 *
 * assay runner ABI, version 1.  Stand-alone C header: copy it, implement it, export ONE function.
 *
 * A runner is a shared object that loads the engine of one compiler and runs it inside
 * `assay-worker`. The worker calls `assay_runner_query` once, checks `abi_version`, `struct_size`
 * and `sanitizer`, and uses only members that lie inside `struct_size`.  Rules of growth: members
 * are appended, never moved or removed; every argument struct starts with `struct_size`, set by its
 * creator.
 *
 * Errors: functions that can fail return ASSAY_OK (0) or an assay_status and write a
 * zero-terminated, one-line text into `err` (at most err_size bytes).  A runner never prints, never
 * aborts, never throws over this boundary.  Pointers handed out by the runner live until the engine
 * (or context) is closed.
 *
 * Memory: tensors are dense, C order, little endian.  Buffers belong to the worker, are 64-byte
 * aligned and stay valid from `bind` until the context is destroyed or the slot is bound again.
 */
#ifndef ASSAY_RUNNER_H_
#define ASSAY_RUNNER_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_RUNNER_ABI_VERSION 1u
#define ASSAY_MAX_RANK 8

typedef enum assay_status {
  ASSAY_OK = 0,
  ASSAY_INVALID = 1,     /* the engine or an argument is bad */
  ASSAY_UNSUPPORTED = 2, /* well formed, but this compiler cannot do it: a result, not a failure */
  ASSAY_MISSING = 3,     /* a library or device is not on this machine */
  ASSAY_FAILED = 4       /* the compiler's runtime reported an error */
} assay_status;

/* Element types: the numbers of ONNX TensorProto.DataType. */
typedef enum assay_dtype {
  ASSAY_F32 = 1,
  ASSAY_U8 = 2,
  ASSAY_I8 = 3,
  ASSAY_U16 = 4,
  ASSAY_I16 = 5,
  ASSAY_I32 = 6,
  ASSAY_I64 = 7,
  ASSAY_BOOL = 9,
  ASSAY_F16 = 10,
  ASSAY_F64 = 11,
  ASSAY_U32 = 12,
  ASSAY_U64 = 13,
  ASSAY_BF16 = 16
} assay_dtype;

typedef struct assay_engine assay_engine;   /* opaque, owned by the runner */
typedef struct assay_context assay_context; /* opaque, owned by the runner */

typedef struct assay_tensor_desc {
  uint32_t struct_size;
  assay_dtype dtype;
  int32_t rank;
  int64_t shape[ASSAY_MAX_RANK]; /* static extents, all > 0 (0 allowed: empty tensor) */
  const char* name;
} assay_tensor_desc;

/* One key=value option from compiler.toml or the recipe; keys the runner does not know are
 * ASSAY_INVALID. */
typedef struct assay_option {
  const char* key;
  const char* value;
} assay_option;

typedef struct assay_engine_options {
  uint32_t struct_size;
  const char* engine_dir; /* folder with manifest.json and the artifact; read-only */
  const char* library;    /* shared library of the compiler's runtime, or "" */
  const char* device;     /* "cpu", "cuda:0" */
  const char* precision;  /* as requested: "fp32", ... */
  int32_t threads;        /* inference threads, >= 1; the runner must use exactly these */
  int32_t n_options;
  const assay_option* options;
} assay_engine_options;

enum {                                 /* assay_capabilities.flags */
       ASSAY_CAP_ENQUEUE = 1 << 0,     /* enqueue/wait are implemented */
       ASSAY_CAP_TENSOR_READ = 1 << 1, /* tensor_read is implemented */
       ASSAY_CAP_CLOCK =
           1 << 2, /* the runner brings its own (scripted) clock: series are labelled `scripted` */
       ASSAY_CAP_CONTEXTS_THREADED =
           1 << 3, /* contexts of one engine may run at the same time, a thread each */
       ASSAY_CAP_KERNEL_SOURCES =
           1 << 4, /* kernel_map carries source hashes of what is really loaded */
       ASSAY_CAP_LAYER_TIMES = 1 << 5, /* layer_times is implemented */
       ASSAY_CAP_INPUTS_AT_BIND =
           1 << 6 /* bind copies the inputs to the device, where they stay: who writes them binds
                     again.  Without it run reads the buffers themselves */
};

typedef struct assay_capabilities {
  uint32_t struct_size;
  uint32_t flags;
  const char* compiler; /* e.g. "onnxruntime" */
  const char* version;  /* version of the runtime really loaded; "" before engine_open if unknown */
  const char* decides_at; /* "build", "load" or "first_run": when kernels are chosen */
  int32_t max_contexts;   /* per engine; 0 = no limit known */
} assay_capabilities;

/* One line of the kernel map.  Any text may be "" when the compiler does not tell. */
typedef struct assay_kernel {
  uint32_t struct_size;
  int32_t ordinal;           /* execution order, from 0 */
  const char* layer;         /* name in the engine */
  const char* kernel;        /* function, primitive or operator that really runs */
  const char* source_sha256; /* lower-case hex of the normalised source, or "" */
  const char* precision;     /* executed precision: "fp32", "fp16", ... or "" */
  const char* origin;        /* ONNX node names, comma separated, or "" */
} assay_kernel;
typedef void (*assay_kernel_sink)(void* user, const assay_kernel* kernel);

/* Time of one layer in one run.  ordinal, layer and kernel as in the kernel map; ordinal -1 with
 * layer "" is the run as a whole, under the same instrumentation. */
typedef struct assay_layer_time {
  uint32_t struct_size;
  int32_t ordinal;
  const char* layer;
  const char* kernel;
  int64_t time_ns;
} assay_layer_time;
typedef void (*assay_layer_time_sink)(void* user, int32_t run, const assay_layer_time* time);

typedef struct assay_runner_api {
  uint32_t struct_size;
  uint32_t abi_version;
  const char* sanitizer; /* "", "address", "thread": must equal the worker's */

  /* `engine` may be NULL: what is known before an engine is open. */
  assay_status (*capabilities)(assay_engine* engine, assay_capabilities* out, char* err,
                               size_t err_size);

  /* Loads the engine; everything slow belongs here, not in run. */
  assay_status (*engine_open)(const assay_engine_options* options, assay_engine** out, char* err,
                              size_t err_size);
  void (*engine_close)(assay_engine* engine);
  int32_t (*input_count)(assay_engine* engine);
  int32_t (*output_count)(assay_engine* engine);
  assay_status (*input_desc)(assay_engine* engine, int32_t index, assay_tensor_desc* out, char* err,
                             size_t err_size);
  assay_status (*output_desc)(assay_engine* engine, int32_t index, assay_tensor_desc* out,
                              char* err, size_t err_size);

  /* N contexts per engine; one thread uses one context.  `slots` buffers sets can be bound to it.
   */
  assay_status (*context_create)(assay_engine* engine, int32_t slots, assay_context** out,
                                 char* err, size_t err_size);
  void (*context_destroy)(assay_context* context);

  /* Buffers of slot `slot`: inputs[input_count], outputs[output_count].  Called outside the timed
   * loop. */
  assay_status (*bind)(assay_context* context, int32_t slot, void* const* inputs,
                       void* const* outputs, char* err, size_t err_size);

  /* One inference on a bound slot.  Returns only when the host can read the outputs: on a device
     with memory of its own their copy to the host is part of it.  No allocation
     that the compiler itself does not make, no lock, no print.  On error the text is fetched with
     last_error. */
  assay_status (*run)(assay_context* context, int32_t slot);
  const char* (*last_error)(assay_context* context);

  /* Optional (ASSAY_CAP_ENQUEUE): run = enqueue + wait.  NULL otherwise. */
  assay_status (*enqueue)(assay_context* context, int32_t slot);
  assay_status (*wait)(assay_context* context, int32_t slot);

  /* The kernel map of the engine as it is loaded now; outside the timed loop, after at least one
   * run. */
  assay_status (*kernel_map)(assay_engine* engine, assay_kernel_sink sink, void* user, char* err,
                             size_t err_size);

  /* Optional (ASSAY_CAP_TENSOR_READ): value of the intermediate tensor `name` for the inputs of
     `slot`.  Layers of the kernel map are names too: their first output.  A blocked layout is
     turned into the plain one, bit for bit, where the runner knows it.  With data == NULL only
     `desc` is filled.  NULL function pointer when not implemented. */
  assay_status (*tensor_read)(assay_context* context, int32_t slot, const char* name,
                              assay_tensor_desc* desc, void* data, size_t data_bytes, char* err,
                              size_t err_size);

  /* Optional (ASSAY_CAP_CLOCK): nanoseconds of the runner's scripted clock.  NULL otherwise. */
  int64_t (*clock_ns)(assay_context* context);

  /* Optional (ASSAY_CAP_LAYER_TIMES): runs `slot` `runs` times with the time of every layer taken,
     by the compiler's own profiler or node by node; the sink is called after each run, outside of
     what was timed, once a layer and once for the whole.  A profiler that tells only the mean over
     all runs calls it for run 0 alone.  Instrumentation costs time: the numbers say where time
     goes, not how long `run` takes. */
  assay_status (*layer_times)(assay_context* context, int32_t slot, int32_t runs,
                              assay_layer_time_sink sink, void* user, char* err, size_t err_size);
} assay_runner_api;

/* The only exported symbol.  Returns NULL when max_version < 1.  The table lives as long as the
 * library. */
typedef const assay_runner_api* (*assay_runner_query_fn)(uint32_t max_version);
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const assay_runner_api*
assay_runner_query(uint32_t max_version);

#ifdef __cplusplus
}
#endif
#endif /* ASSAY_RUNNER_H_ */
