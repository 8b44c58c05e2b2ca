/* SPDX-License-Identifier: Apache-2.0
 * A libcuda.so.1 and libnvidia-ml.so.1 of our own for tests without a GPU: what trt_module.py and
 * the runner ask. Device memory is host memory; work on a stream is done when it is put there, or
 * kept in a graph while the stream is captured. FAKE_GPU: name, "" = no device; FAKE_SM: "90";
 * FAKE_DRIVER: release; FAKE_CUDA: "capture" = captures are refused, "launch" = graphs fail. */
#include <stdlib.h>
#include <string.h>

static const char* value(const char* name, const char* otherwise) {
  const char* text = getenv(name);
  return text ? text : otherwise;
}
int cuInit(unsigned flags) {
  (void)flags;
  return *value("FAKE_GPU", "Made GPU") ? 0 : 100; /* CUDA_ERROR_NO_DEVICE */
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? 0 : 101; /* CUDA_ERROR_INVALID_DEVICE */
}
int cuDeviceGetName(char* name, int length, int device) {
  (void)device;
  strncpy(name, value("FAKE_GPU", "Made GPU"), (size_t)length - 1);
  name[length - 1] = 0;
  return 0;
}
int cuDeviceGetAttribute(int* number, int attribute, int device) {
  (void)device;
  const int sm = atoi(value("FAKE_SM", "90"));
  *number = attribute == 75 ? sm / 10 : sm % 10;
  return 0;
}
int cuDriverGetVersion(int* version) {
  *version = 12040;
  return 0;
}
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  strncpy(text, value("FAKE_DRIVER", "550.54.15"), length - 1);
  text[length - 1] = 0;
  return 0;
}

/* ---- contexts, memory */
static int one_context;
int cuDevicePrimaryCtxRetain(void** context, int device) {
  (void)device;
  *context = &one_context;
  return 0;
}
int cuCtxSetCurrent(void* context) { return context == &one_context ? 0 : 201; }
int cuMemAlloc_v2(unsigned long long* made, size_t bytes) {
  *made = (unsigned long long)malloc(bytes);
  return *made ? 0 : 2;
}
int cuMemFree_v2(unsigned long long p) {
  free((void*)p);
  return 0;
}
int cuMemHostAlloc(void** made, size_t bytes, unsigned flags) {
  (void)flags;
  *made = malloc(bytes);
  return *made ? 0 : 2;
}
int cuMemFreeHost(void* p) {
  free(p);
  return 0;
}
int cuGetErrorName(int error, const char** name) {
  *name = error == 719   ? "CUDA_ERROR_LAUNCH_FAILED"
          : error == 900 ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
          : error == 100 ? "CUDA_ERROR_NO_DEVICE"
                         : "CUDA_ERROR_UNKNOWN";
  return 0;
}

/* ---- streams and graphs: lists of steps */
struct step {
  struct step* next;
  void (*call)(long long); /* a kernel, else a copy */
  long long argument;
  void* to;
  const void* from;
  size_t bytes;
};
struct graph {
  struct step *first, **end;
};
struct stream {
  struct graph* captured;
};
static void perform(const struct step* s) {
  if (s->call)
    s->call(s->argument);
  else
    memcpy(s->to, s->from, s->bytes);
}
static int put(struct stream* stream, struct step s) {
  if (!stream->captured) {
    perform(&s);
    return 0;
  }
  struct step* kept = malloc(sizeof *kept);
  *kept = s;
  kept->next = 0;
  *stream->captured->end = kept;
  stream->captured->end = &kept->next;
  return 0;
}
int cuStreamCreate(void** stream, unsigned flags) {
  (void)flags;
  *stream = calloc(1, sizeof(struct stream));
  return 0;
}
int cuStreamDestroy_v2(void* stream) {
  free(stream);
  return 0;
}
int cuStreamSynchronize(void* stream) { return ((struct stream*)stream)->captured ? 900 : 0; }
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, size_t bytes, void* stream) {
  return put(stream, (struct step){.to = (void*)to, .from = from, .bytes = bytes});
}
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, size_t bytes, void* stream) {
  return put(stream, (struct step){.to = to, .from = (void*)from, .bytes = bytes});
}
/* What the fake TensorRT puts on a stream: a call of its own with its argument. */
int fake_launch(void* stream, void (*call)(long long), long long argument) {
  return put(stream, (struct step){.call = call, .argument = argument});
}
int cuStreamBeginCapture_v2(void* stream, int mode) {
  (void)mode;
  if (!strcmp(value("FAKE_CUDA", ""), "capture")) return 900;
  struct graph* graph = calloc(1, sizeof *graph);
  graph->end = &graph->first;
  ((struct stream*)stream)->captured = graph;
  return 0;
}
int cuStreamEndCapture(void* stream, void** graph) {
  *graph = ((struct stream*)stream)->captured;
  ((struct stream*)stream)->captured = 0;
  return 0;
}
int cuGraphInstantiateWithFlags(void** made, void* graph, unsigned long long flags) {
  (void)flags;
  struct graph* copy = malloc(sizeof *copy);
  *copy = *(struct graph*)graph;
  ((struct graph*)graph)->first = 0;
  *made = copy;
  return 0;
}
int cuGraphDestroy(void* graph) {
  struct step* s = ((struct graph*)graph)->first;
  while (s) {
    struct step* next = s->next;
    free(s);
    s = next;
  }
  free(graph);
  return 0;
}
int cuGraphExecDestroy(void* graph) { return cuGraphDestroy(graph); }
int cuGraphLaunch(void* graph, void* stream) {
  (void)stream;
  if (!strcmp(value("FAKE_CUDA", ""), "launch")) return 719;
  for (const struct step* s = ((struct graph*)graph)->first; s; s = s->next) perform(s);
  return 0;
}
