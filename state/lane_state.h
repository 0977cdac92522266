#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "state/state_store.h"
#include "state/state_table.h"
#include "state/vehicle_table.h"

namespace tacho {

// All state of one lane: the interned vehicles and the tables of its
// operators, over one store.
//
// Order of use: Declare every table, Load once, then per batch Intern, read
// and change tables, EvictIfOver; per epoch Freeze, (store.Apply elsewhere),
// Applied.
//
// A vehicle is *resident* if its stored entries are in memory. Load makes
// vehicles resident until `memory_bytes` is used and keeps only the id (a
// stub) of the rest; Intern and EnsureResident read a stub's entries from the
// store. A vehicle without stored state costs no look-up. So RocksDB is read
// only where a vehicle outside memory comes back, never per record.
//
// Threading: the lane's thread only; the store's Apply runs elsewhere.
// Errors: kIoError and kCorruption from the store; sticky for the lane.
class LaneState {
 public:
  LaneState(StateStore& store, size_t memory_bytes)
      : store_(store), memory_bytes_(memory_bytes) {}

  // Makes a table. REQUIRES: before Load; names are unique.
  template <typename Value>
  StateTable<Value>* Declare(TableSpec spec) {
    auto table = std::make_unique<StateTable<Value>>(std::move(spec));
    StateTable<Value>* const raw = table.get();
    Add(std::move(table));
    return raw;
  }

  // Opens the store's tables, checks that `marker` (if any) names the same
  // tables with the same fingerprints, and reads the stored entries.
  // `visit(vehicle, table, subkey)` is called for every one, resident or not,
  // after all tables are loaded; operators rebuild their timers from it.
  Status Load(const std::optional<Marker>& marker);

  // (vehicle, subkey) of every stored entry of `table` as of Load; freed by
  // ReleaseLoaded. For rebuilding what is derived from state, such as timers.
  const std::vector<std::pair<VehicleIndex, int64_t>>& loaded(
      const StateTableBase& table) const;
  void ReleaseLoaded();

  // The dense index of a vehicle, resident. Hot: one hash look-up.
  Result<VehicleIndex> Intern(std::string_view id);
  Status EnsureResident(VehicleIndex vehicle);
  std::string_view VehicleId(VehicleIndex v) const { return vehicles_.Id(v); }

  // Encodes all changes since the last freeze. At most one frozen epoch may
  // be unapplied. REQUIRES: !frozen().
  void Freeze(StateChanges& out);
  // The frozen epoch is in the store.
  void Applied();
  bool frozen() const { return frozen_; }

  // Evicts vehicles that are clean and not in use until memory is below the
  // limit, oldest use first (CLOCK over dense indexes). Between batches only.
  // Returns true if it is still over: the caller should ask for a freeze.
  bool EvictIfOver();

  // Fingerprints for the marker, sorted by name.
  std::vector<std::pair<std::string, uint64_t>> Fingerprints() const;

  size_t used_bytes() const;
  size_t vehicles() const { return vehicles_.size(); }
  size_t resident_vehicles() const { return resident_count_; }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  void Add(std::unique_ptr<StateTableBase> table);

  StateStore& store_;
  size_t memory_bytes_;
  VehicleTable vehicles_;
  std::vector<std::unique_ptr<StateTableBase>> tables_;
  std::vector<uint8_t> flags_;  // By vehicle: resident, has stored state, used.
  size_t resident_count_ = 0;
  bool frozen_ = false;
};

}  // namespace tacho
