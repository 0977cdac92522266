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

class Batch;

// All state of one lane: the interned vehicles and the tables of its
// operators, over one store.
//
// Order of use: Declare every table, OpenTables if something is to be restored
// into the store first, Load once, then per batch InternBatch, read and change
// tables, EvictIfOver; per epoch Freeze, (store.Apply elsewhere), Applied.
//
// A vehicle is *resident* if all its stored entries are in memory; any other
// known vehicle is a *stub*: its id is kept because the store has entries of
// it. Load makes vehicles resident until `memory_bytes` is used; Intern and
// EnsureResident read a stub's entries from the store. A vehicle that is
// unknown has no stored state, so a new one costs no look-up. RocksDB is read
// only where a vehicle outside memory comes back, never per record.
//
// An index belongs to a vehicle while it is in the current batch or has an
// entry in any table, in memory or stored; after that it is given to another.
// What operators derive from state and key by index (timers) must be checked
// against the table before it is used.
//
// Threading: the lane's thread only; the store's Apply runs elsewhere.
// Errors: kIoError and kCorruption from the store; sticky for the lane.
// Limits: used_bytes() may pass `memory_bytes` by what one epoch changes, and
// by the stubs, which are not evicted (see VehicleTable, plus 8 bytes a table).
class LaneState {
 public:
  LaneState(StateStore& store, size_t memory_bytes)
      : store_(store), memory_bytes_(memory_bytes) {}
  LaneState(const LaneState&) = delete;
  LaneState& operator=(const LaneState&) = delete;

  // Makes a table whose stored values have to pass `check`. REQUIRES: before
  // OpenTables; names are unique.
  template <typename Value>
  StateTable<Value>* Declare(TableSpec spec, ValueCheck<Value> check) {
    auto table =
        std::make_unique<StateTable<Value>>(std::move(spec), std::move(check));
    StateTable<Value>* const raw = table.get();
    Add(std::move(table));
    return raw;
  }

  // Checks that `marker` (if any) names the declared tables with their
  // fingerprints, and opens them in the store. A table's TableId is its rank
  // by name, that is, its place in Fingerprints().
  // Errors: kInvalidArgument with the remedy if tables or fingerprints differ.
  Status OpenTables(const std::optional<Marker>& marker);

  // Whether table `id` could have written this entry; `value` is null for one
  // that is erased. For what comes from elsewhere (a changelog) on its way into
  // the store. Between OpenTables and Load.
  // Errors: kCorruption with table and reason.
  Status CheckEntry(TableId id, std::string_view key, std::string_view value);

  // Checks `marker` and reads the stored entries, each of which is checked;
  // calls OpenTables if nobody has.
  Status Load(const std::optional<Marker>& marker);

  // (vehicle, subkey) of every stored entry of `table` as of Load, of stubs
  // too, in key order; freed by ReleaseLoaded. For rebuilding what is derived
  // from state, such as timers.
  const std::vector<std::pair<VehicleIndex, int64_t>>& loaded(
      const StateTableBase& table) const;
  void ReleaseLoaded();

  // Fills batch.vehicle from batch.vehicle_id; all of them become resident.
  // Hot: one hash look-up a row.
  Status InternBatch(Batch& batch);
  // The dense index of a vehicle, resident.
  Result<VehicleIndex> Intern(std::string_view id);
  // The same, or VehicleTable::kNone if Intern has more to do than look up.
  VehicleIndex InternFast(std::string_view id) {
    const VehicleIndex vehicle = vehicles_.Find(id);
    return vehicle != VehicleTable::kNone && Use(vehicle) ? vehicle
                                                          : VehicleTable::kNone;
  }
  // Reads a stub's entries from the store; nothing to do if it is resident.
  Status EnsureResident(VehicleIndex vehicle) {
    return Use(vehicle) ? Status::Ok() : ReadStub(vehicle);
  }
  // Valid until the vehicle is removed, see above.
  std::string_view VehicleId(VehicleIndex v) const { return vehicles_.Id(v); }

  // Encodes all changes since the last freeze. At most one frozen epoch may
  // be unapplied. REQUIRES: !frozen().
  void Freeze(StateChanges& out);
  // The frozen epoch is in the store, or had no changes. REQUIRES: frozen().
  void Applied();
  bool frozen() const { return frozen_; }
  // The store's first failure; sticky.
  const Status& error() const { return error_; }

  // Evicts vehicles that are clean, oldest use first (CLOCK over dense
  // indexes), until memory is below the limit, and forgets some vehicles that
  // have no entries left. Between batches only.
  // Returns true if changes that are not applied keep it over: the caller
  // should freeze, or wait for the frozen epoch to be applied.
  bool EvictIfOver();

  // Fingerprints for the marker, sorted by name.
  std::vector<std::pair<std::string, uint64_t>> Fingerprints() const;

  size_t used_bytes() const;
  // About what it would be if nothing had to be read back.
  size_t wanted_bytes() const;
  // Vehicles whose entries were read back from the store since the last call.
  uint64_t TakeReads() { return std::exchange(reads_, 0); }
  // About what the changes since the last freeze add to an epoch.
  size_t changed_bytes() const;
  size_t tables() const { return tables_.size(); }
  size_t vehicles() const { return vehicles_.size(); }
  size_t resident_vehicles() const { return resident_count_; }
  size_t memory_bytes() const { return memory_bytes_; }
  // Takes effect at the next EvictIfOver.
  void set_memory_bytes(size_t bytes) { memory_bytes_ = bytes; }

 private:
  // The tables that `marker` names are those that are declared.
  Status CheckFingerprints(const Marker& marker) const;
  // Marks of a vehicle.
  static constexpr uint8_t kResident = 1;
  static constexpr uint8_t kUsed = 2;  // Since the hand last passed.

  void Add(std::unique_ptr<StateTableBase> table);
  Status LoadTable(TableId id);
  // The vehicle and subkey of a stored key.
  Status ReadKey(std::string_view key, std::string_view& vehicle,
                 int64_t& subkey);
  VehicleIndex NewVehicle(std::string_view id, bool* created);
  Status ReadStub(VehicleIndex vehicle);
  bool TryEvict(VehicleIndex vehicle);
  bool HasEntries(VehicleIndex vehicle) const;
  void ForgetEmpty(size_t steps);
  void Sweep();
  void Remove(VehicleIndex vehicle);

  // True, and counts as a use, if the vehicle is resident.
  bool Use(VehicleIndex vehicle) {
    uint8_t& marks = vehicles_.marks(vehicle);
    if ((marks & kResident) == 0) return false;
    if ((marks & kUsed) == 0) marks |= kUsed;
    return true;
  }

  StateStore& store_;
  size_t memory_bytes_;
  VehicleTable vehicles_;
  std::vector<std::unique_ptr<StateTableBase>> tables_;  // By TableId.
  std::vector<std::vector<std::pair<VehicleIndex, int64_t>>> loaded_;
  size_t grown_ = 0;  // Vehicles that the tables have room for.
  size_t resident_count_ = 0;
  uint64_t reads_ = 0;
  size_t hand_ = 0;         // Of CLOCK.
  size_t forget_hand_ = 0;  // Of the sweep for empty vehicles.
  bool opened_ = false;
  bool frozen_ = false;
  bool swept_ = false;  // Nothing more is evictable before Applied.
  Status error_;
  std::vector<char> key_scratch_;
};

}  // namespace tacho
