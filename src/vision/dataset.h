// SPDX-License-Identifier: Apache-2.0
// Data sets: reading prepared folders (docs/formats.md) and making them from images, .npy files or
// a seed.
#pragma once

#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/result.h"
#include "base/words.h"
#include "vision/boxes.h"

namespace assay::vision {

struct Dataset {
  std::string name, description;
  fs::path folder;
  std::string sha256;  // over dataset.json's hashes: names the content
  int64_t n = 0;
  Sampling sampling = Sampling::fixed;
  std::string sampling_by;
  struct Input {
    TensorSpec spec;
    fs::path file;
    std::string sha256;
  };
  std::vector<Input> inputs;
  std::vector<int64_t> labels;           // empty when unlabelled
  std::vector<std::string> label_names;  // may be empty
  std::vector<int64_t> clusters;         // per item for clustered, else empty
  std::vector<std::vector<Box>> boxes;   // true ones an item, in tensor pixels; empty when unknown
  int64_t cluster_count() const;         // distinct clusters; n when not clustered
};

// Opens and checks a prepared folder: sizes, hashes when `verify`, labels and clusters of length n,
// n >= 1.
Result<Dataset> open_dataset(const fs::path& folder, bool verify);
// That every model input is there with the same type and shape; error names the first difference
// and the fix.
Status check_fits(const Dataset& dataset, const std::vector<TensorSpec>& model_inputs);

// How an image becomes a tensor. Defaults are the usual ImageNet ones.
struct Preprocess {
  int64_t resize_shorter =
      256;  // shorter side, bilinear with antialias (PIL's rule); 0 = resize straight to the input
  bool center_crop = true;
  std::vector<double> mean = {0.485, 0.456, 0.406},
                      std = {0.229, 0.224, 0.225};  // after scaling to [0,1]
  bool bgr = false;
};
// ImageNet-style folder: sub-folders are classes (sorted names = indices, or labels.txt "folder
// index" / one name a line), holding JPEG or PNG files; a flat folder has no labels. Layout NCHW or
// NHWC by the input's shape. Writes a prepared folder `out`, sampling `independent` when stated by
// the user, else `fixed`.
struct ImageFolderOptions {
  Preprocess preprocess;
  int64_t limit = 0;
  Sampling sampling = Sampling::fixed;
  fs::path labels_file;
};
Result<Dataset> dataset_from_images(const fs::path& folder, const TensorSpec& input,
                                    const ImageFolderOptions& options, const fs::path& out);

// .npy files, one per input: {"input": path}; leading axis = items, rest = item shape (batch extent
// 1 may be left out).
Result<Dataset> dataset_from_npy(const std::vector<std::pair<std::string, fs::path>>& files,
                                 const std::vector<TensorSpec>& inputs, const fs::path& out);

// n items of seeded synthetic values: floats N(0,1), integers uniform in [0, 10) , bool fair coin.
// sampling = independent (draws of that synthetic law), said so in the description.
Result<Dataset> dataset_synthetic(const std::vector<TensorSpec>& inputs, int64_t n, uint64_t seed,
                                  const fs::path& out);

}  // namespace assay::vision
