/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of ONNX Runtime's C API table that assay calls, for C and C++.
 *
 * The wheel ships the library without headers.  The table is append-only, so its prefix can be
 * declared here: members that are not called are counted place holders, and the asserts below pin
 * the index of every member that is.  Everything called stands in the first 111 entries, which API
 * version 2 (ONNX Runtime 1.1) has.  Names, order and signatures are facts of the public API; where
 * two pointer kinds cannot be told apart by a caller they are kept opaque.
 */
#ifndef ASSAY_COMPILERS_ONNXRUNTIME_ORT_API_H_
#define ASSAY_COMPILERS_ONNXRUNTIME_ORT_API_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_ORT_API_VERSION 2u /* lowest version of the table that holds all members below */

typedef struct OrtStatus OrtStatus; /* NULL means success */
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorInfo OrtTensorInfo; /* OrtTensorTypeAndShapeInfo */

enum { ORT_LOG_WARNING = 2, ORT_LOG_ERROR = 3, ORT_LOG_FATAL = 4 };
enum { ORT_SEQUENTIAL = 0 };
enum { ORT_DISABLE_ALL = 0 };
enum { ORT_ARENA_ALLOCATOR = 1 };
enum { ORT_MEM_DEFAULT = 0 };
enum { ORT_CODE_NOT_IMPLEMENTED = 9 };

typedef void (*OrtLoggingFunction)(void* parameter, int severity, const char* category,
                                   const char* log_id, const char* location, const char* message);

typedef struct OrtApi {
  void* unused_0[1];
  int (*GetErrorCode)(const OrtStatus*);
  const char* (*GetErrorMessage)(const OrtStatus*);
  OrtStatus* (*CreateEnv)(int log_level, const char* log_id, OrtEnv** out);
  OrtStatus* (*CreateEnvWithCustomLogger)(OrtLoggingFunction, void* parameter, int log_level,
                                          const char* log_id, OrtEnv** out);
  void* unused_5[2];
  OrtStatus* (*CreateSession)(const OrtEnv*, const char* path, const OrtSessionOptions*,
                              OrtSession** out);
  OrtStatus* (*CreateSessionFromArray)(const OrtEnv*, const void* data, size_t bytes,
                                       const OrtSessionOptions*, OrtSession** out);
  OrtStatus* (*Run)(OrtSession*, const OrtRunOptions*, const char* const* input_names,
                    const OrtValue* const* inputs, size_t input_count,
                    const char* const* output_names, size_t output_count, OrtValue** outputs);
  OrtStatus* (*CreateSessionOptions)(OrtSessionOptions** out);
  void* unused_11[2];
  OrtStatus* (*SetSessionExecutionMode)(OrtSessionOptions*, int mode);
  OrtStatus* (*EnableProfiling)(OrtSessionOptions*, const char* file_prefix);
  void* unused_15[8];
  OrtStatus* (*SetSessionGraphOptimizationLevel)(OrtSessionOptions*, int level);
  OrtStatus* (*SetIntraOpNumThreads)(OrtSessionOptions*, int threads);
  OrtStatus* (*SetInterOpNumThreads)(OrtSessionOptions*, int threads);
  void* unused_26[4];
  OrtStatus* (*SessionGetInputCount)(const OrtSession*, size_t* out);
  OrtStatus* (*SessionGetOutputCount)(const OrtSession*, size_t* out);
  void* unused_32[1];
  OrtStatus* (*SessionGetInputTypeInfo)(const OrtSession*, size_t index, OrtTypeInfo** out);
  OrtStatus* (*SessionGetOutputTypeInfo)(const OrtSession*, size_t index, OrtTypeInfo** out);
  void* unused_35[1];
  OrtStatus* (*SessionGetInputName)(const OrtSession*, size_t index, OrtAllocator*, char** out);
  OrtStatus* (*SessionGetOutputName)(const OrtSession*, size_t index, OrtAllocator*, char** out);
  void* unused_38[1];
  OrtStatus* (*CreateRunOptions)(OrtRunOptions** out);
  void* unused_40[9];
  OrtStatus* (*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo*, void* data, size_t bytes,
                                               const int64_t* shape, size_t rank, int dtype,
                                               OrtValue** out);
  OrtStatus* (*IsTensor)(const OrtValue*, int* out);
  OrtStatus* (*GetTensorMutableData)(OrtValue*, void** out);
  void* unused_52[3];
  OrtStatus* (*CastTypeInfoToTensorInfo)(const OrtTypeInfo*, const OrtTensorInfo** out);
  void* unused_56[4];
  OrtStatus* (*GetTensorElementType)(const OrtTensorInfo*, int* out);
  OrtStatus* (*GetDimensionsCount)(const OrtTensorInfo*, size_t* out);
  OrtStatus* (*GetDimensions)(const OrtTensorInfo*, int64_t* out, size_t rank);
  void* unused_63[2];
  OrtStatus* (*GetTensorTypeAndShape)(const OrtValue*, OrtTensorInfo** out);
  void* unused_66[3];
  OrtStatus* (*CreateCpuMemoryInfo)(int allocator_type, int memory_type, OrtMemoryInfo** out);
  void* unused_70[6];
  OrtStatus* (*AllocatorFree)(OrtAllocator*, void*);
  void* unused_77[1];
  OrtStatus* (*GetAllocatorWithDefaultOptions)(OrtAllocator** out);
  void* unused_79[13];
  void (*ReleaseEnv)(OrtEnv*);
  void (*ReleaseStatus)(OrtStatus*);
  void (*ReleaseMemoryInfo)(OrtMemoryInfo*);
  void (*ReleaseSession)(OrtSession*);
  void (*ReleaseValue)(OrtValue*);
  void (*ReleaseRunOptions)(OrtRunOptions*);
  void (*ReleaseTypeInfo)(OrtTypeInfo*);
  void (*ReleaseTensorInfo)(OrtTensorInfo*); /* ReleaseTensorTypeAndShapeInfo */
  void (*ReleaseSessionOptions)(OrtSessionOptions*);
  void* unused_101[9];
  OrtStatus* (*SessionEndProfiling)(OrtSession*, OrtAllocator*, char** out);
} OrtApi;

