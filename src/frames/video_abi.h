/* SPDX-License-Identifier: Apache-2.0 */
/* What libassay-video.so offers: a video file read through FFmpeg's libraries. It is a library of
 * its own, opened with dlopen when a video is asked for, so that nothing else needs FFmpeg. Both
 * sides come from one build; the version catches a stale file. Faults are the numbers of
 * vision::FrameFault. Calls on one assay_video are made by one thread at a time. */
#ifndef ASSAY_FRAMES_VIDEO_ABI_H_
#define ASSAY_FRAMES_VIDEO_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_VIDEO_ABI_VERSION 1
#define ASSAY_VIDEO_LIBRARY "libassay-video.so"

typedef struct assay_video assay_video;

typedef struct assay_video_options {
  int32_t loop;                  /* at the end: again from the start */
  int64_t max_width, max_height; /* larger pictures are too_large */
} assay_video_options;

typedef struct assay_video_info {
  int64_t width, height;      /* of the first picture, as the file says */
  int64_t frames;             /* as the file says; 0: it does not */
  int64_t duration_ns;        /* as the file says; 0: it does not */
  int64_t frame_period_ns;    /* mean; 0: unknown */
  char format[32], codec[32]; /* FFmpeg's words */
} assay_video_info;

typedef struct assay_video_frame {
  int32_t format; /* of vision::PixelFormat: nv12 or i420 */
  int32_t bt709, full_range;
  int64_t width, height;
  const uint8_t* planes[3]; /* valid until the next call */
  int64_t strides[3];       /* bytes */
  int64_t pts_ns; /* after the first picture of the file; goes on ascending when it starts again */
} assay_video_frame;

typedef struct assay_video_api {
  uint32_t abi_version, struct_size;
  const char* sanitizer; /* as the loader was built, else it refuses */
  const char* versions;  /* of FFmpeg's libraries, in words */
  /* *out is set when the answer is 0 only; else `error` has a line of text. */
  int32_t (*open)(const char* path, const assay_video_options* options, assay_video** out,
                  assay_video_info* info, char* error, size_t error_bytes);
  /* The next packet from the file. `stopped` at the end, again and again. */
  int32_t (*read)(assay_video* video);
  /* The picture of it. Packets a decoder wants ahead of its first picture are read here. */
  int32_t (*decode)(assay_video* video, assay_video_frame* out);
  /* Times of the pictures as the packets say, ascending from 0, at most `capacity`; then starts
   * the file again. Returns the count, or minus a fault. */
  int64_t (*time_stamps)(assay_video* video, int64_t* out, int64_t capacity);
  void (*close)(assay_video* video);
} assay_video_api;

/* Null when the version is another. */
const assay_video_api* assay_video_query(uint32_t abi_version);
typedef const assay_video_api* (*assay_video_query_fn)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif

#endif /* ASSAY_FRAMES_VIDEO_ABI_H_ */
