// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "base/text.h"
#include "vision/geometry.h"
#include "vision/image.h"
#include "vision/layout.h"
#include "vision/writer.h"

namespace assay::vision {
namespace {

struct Entry {
  fs::path path;
  std::string label_key;  // class folder, or the file's own name in a flat folder
};

bool is_image_name(const fs::path& path) {
  std::string e = path.extension().string();
  for (char& c : e) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return e == ".jpg" || e == ".jpeg" || e == ".png";
}

// Images of one folder, sorted by name; hidden files and files of other kinds are counted, not
// read.
Status list(const fs::path& folder, const std::string& key, std::vector<Entry>& out,
            int64_t& others) {
  std::error_code error;
  std::vector<fs::path> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!fs::is_regular_file(it->path(), error)) continue;
    if (is_image_name(it->path()) && it->path().filename().string()[0] != '.')
      names.push_back(it->path());
    else if (it->path().filename() != "labels.txt")
      ++others;
  }
  if (error)
    return bad_input(
        fmt::format("{}: cannot list: {}", one_line(folder.string()), error.message()));
  std::sort(names.begin(), names.end());
  for (auto& p : names) out.push_back({p, key.empty() ? p.filename().string() : key});
  return {};
}

struct LabelTable {
  std::map<std::string, int64_t> index;
  std::vector<std::string> names;  // by index
};

// "KEY INDEX" a line, or one KEY a line, which is then its own index.
Result<LabelTable> read_labels(const fs::path& path) {
  ASSAY_TRY(const std::string text, read_file(path, 1 << 28));
  LabelTable table;
  int64_t line_number = 0, next = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++line_number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    if (line.empty()) continue;
    int64_t index = next;
    const size_t space = line.find_last_of(" \t");
    if (space != std::string_view::npos) {
      const std::string_view tail = line.substr(space + 1);
      int64_t parsed = 0;
      const auto [stop, error] = std::from_chars(tail.data(), tail.data() + tail.size(), parsed);
      if (error == std::errc() && stop == tail.data() + tail.size()) {
        index = parsed;
        line = line.substr(0, line.find_last_not_of(" \t", space) + 1);
      }
    }
    const auto wrong = [&](std::string_view why) {
      return bad_input(
          fmt::format("{} line {}: {}", one_line(path.string(), 200), line_number, why),
          "write 'NAME INDEX' or one name a line");
    };
    if (index < 0 || index > 1'000'000) return wrong("the index is not from 0 to 1000000");
    if (line.empty() || !table.index.emplace(std::string(line), index).second)
      return wrong("a name is empty or given twice");
    next = index + 1;
  }
  if (table.index.empty())
    return bad_input(fmt::format("{}: no labels in it", one_line(path.string(), 200)));
  return table;
}

using Layout = ImageLayout;

Result<Layout> layout_of(const TensorSpec& input) {
  ASSAY_TRY(const Layout out, image_layout(input));
  if (input.dtype != DType::f32 && input.dtype != DType::f16 && input.dtype != DType::u8) {
    return bad_input(fmt::format("input '{}' of {} does not take images", one_line(input.name, 80),
                                 dtype_name(input.dtype)),
                     "images become float32, float16 or uint8");
  }
  return out;
}

Image fit(const Image& image, const Layout& layout, const Preprocess& p) {
  if (p.resize_shorter <= 0) return resize(image, layout.width, layout.height);
  const Size size = shorter_to({image.width, image.height}, p.resize_shorter);
  Image small = resize(image, size.width, size.height);
  if (p.center_crop) return center_crop(small, layout.width, layout.height);
  return resize(small, layout.width, layout.height);
}

void to_tensor(const Image& image, const Layout& layout, DType dtype, const Preprocess& p,
               std::vector<std::byte>& item) {
  const int64_t pixels = layout.width * layout.height;
  for (int64_t i = 0; i < pixels; ++i) {
    const uint8_t* rgb = image.rgb.data() + 3 * i;
    for (int64_t c = 0; c < layout.channels; ++c) {
      const int64_t at = layout.channels_last ? i * layout.channels + c : c * pixels + i;
      const int level =
          layout.channels == 1 ? luma_level(rgb[0], rgb[1], rgb[2]) : rgb[p.bgr ? 2 - c : c];
      if (dtype == DType::u8) {
        item[static_cast<size_t>(at)] = static_cast<std::byte>(level);
        continue;
      }
      const size_t k = p.mean.size() == 1 ? 0 : static_cast<size_t>(c);
      const auto value = static_cast<float>((level / 255.0 - p.mean[k]) / p.std[k]);
      if (dtype == DType::f32) {
        std::memcpy(item.data() + at * 4, &value, 4);
      } else {
        const uint16_t half = to_half(value);
        std::memcpy(item.data() + at * 2, &half, 2);
      }
    }
  }
}

