// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/signature.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "base/json.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr size_t kKeyBytes = 32, kSignatureBytes = 64;
constexpr int64_t kMaxKeyFile = 1 << 16;

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string hex(const std::string& bytes) {
  std::string out;
  for (unsigned char c : bytes) out += fmt::format("{:02x}", c);
  return out;
}

std::optional<std::string> unhex(const std::string& text, size_t bytes) {
  if (text.size() != 2 * bytes || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2)
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return out;
}

// A key file with a pass phrase must not ask the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

Result<Owned<EVP_PKEY>> read_key(const fs::path& path, bool is_private) {
  ASSAY_TRY(std::string text, read_file(path, kMaxKeyFile));
  Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Owned<EVP_PKEY> key(is_private
                          ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr)
                          : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519)
    return bad_input(fmt::format("{} is no ed25519 {} key in PEM without a pass phrase",
                                 path.string(), is_private ? "private" : "public"),
                     is_private ? "make one with: assay lock keygen KEY"
                                : "give the .pub file that assay lock keygen wrote");
  return key;
}

Result<std::string> raw_public(EVP_PKEY* key) {
  std::string out(kKeyBytes, '\0');
  size_t size = out.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(out.data()), &size) != 1 ||
      size != kKeyBytes)
    return internal_error("OpenSSL gives no public key");
  return out;
}

Status write_new(const fs::path& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0)
    return bad_input(fmt::format("cannot create {}: {}", path.string(),
                                 std::error_code(errno, std::generic_category()).message()),
                     "name a file that does not exist, in a folder that does");
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(fd) != 0 || !whole)
    return bad_input(fmt::format("cannot write {}", path.string()), "check disk space");
  return {};
}

std::string pem_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

}  // namespace

Status generate_key(const fs::path& path) {
  const fs::path public_path = path.string() + ".pub";
  std::error_code ec;
  if (fs::exists(public_path, ec))
    return bad_input(fmt::format("{} exists", public_path.string()), "name another file");
  Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr));
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_keygen(context.get(), &made) != 1)
    return internal_error("OpenSSL makes no ed25519 key");
  Owned<EVP_PKEY> key(made);
  Owned<BIO> secret(BIO_new(BIO_s_mem())), open(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_PUBKEY(open.get(), key.get()) != 1)
    return internal_error("OpenSSL writes no key");
  ASSAY_CHECK(write_new(path, pem_text(secret.get()), 0600));
  return write_new(public_path, pem_text(open.get()), 0644);
}

Result<std::string> sign(std::string_view message, const fs::path& private_key) {
  ASSAY_TRY(Owned<EVP_PKEY> key, read_key(private_key, true));
  Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1 ||
      size != kSignatureBytes)
    return internal_error("OpenSSL does not sign");
  ASSAY_TRY(std::string raw, raw_public(key.get()));
  return dump_json({{"format", 1},
                    {"algorithm", "ed25519"},
                    {"public_key", hex(raw)},
                    {"signature", hex(signature)}},
                   1) +
         "\n";
}

Status check_signature(std::string_view message, std::string_view signature_text,
                       const fs::path& public_key) {
  ASSAY_TRY(Owned<EVP_PKEY> key, read_key(public_key, false));
  ASSAY_TRY(std::string raw, raw_public(key.get()));
  ASSAY_TRY(Json j, parse_json(signature_text, "lock.sig"));
  const auto signature = unhex(get_string(j, "signature"), kSignatureBytes);
  if (get_int(j, "format") != 1 || get_string(j, "algorithm") != "ed25519" || !signature)
    return bad_input("lock.sig is no ed25519 signature of format 1", "record the lock again");
  if (get_string(j, "public_key") != hex(raw))
    return bad_input(fmt::format("the lock is signed by another key than {}", public_key.string()),
                     "give the public key of whoever recorded it, or do not trust the lock");
  Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()),
                       signature->size(), reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) != 1)
    return bad_input("lock.sig does not sign this lock.json",
                     "the lock was changed after it was signed: do not trust it");
  return {};
}

}  // namespace assay::audit
