/* SPDX-License-Identifier: Apache-2.0
 * A libcuda.so.1 and libnvidia-ml.so.1 of our own for tests without a GPU: what trt_module.py asks,
 * with the values of the environment. FAKE_GPU: name, "" = no device; FAKE_SM: "90"; FAKE_DRIVER:
 * release. */
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
  return 0;
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
