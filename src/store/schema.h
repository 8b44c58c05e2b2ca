// SPDX-License-Identifier: Apache-2.0
// The migrations in schema/NNN.sql, compiled in; entry v brings a database from version v to v+1.
#pragma once

#include <string_view>
#include <vector>

namespace assay::store {
extern const std::vector<std::string_view> kMigrations;
}  // namespace assay::store
