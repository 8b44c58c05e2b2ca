// SPDX-License-Identifier: Apache-2.0
// Machines for tests: a text file that holds the small files of /proc and /sys of one machine,
// written into a temporary folder, to be given as Roots::root.
//
// A line is `path<TAB>content`; in the content \n, \t, \0 and \\ stand for those characters. In a
// path `{0-3}` stands for each number, and `{}` in its content for the same one. Empty lines and
// lines that begin with # say nothing.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "platform/roots.h"

namespace assay::platform {

class MadeTree {
 public:
  static Result<MadeTree> empty() {
    ASSAY_TRY(auto folder, TempDir::create(fs::temp_directory_path(), "assay-tree-"));
    return MadeTree(std::move(folder));
  }
  // A machine of src/platform/testdata/trees ("desktop-amd"), or a file of that format.
  static Result<MadeTree> of(const std::string& machine) {
#ifdef ASSAY_TREES
    const fs::path file = fs::path(ASSAY_TREES) / (machine + ".tree");
    if (fs::exists(file)) return of_file(file);
#endif
    return of_file(machine);
  }
  static Result<MadeTree> of_file(const fs::path& file) {
    ASSAY_TRY(const std::string text, read_file(file));
    ASSAY_TRY(auto tree, empty());
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.empty() || line.starts_with('#')) continue;
      const size_t tab = line.find('\t');
      if (!line.starts_with('/') || tab == std::string_view::npos) {
        return bad_input(fmt::format("{}: no `path<TAB>content`: {}", file.string(), line));
      }
      tree.add(std::string(line.substr(0, tab)), unescaped(line.substr(tab + 1)));
    }
    return tree;
  }

  const fs::path& root() const { return folder_.path(); }
  fs::path at(std::string_view path) const {
    return folder_.path() / fs::path(path).relative_path();
  }
  Roots roots() const {
    Roots r;
    r.root = root();
    return r;
  }
  // Writes in place (the same inode), so that whoever holds the file open reads the new content, as
  // with a file of the kernel.
  void write(std::string_view path, std::string_view content) const {
    const auto folder = at(path).parent_path();
    if (!fs::exists(folder)) fs::create_directories(folder);
    std::ofstream(at(path), std::ios::binary | std::ios::trunc) << content;
  }
  void remove(std::string_view path) const { fs::remove_all(at(path)); }

 private:
  explicit MadeTree(TempDir folder) : folder_(std::move(folder)) {}

  static std::string unescaped(std::string_view s) {
    std::string out;
    for (size_t k = 0; k < s.size(); ++k) {
      if (s[k] != '\\' || k + 1 == s.size()) {
        out.push_back(s[k]);
        continue;
      }
      const char c = s[++k];
      out.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c);
    }
    return out;
  }

  void add(const std::string& path, const std::string& content) const {
    const size_t open = path.find('{'), close = path.find('}');
    if (open == std::string::npos || close == std::string::npos) return write(path, content);
    const auto range = path.substr(open + 1, close - open - 1);
    const int first = std::stoi(range), last = std::stoi(range.substr(range.find('-') + 1));
    for (int k = first; k <= last; ++k) {
      const auto number = std::to_string(k);
      auto one = content;
      for (size_t at = one.find("{}"); at != std::string::npos; at = one.find("{}")) {
        one.replace(at, 2, number);
      }
      write(fmt::format("{}{}{}", path.substr(0, open), number, path.substr(close + 1)), one);
    }
  }

  TempDir folder_;
};

}  // namespace assay::platform
