// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/used_files.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace assay::audit {
namespace {

fs::path canonical_or_empty(const fs::path& p) {
  std::error_code ec;
  const fs::path out = fs::canonical(p, ec);
  return ec ? fs::path() : out;
}

}  // namespace

FileRoots::FileRoots(const Installation& in) {
  // A virtual environment borrows the standard library of the interpreter its python links to.
  const fs::path python = canonical_or_empty(in.python);
  const fs::path prefix = python.parent_path().parent_path();
  const fs::path assay = canonical_or_empty(executable_dir()).parent_path();
  for (auto [name, root] :
       {std::pair{"{venv}", in.venv}, std::pair{"{python}", prefix == "/usr" ? fs::path() : prefix},
        std::pair{"{assay}", assay}, std::pair{"{share}", canonical_or_empty(share_dir())}})
    if (!root.empty() && root != "/") roots_.emplace_back(name, root);
  std::stable_sort(roots_.begin(), roots_.end(), [](const auto& a, const auto& b) {
    return a.second.string().size() > b.second.string().size();
  });
}

std::string FileRoots::shorten(const fs::path& path) const {
  const std::string text = path.string();
  for (const auto& [name, root] : roots_) {
    const std::string head = root.string() + "/";
    if (text.starts_with(head)) return name + "/" + text.substr(head.size());
  }
  return text;
}

fs::path FileRoots::expand(const std::string& path) const {
  for (const fs::path& part : fs::path(path))
    if (part == "..") return {};
  if (path.starts_with('/')) return path;
  for (const auto& [name, root] : roots_)
    if (path.starts_with(name + "/")) return root / path.substr(name.size() + 1);
  return {};
}

Result<std::vector<UsedFile>> used_files(const EventLog& log, const FileRoots& roots,
                                         std::string_view by) {
  std::map<std::string, std::string> how;  // path -> how
  for (const Json& e : log.events) {
    if (get_string(e, "event") != "loaded") continue;
    for (const Json& f : get_array(e, "files")) how[get_string(f, "path")] = get_string(f, "how");
  }
  std::vector<UsedFile> out;
  for (const auto& [path, kind] : how) {
    if (!path.starts_with('/')) return bad_input("the child reported a file without a path");
    std::error_code ec;
    if (!fs::is_regular_file(path, ec))
      return bad_input(
          fmt::format("the child reported {}, which is no regular file", one_line(path)));
    ASSAY_TRY(std::string sha, sha256_file(path));
    out.push_back({roots.shorten(path), kind, std::string(by), std::move(sha)});
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace assay::audit
