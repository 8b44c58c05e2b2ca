// SPDX-License-Identifier: Apache-2.0
#include "platform/tree.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "platform/kernel_file.h"

namespace assay::platform {
namespace {

constexpr size_t kMostBytes = 64 << 10;
constexpr size_t kMostNames = 1 << 16;  // of one folder
constexpr std::string_view kBlank(" \t\r\n\v\f\0", 7);

std::string_view trimmed(std::string_view s) {
  const size_t first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

bool shorter(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

// `*` stands for any characters of one name.
bool matches(std::string_view name, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const auto rest = pattern.substr(star + 1);
  for (size_t at = star; at <= name.size(); ++at) {
    if (matches(name.substr(at), rest)) return true;
  }
  return false;
}

}  // namespace

fs::path Tree::at(std::string_view path) const {
  while (path.starts_with('/')) path.remove_prefix(1);
  return root_ / path;
}

std::optional<fs::path> Tree::inside(std::string_view path) const {
  const auto below = at(path);
  if (root_ == "/") return below;
  // A recorded tree is somebody else's: a link in it must not show this machine's files.
  std::error_code error;
  const auto root = fs::canonical(root_, error);
  if (error) return std::nullopt;
  const auto real = fs::canonical(below, error);
  if (error) return std::nullopt;
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (end != root.end()) return std::nullopt;
  return real;
}

bool Tree::exists(std::string_view path) const {
  const auto real = inside(path);
  struct stat st {};
  return real && ::stat(real->c_str(), &st) == 0;
}

std::optional<std::string> Tree::text(std::string_view path) const {
  const KernelFile file(*this, path);
  if (!file) return std::nullopt;
  std::string out(kMostBytes, '\0');
  const auto got = file.read(out.data(), out.size());
  if (!got) return std::nullopt;
  out.resize(*got);
  const size_t last = out.find_last_not_of(kBlank);
  out.resize(last == std::string::npos ? 0 : last + 1);
  return out;
}

std::string Tree::first_line(std::string_view path) const {
  const auto all = text(path);
  if (!all) return "";
  return one_line(trimmed(std::string_view(*all).substr(0, all->find('\n'))));
}

std::optional<int64_t> Tree::number(std::string_view path) const {
  const auto all = text(path);
  if (!all) return std::nullopt;
  const int64_t value = whole_number(*all);
  if (value == kUnknown) return std::nullopt;
  return value;
}

std::vector<std::string> Tree::list(std::string_view folder) const {
  std::vector<std::string> names;
  const auto real = inside(folder);
  if (!real) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(real->c_str()), ::closedir);
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == kMostNames) break;
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end(), shorter);
  return names;
}

std::vector<std::string> Tree::glob(std::string_view pattern) const {
  std::vector<std::string> paths(1);
  while (!pattern.empty()) {
    pattern.remove_prefix(std::min(pattern.find_first_not_of('/'), pattern.size()));
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (part.empty()) break;
    std::vector<std::string> next;
    for (const auto& path : paths) {
      if (part.find('*') == std::string_view::npos) {
        next.push_back(fmt::format("{}/{}", path, part));
        continue;
      }
      for (const auto& name : list(path.empty() ? "/" : path)) {
        if (matches(name, part)) next.push_back(fmt::format("{}/{}", path, name));
      }
    }
    paths = std::move(next);
  }
  std::erase_if(paths, [&](const std::string& path) { return path.empty() || !exists(path); });
  return paths;
}

std::string Tree::field(std::string_view path, std::string_view key, size_t most) const {
  const auto all = text(path);
  if (!all) return "";
  std::string_view rest = *all;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(key)) continue;
    line = trimmed(line.substr(key.size()));
    if (line.starts_with(':')) return one_line(trimmed(line.substr(1)), most);
  }
  return "";
}

}  // namespace assay::platform