typedef struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)(void);
} OrtApiBase;

/* The one symbol of the library. */
typedef const OrtApiBase* (*OrtGetApiBaseFunction)(void);

#ifdef __cplusplus
#define ASSAY_ORT_AT(member, index) \
  static_assert(offsetof(OrtApi, member) == (index) * sizeof(void*), #member " has moved")
#else
#define ASSAY_ORT_AT(member, index) \
  _Static_assert(offsetof(OrtApi, member) == (index) * sizeof(void*), #member " has moved")
#endif
ASSAY_ORT_AT(GetErrorCode, 1);
ASSAY_ORT_AT(GetErrorMessage, 2);
ASSAY_ORT_AT(CreateEnv, 3);
ASSAY_ORT_AT(CreateEnvWithCustomLogger, 4);
ASSAY_ORT_AT(CreateSession, 7);
ASSAY_ORT_AT(CreateSessionFromArray, 8);
ASSAY_ORT_AT(Run, 9);
ASSAY_ORT_AT(CreateSessionOptions, 10);
ASSAY_ORT_AT(SetSessionExecutionMode, 13);
ASSAY_ORT_AT(EnableProfiling, 14);
ASSAY_ORT_AT(SetSessionGraphOptimizationLevel, 23);
ASSAY_ORT_AT(SetIntraOpNumThreads, 24);
ASSAY_ORT_AT(SetInterOpNumThreads, 25);
ASSAY_ORT_AT(SessionGetInputCount, 30);
ASSAY_ORT_AT(SessionGetOutputCount, 31);
ASSAY_ORT_AT(SessionGetInputTypeInfo, 33);
ASSAY_ORT_AT(SessionGetOutputTypeInfo, 34);
ASSAY_ORT_AT(SessionGetInputName, 36);
ASSAY_ORT_AT(SessionGetOutputName, 37);
ASSAY_ORT_AT(CreateRunOptions, 39);
ASSAY_ORT_AT(CreateTensorWithDataAsOrtValue, 49);
ASSAY_ORT_AT(IsTensor, 50);
ASSAY_ORT_AT(GetTensorMutableData, 51);
ASSAY_ORT_AT(CastTypeInfoToTensorInfo, 55);
ASSAY_ORT_AT(GetTensorElementType, 60);
ASSAY_ORT_AT(GetDimensionsCount, 61);
ASSAY_ORT_AT(GetDimensions, 62);
ASSAY_ORT_AT(GetTensorTypeAndShape, 65);
ASSAY_ORT_AT(CreateCpuMemoryInfo, 69);
ASSAY_ORT_AT(AllocatorFree, 76);
ASSAY_ORT_AT(GetAllocatorWithDefaultOptions, 78);
ASSAY_ORT_AT(ReleaseEnv, 92);
ASSAY_ORT_AT(ReleaseStatus, 93);
ASSAY_ORT_AT(ReleaseMemoryInfo, 94);
ASSAY_ORT_AT(ReleaseSession, 95);
ASSAY_ORT_AT(ReleaseValue, 96);
ASSAY_ORT_AT(ReleaseRunOptions, 97);
ASSAY_ORT_AT(ReleaseTypeInfo, 98);
ASSAY_ORT_AT(ReleaseTensorInfo, 99);
ASSAY_ORT_AT(ReleaseSessionOptions, 100);
ASSAY_ORT_AT(SessionEndProfiling, 110);
#undef ASSAY_ORT_AT

#ifdef __cplusplus
}
#endif
#endif /* ASSAY_COMPILERS_ONNXRUNTIME_ORT_API_H_ */
