// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace assay {
namespace {

struct Fd {
  int fd = -1;
  explicit Fd(int f) : fd(f) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<Error> file_error(const fs::path& path, std::string_view what) {
  const int e = errno;
  std::string fix = e == ENOENT   ? "check the path"
                    : e == EACCES ? "check the permissions"
                    : e == ENOSPC ? "free disk space, then run the same command again: it goes on"
                                  : "";
  return bad_input(fmt::format("{} {}: {}", what, path.string(), std::strerror(e)), fix);
}

std::string hex(const unsigned char* bytes, unsigned n) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < n; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

class Sha256 {
 public:
  Sha256() : ctx_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(ctx_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(ctx_); }
  void add(const void* p, size_t n) { EVP_DigestUpdate(ctx_, p, n); }
  std::string finish() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(ctx_, out, &n);
    return hex(out, n);
  }

 private:
  EVP_MD_CTX* ctx_;
};

Status write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "cannot write");
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status sync_folder(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.fd < 0 || ::fsync(fd.fd) != 0) return file_error(folder, "cannot sync folder");
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, int64_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  if (fd.fd < 0 || ::fstat(fd.fd, &st) != 0) return file_error(path, "cannot read");
  if (!S_ISREG(st.st_mode)) {
    return bad_input(fmt::format("cannot read {}: not a regular file", path.string()));
  }
  if (st.st_size > max_bytes) {
    return bad_input(fmt::format("cannot read {}: {} bytes, expected at most {}", path.string(),
                                 st.st_size, max_bytes));
  }
  std::string out(static_cast<size_t>(st.st_size), '\0');
  size_t got = 0;
  while (got < out.size()) {
    const ssize_t n = ::read(fd.fd, out.data() + got, out.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "cannot read");
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  out.resize(got);
  return out;
}

Status write_file_atomic(const fs::path& path, std::string_view content) {
  const fs::path temporary = path.string() + ".tmp-" + random_id().substr(0, 8);
  auto attempt = [&]() -> Status {
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (fd.fd < 0) return file_error(temporary, "cannot write");
    ASSAY_CHECK(write_all(fd.fd, content, path));
    if (::fsync(fd.fd) != 0) return file_error(path, "cannot write");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return file_error(path, "cannot write");
    return sync_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
  };
  Status status = attempt();
  if (!status) ::unlink(temporary.c_str());
  return status;
}

Status make_dirs(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec) {
    return bad_input(fmt::format("cannot make folder {}: {}", path.string(), ec.message()),
                     "choose a folder you may write to");
  }
  return {};
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes.data(), bytes.size());
  return sha.finish();
}

Result<std::string> sha256_file(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.fd < 0) return file_error(path, "cannot read");
  Sha256 sha;
  auto buffer = std::make_unique<char[]>(1 << 20);
  for (;;) {
    const ssize_t n = ::read(fd.fd, buffer.get(), 1 << 20);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "cannot read");
    if (n == 0) return sha.finish();
    sha.add(buffer.get(), static_cast<size_t>(n));
  }
}

Result<fs::path> path_inside(const fs::path& root, std::string_view relative) {
  const fs::path rel(relative);
  bool bad = relative.empty() || rel.is_absolute() || relative.find('\0') != std::string_view::npos;
  for (const fs::path& part : rel) bad = bad || part == ".." || part.empty();
  if (!bad) {
    std::error_code ec;
    const fs::path base = fs::weakly_canonical(root, ec);
    const fs::path full = ec ? fs::path() : fs::weakly_canonical(base / rel, ec);
    if (!ec) {
      auto [b, f] = std::mismatch(base.begin(), base.end(), full.begin(), full.end());
      if (b == base.end()) return base / rel;
    }
  }
  return bad_input(
      fmt::format("path \"{}\" leaves its folder {}", one_line(relative), root.string()),
      "use a relative path inside that folder");
}

Result<MappedFile> MappedFile::open(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  if (fd.fd < 0 || ::fstat(fd.fd, &st) != 0) return file_error(path, "cannot read");
  if (!S_ISREG(st.st_mode)) {
    return bad_input(fmt::format("cannot read {}: not a regular file", path.string()));
  }
  MappedFile m;
  m.size_ = static_cast<size_t>(st.st_size);
  if (m.size_ > 0) {
    void* p = ::mmap(nullptr, m.size_, PROT_READ, MAP_SHARED, fd.fd, 0);
    if (p == MAP_FAILED) return file_error(path, "cannot map");
    m.data_ = static_cast<const std::byte*>(p);
  }
  return m;
}

MappedFile::MappedFile(MappedFile&& o) noexcept
    : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
MappedFile& MappedFile::operator=(MappedFile&& o) noexcept {
  std::swap(data_, o.data_);
  std::swap(size_, o.size_);
  return *this;
}
MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<TempDir> TempDir::create(const fs::path& parent, std::string_view prefix) {
  std::string pattern = (parent / fmt::format("{}XXXXXX", prefix)).string();
  if (!::mkdtemp(pattern.data())) return file_error(parent, "cannot make a temporary folder in");
  TempDir dir;
  dir.path_ = pattern;
  return dir;
}
TempDir::TempDir(TempDir&& o) noexcept : path_(std::exchange(o.path_, fs::path())) {}
TempDir& TempDir::operator=(TempDir&& o) noexcept {
  std::swap(path_, o.path_);
  return *this;
}
TempDir::~TempDir() {
  std::error_code ec;
  if (!path_.empty()) fs::remove_all(path_, ec);
}

fs::path executable_dir() {
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec);
  return ec ? fs::path(".") : self.parent_path();
}

fs::path cache_dir() {
  auto env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (auto v = env("ASSAY_CACHE"); !v.empty()) return fs::absolute(v);
  if (auto v = env("XDG_CACHE_HOME"); !v.empty()) return fs::absolute(v) / "assay";
  return fs::path(env("HOME")) / ".cache" / "assay";
}

}  // namespace assay
