#include "state/memory_store.h"

#include <algorithm>

#include "pipeline/base/check.h"

namespace tacho {

Status MemoryStore::OpenTables(const std::vector<std::string>& names) {
  const MutexLock lock(mutex_);
  CHECK(!opened_);
  if (marker_.empty()) tables_.clear();  // Nothing is in them.
  for (const auto& [name, table] : tables_) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return InvalidArgument("the store has table '" + name +
                             "', which is not declared");
    }
  }
  for (const std::string& name : names) open_.push_back(&tables_[name]);
  opened_ = true;
  return Status::Ok();
}

Result<std::optional<Marker>> MemoryStore::ReadMarker() {
  const MutexLock lock(mutex_);
  if (marker_.empty()) return std::optional<Marker>();
  ASSIGN_OR_RETURN(Marker marker,
                   DecodeMarker({marker_.data(), marker_.size()}));
  return std::optional<Marker>(std::move(marker));
}

Status MemoryStore::Apply(const StateChanges& changes, const Marker& marker) {
  const MutexLock lock(mutex_);
  CHECK(opened_);
  for (const StateChanges::Change& change : changes.changes()) {
    Table& table = *open_.at(change.table);
    const std::string key(changes.Key(change));
    if (change.tombstone) {
      table.erase(key);
    } else {
      table[key] = changes.Value(change);
    }
  }
  marker_.clear();
  EncodeMarker(marker, marker_);
  return Status::Ok();
}

Status MemoryStore::Scan(
    TableId table, std::string_view prefix,
    const std::function<Status(std::string_view, std::string_view)>& visit)
    const {
  const MutexLock lock(mutex_);
  CHECK(opened_);
  const Table& entries = *open_.at(table);
  for (auto it = entries.lower_bound(prefix);
       it != entries.end() && it->first.starts_with(prefix); ++it) {
    RETURN_IF_ERROR(visit(it->first, it->second));
  }
  return Status::Ok();
}

Status MemoryStore::Close() {
  const MutexLock lock(mutex_);
  open_.clear();
  opened_ = false;
  return Status::Ok();
}

}  // namespace tacho
