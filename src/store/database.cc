// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <unistd.h>

#include <cctype>

namespace assay::store {
namespace {

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

tl::unexpected<Error> sql_error(sqlite3* db, const fs::path& file, std::string_view sql) {
  const int code = sqlite3_errcode(db);
  const std::string text = sqlite3_errmsg(db);
  if (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY ||
      code == SQLITE_CANTOPEN || code == SQLITE_PERM) {
    return bad_input(
        fmt::format("cannot write evidence to {}: {}", file.string(), text),
        "free disk space or mend the permissions, then run the same command again: it goes on");
  }
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    return bad_input(fmt::format("{} is damaged or no assay database: {}", file.string(), text),
                     "restore the run folder, or start anew with --fresh");
  }
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    return bad_input(fmt::format("{} is in use by another process", file.string()),
                     "wait for it to end");
  }
  return internal_error(
      fmt::format("SQL failed in {}: {} in: {}", file.string(), text, sql.substr(0, 200)));
}

// A run folder on read-only media: SQLite could not make the shared-memory file that WAL wants, and
// needs none, since nobody can write. With frames left in the log there is no such way in.
bool is_archive(const fs::path& file) {
  std::error_code ec;
  const fs::path log = file.string() + "-wal";
  return ::access(file.parent_path().c_str(), W_OK) != 0 &&
         (!fs::exists(log, ec) || fs::file_size(log, ec) == 0);
}

std::string percent_encoded(std::string_view path) {
  std::string out;
  for (unsigned char c : path) {
    if (std::isalnum(c) || c == '/' || c == '.' || c == '_' || c == '-')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02x}", c);
  }
  return out;
}

void bind_all(sqlite3_stmt* s, const std::vector<Value>& parameters) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    const Value& v = parameters[i];
    if (auto* n = std::get_if<int64_t>(&v))
      sqlite3_bind_int64(s, at, *n);
    else if (auto* d = std::get_if<double>(&v))
      sqlite3_bind_double(s, at, *d);
    else if (auto* t = std::get_if<std::string>(&v))
      sqlite3_bind_text64(s, at, t->data(), t->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    else
      sqlite3_bind_null(s, at);
  }
}

Value column(sqlite3_stmt* s, int i) {
  switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(s, i)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(s, i);
    case SQLITE_NULL:
      return std::monostate{};
    default: {
      const auto* p = reinterpret_cast<const char*>(sqlite3_column_text(s, i));
      return std::string(p ? p : "", static_cast<size_t>(sqlite3_column_bytes(s, i)));
    }
  }
}

}  // namespace

int64_t Row::integer(size_t i, int64_t fallback) const {
  if (auto* n = std::get_if<int64_t>(&values_[i])) return *n;
  return fallback;
}
double Row::real(size_t i, double fallback) const {
  if (auto* d = std::get_if<double>(&values_[i])) return *d;
  if (auto* n = std::get_if<int64_t>(&values_[i])) return static_cast<double>(*n);
  return fallback;
}
std::string Row::text(size_t i) const {
  if (auto* t = std::get_if<std::string>(&values_[i])) return *t;
  return "";
}

Result<Database> Database::open(const fs::path& file, Mode mode) {
  Database d;
  d.file_ = file;
  sqlite3* raw = nullptr;
  const int flags =
      (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const bool archive = mode == Mode::read_only && is_archive(file);
  const std::string name =
      archive ? "file:" + percent_encoded(file.string()) + "?immutable=1" : file.string();
  const int rc = sqlite3_open_v2(
      name.c_str(), &raw, flags | SQLITE_OPEN_NOFOLLOW | (archive ? SQLITE_OPEN_URI : 0), nullptr);
  d.db_.reset(raw);
  if (rc != SQLITE_OK) return sql_error(raw, file, "open");
  sqlite3_busy_timeout(raw, 5000);
  ASSAY_CHECK(d.script("PRAGMA foreign_keys=ON"));
  if (mode == Mode::read_write) {
    ASSAY_CHECK(d.script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"));
  }
  // Untrusted file: no schema trickery, and a first read proves that it is a database.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  ASSAY_CHECK(d.query("SELECT count(*) FROM sqlite_master"));
  return d;
}

Status Database::script(std::string_view sql) {
  if (sqlite3_exec(db_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return sql_error(db_.get(), file_, sql);
  return {};
}

Status Database::run(std::string_view sql, const std::vector<Value>& parameters) {
  auto rows = query(sql, parameters);
  if (!rows) return tl::unexpected<Error>(std::move(rows).error());
  return {};
}

Result<std::vector<Row>> Database::query(std::string_view sql,
                                         const std::vector<Value>& parameters) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr) !=
      SQLITE_OK)
    return sql_error(db_.get(), file_, sql);
  Statement s(raw, &sqlite3_finalize);
  bind_all(raw, parameters);
  std::vector<Row> rows;
  for (;;) {
    const int rc = sqlite3_step(raw);
    if (rc == SQLITE_DONE) return rows;
    if (rc != SQLITE_ROW) return sql_error(db_.get(), file_, sql);
    std::vector<Value> values;
    for (int i = 0; i < sqlite3_column_count(raw); ++i) values.push_back(column(raw, i));
    rows.emplace_back(std::move(values));
  }
}

Result<std::optional<Row>> Database::first(std::string_view sql,
                                           const std::vector<Value>& parameters) {
  ASSAY_TRY(auto rows, query(sql, parameters));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<Transaction> Transaction::begin(Database& db) {
  ASSAY_CHECK(db.script("BEGIN IMMEDIATE"));
  return Transaction(&db);
}
Transaction::~Transaction() {
  if (db_) (void)db_->script("ROLLBACK");
}
Status Transaction::commit() {
  ASSAY_CHECK(db_->script("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace assay::store
