#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/mutex.h"
#include "state/state_store.h"

namespace tacho {

// A store that lives as long as its object: for tests, and for runs that keep
// nothing. After Close its tables may be opened again, which is how a restart
// is tested.
//
// Threading: Apply and Scan exclude each other; `visit` must not call back.
class MemoryStore final : public StateStore {
 public:
  Status OpenTables(const std::vector<std::string>& names) override;
  Result<std::optional<Marker>> ReadMarker() override;
  Status Apply(const StateChanges& changes, const Marker& marker) override;
  Status Scan(TableId table, std::string_view prefix,
              const std::function<Status(std::string_view, std::string_view)>&
                  visit) const override;
  Status Flush() override { return Status::Ok(); }
  Status Close() override;

 private:
  using Table = std::map<std::string, std::string, std::less<>>;

  mutable Mutex mutex_;
  std::map<std::string, Table> tables_ GUARDED_BY(mutex_);
  std::vector<Table*> open_ GUARDED_BY(mutex_);  // By TableId.
  bool opened_ GUARDED_BY(mutex_) = false;
  std::vector<char> marker_ GUARDED_BY(mutex_);  // Encoded; empty: none.
};

}  // namespace tacho
