// SPDX-License-Identifier: Apache-2.0
// What a plan names outside itself: pictures, time stamps; and times with their units.
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "audit/catalog.h"
#include "base/text.h"
#include "response/plan.h"
#include "stream/time_stamps.h"

namespace assay::response {

Result<fs::path> find_images(const std::string& name, const fs::path& relative_to) {
  std::error_code ec;
  const fs::path folder = fs::path(name).is_absolute() ? fs::path(name) : relative_to / name;
  if (fs::is_directory(folder, ec)) return fs::absolute(folder, ec).lexically_normal();
  ASSAY_TRY(auto catalog, audit::load_models());
  std::vector<std::string> with_pictures;
  for (const audit::CatalogModel& c : catalog)
    if (!c.model.empty() && fs::is_directory(c.model.parent_path() / "images", ec))
      with_pictures.push_back(c.name);
  for (const audit::CatalogModel& c : catalog) {
    if (c.name != name || c.model.empty()) continue;
    const fs::path images = c.model.parent_path() / "images";
    if (fs::is_directory(images, ec)) return images;
    if (fs::exists(c.model, ec))
      return bad_input(fmt::format("{} is a model that comes without a folder of pictures", name),
                       with_pictures.empty()
                           ? std::string("name a folder with JPEG or PNG files")
                           : fmt::format("name a folder with JPEG or PNG files, or pictures of: {}",
                                         fmt::join(with_pictures, ", ")));
    return missing(fmt::format("the images of {} have not been made yet", name),
                   "run: ./assay-up models " + name);
  }
  return bad_input(fmt::format("images \"{}\" is neither a folder nor a name of `assay models`",
                               one_line(name, 200)),
                   "name a folder with JPEG or PNG files");
}

Result<std::vector<int64_t>> read_time_stamps(const fs::path& file) {
  ASSAY_TRY(const std::string text, read_file(file, 256 << 20));
  return stream::parse_time_stamps(text, file.string());
}

Result<int64_t> parse_time(std::string_view text, std::string_view where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  for (const auto& [name, scale] : kUnits)
    if (error == std::errc() && unit == name && value >= 0 && value * scale < 4e18)
      return std::llround(value * scale);
  return bad_input(
      fmt::format("{} is \"{}\", expected a time with its unit", where, one_line(text, 60)),
      "write it as 20ms, 800us, 1.5s or 900ns");
}

}  // namespace assay::response
