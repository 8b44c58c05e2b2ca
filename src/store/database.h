// SPDX-License-Identifier: Apache-2.0
// Thin owner of an SQLite connection: prepared statements, Results instead of codes, no exceptions.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace assay::store {

// NULL, integer, real or text: what a column holds or a parameter takes.
using Value = std::variant<std::monostate, int64_t, double, std::string>;

// One row of a query, by position. Absent or other types give the fallback.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  int64_t integer(size_t i, int64_t fallback = 0) const;
  double real(size_t i, double fallback = 0) const;
  std::string text(size_t i) const;  // "" for NULL
  bool null(size_t i) const { return std::holds_alternative<std::monostate>(values_[i]); }

 private:
  std::vector<Value> values_;
};

class Database {
 public:
  enum class Mode { read_only, read_write };
  // WAL, synchronous=FULL, foreign keys on, 5 s busy timeout. Usage error when the file is not a
  // database.
  static Result<Database> open(const fs::path& file, Mode mode);
  Status script(std::string_view sql);  // several statements, no parameters
  Status run(std::string_view sql, const std::vector<Value>& parameters = {});
  Result<std::vector<Row>> query(std::string_view sql, const std::vector<Value>& parameters = {});
  // Single value of the first row; NULL when there is no row.
  Result<std::optional<Row>> first(std::string_view sql, const std::vector<Value>& parameters = {});

 private:
  struct Closer {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Closer> db_;
  fs::path file_;
};

// BEGIN IMMEDIATE now; ROLLBACK in the destructor unless commit() was called.
class Transaction {
 public:
  static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& o) noexcept : db_(std::exchange(o.db_, nullptr)) {}
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace assay::store