Status check_preprocess(const Preprocess& p, const Layout& layout) {
  const auto fits = [&](const std::vector<double>& v) {
    return v.size() == 1 || static_cast<int64_t>(v.size()) == layout.channels;
  };
  bool sane = fits(p.mean) && p.mean.size() == p.std.size() && p.resize_shorter <= kMaxSide;
  for (const double s : p.std) sane = sane && std::isfinite(s) && s > 0;
  for (const double m : p.mean) sane = sane && std::isfinite(m);
  if (sane) return {};
  return bad_input(
      fmt::format("pre-processing: {} means and {} deviations for {} channel(s), resize to {}",
                  p.mean.size(), p.std.size(), layout.channels, p.resize_shorter),
      "give one of each, or one a channel, deviations above 0");
}

}  // namespace

Result<Dataset> dataset_from_images(const fs::path& folder, const TensorSpec& input,
                                    const ImageFolderOptions& options, const fs::path& out) {
  std::error_code error;
  const std::string where = one_line(folder.string(), 200);
  if (!fs::is_directory(folder, error))
    return bad_input(fmt::format("{}: no such folder", where), "check the path");
  ASSAY_TRY(const Layout layout, layout_of(input));
  ASSAY_CHECK(check_preprocess(options.preprocess, layout));
  std::vector<fs::path> classes;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (fs::is_directory(it->path(), error) && it->path().filename().string()[0] != '.')
      classes.push_back(it->path());
  }
  if (error) return bad_input(fmt::format("{}: cannot list: {}", where, error.message()));
  std::sort(classes.begin(), classes.end());
  std::vector<Entry> images;
  int64_t others = 0;
  ASSAY_CHECK(list(folder, "", images, others));
  if (!images.empty() && !classes.empty()) {
    return bad_input(fmt::format("{}: images and class folders side by side", where),
                     "keep one or the other");
  }
  for (const auto& c : classes) ASSAY_CHECK(list(c, c.filename().string(), images, others));
  if (images.empty()) {
    return bad_input(fmt::format("{}: no JPEG or PNG files in it", where),
                     "give a folder of images, or of class folders");
  }
  LabelTable table;
  const fs::path own = folder / "labels.txt";
  const bool stated = !options.labels_file.empty() || fs::exists(own, error);
  if (stated) {
    ASSAY_TRY(table, read_labels(options.labels_file.empty() ? own : options.labels_file));
  } else {
    for (const auto& c : classes)
      table.index.emplace(c.filename().string(), static_cast<int64_t>(table.index.size()));
  }
  const auto total = static_cast<int64_t>(images.size());
  if (options.limit > 0 && options.limit < total) {  // spread evenly, so that all classes stay in
    std::vector<Entry> some;
    for (int64_t i = 0; i < options.limit; ++i)
      some.push_back(images[static_cast<size_t>(i * total / options.limit)]);
    images = std::move(some);
  }
  Dataset about;
  if (!table.index.empty()) {
    for (const auto& image : images) {
      const auto found = table.index.find(image.label_key);
      if (found == table.index.end()) {
        return bad_input(fmt::format("{}: the labels file does not name '{}'", where,
                                     one_line(image.label_key, 80)),
                         "add a line 'NAME INDEX'");
      }
      about.labels.push_back(found->second);
    }
    if (!classes.empty()) {
      for (const auto& [name, index] : table.index) {
        if (static_cast<int64_t>(about.label_names.size()) <= index)
          about.label_names.resize(static_cast<size_t>(index) + 1);
        about.label_names[static_cast<size_t>(index)] = name;
      }
    }
  }
  ASSAY_TRY(DatasetWriter writer, DatasetWriter::create(out, {input}));
  std::vector<std::byte> item(static_cast<size_t>(input.bytes()));
  for (const auto& entry : images) {
    ASSAY_TRY(const MappedFile file, MappedFile::open(entry.path));
    ASSAY_TRY(const Image image, decode_image(file.bytes(), one_line(entry.path.string(), 200)));
    to_tensor(fit(image, layout, options.preprocess), layout, input.dtype, options.preprocess,
              item);
    ASSAY_CHECK(writer.append(0, item));
  }
  about.name = folder.filename().empty() ? folder.parent_path().filename().string()
                                         : folder.filename().string();
  about.n = static_cast<int64_t>(images.size());
  about.sampling =
      options.sampling == Sampling::independent ? Sampling::independent : Sampling::fixed;
  about.description = fmt::format("{} of {} images of folder {}, {} classes{}", about.n, total,
                                  one_line(about.name, 80), classes.size(),
                                  others ? fmt::format("; {} other files skipped", others) : "");
  return writer.finish(about, about.name);
}

}  // namespace assay::vision
