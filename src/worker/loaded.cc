// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "worker/inside.h"

namespace assay::worker {
namespace {

constexpr size_t max_piece_bytes = 256 << 10;  // of paths in one event; a line may have 1 MiB

bool inside(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
         path[folder.size()] == '/';
}

}  // namespace

std::vector<std::string> mapped_files(const std::string& maps) {
  std::set<std::string> files;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);) {
    // address perms offset device inode path; the path is the rest of the line, blanks and all.
    size_t at = 0;
    for (int field = 0; field < 5 && at != std::string::npos; ++field) {
      at = line.find(' ', at);
      if (at != std::string::npos) at = line.find_first_not_of(' ', at);
    }
    if (at == std::string::npos || line[at] != '/') continue;
    const std::string path = line.substr(at);
    // The kernel writes a newline in a name as \012; such a file, like a deleted one, is not found
    // under the name given here and is left out.
    std::error_code ignored;
    if (fs::is_regular_file(fs::symlink_status(path, ignored))) files.insert(path);
  }
  return {files.begin(), files.end()};
}

void send_loaded(Session& session) {
  std::ifstream maps("/proc/self/maps", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(maps)), std::istreambuf_iterator<char>());
  std::error_code ignored;
  const std::string engine = fs::canonical(session.request().engine_dir, ignored).string();
  Json files = Json::array();
  size_t bytes = 0;
  const auto flush = [&] {
    if (!files.empty()) session.events().send({{"event", "loaded"}, {"files", files}});
    files = Json::array();
    bytes = 0;
  };
  for (const std::string& path : mapped_files(text)) {
    if (!engine.empty() && inside(path, engine)) continue;
    if (bytes + path.size() > max_piece_bytes) flush();
    files.push_back({{"path", path}, {"how", "mapped"}});
    bytes += path.size() + 32;
  }
  flush();
}

}  // namespace assay::worker
