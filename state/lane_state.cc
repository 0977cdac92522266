#include "state/lane_state.h"

#include <algorithm>

#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

constexpr size_t kLoadCheckEvery = 256;  // Entries between memory checks.
constexpr size_t kEvictCheckEvery = 32;  // Evictions between memory checks.
constexpr size_t kForgetSteps = 32;      // Vehicles looked at per batch.
constexpr size_t kGrowStep = 256;        // Vehicles.

}  // namespace

void LaneState::Add(std::unique_ptr<StateTableBase> table) {
  CHECK(!opened_);
  for (const auto& other : tables_) {
    CHECK(other->spec().name != table->spec().name);
    CHECK(other->tag() != table->tag());
  }
  tables_.push_back(std::move(table));
}

std::vector<std::pair<std::string, uint64_t>> LaneState::Fingerprints() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  out.reserve(tables_.size());
  for (const auto& table : tables_) {
    out.emplace_back(table->spec().name, table->spec().fingerprint);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status LaneState::CheckFingerprints(const Marker& marker) const {
  LaneIdentity ours = marker.lane;
  ours.tables = Fingerprints();
  const auto differences = CompareLanes(ours, marker.lane, FoundIn::kDirectory);
  return differences.empty() ? Status::Ok() : differences.front().status;
}

Status LaneState::OpenTables(const std::optional<Marker>& marker) {
  CHECK(!opened_);
  if (marker) RETURN_IF_ERROR(CheckFingerprints(*marker));
  std::sort(tables_.begin(), tables_.end(), [](const auto& a, const auto& b) {
    return a->spec().name < b->spec().name;
  });
  std::vector<std::string> names;
  names.reserve(tables_.size());
  for (const auto& table : tables_) names.push_back(table->spec().name);
  RETURN_IF_ERROR(store_.OpenTables(names));
  opened_ = true;
  return Status::Ok();
}

Status LaneState::Load(const std::optional<Marker>& marker) {
  CHECK(loaded_.empty() && vehicles_.size() == 0);
  if (!opened_) {
    RETURN_IF_ERROR(OpenTables(marker));
  } else if (marker) {
    RETURN_IF_ERROR(CheckFingerprints(*marker));
  }
  loaded_.resize(tables_.size());
  for (TableId id = 0; id < tables_.size(); ++id) {
    error_ = LoadTable(id).With("table '" + tables_[id]->spec().name + "'");
    RETURN_IF_ERROR(error_);
  }
  return Status::Ok();
}

Status LaneState::ReadKey(std::string_view key, std::string_view& vehicle,
                          int64_t& subkey) {
  if (!ParseStateKey(key, vehicle, subkey, key_scratch_)) {
    return Corruption("a key of " + std::to_string(key.size()) +
                      " bytes does not parse");
  }
  if (vehicle.empty() || FindInvalidUtf8(vehicle) != std::string_view::npos) {
    return Corruption("a key's vehicle id of " +
                      std::to_string(vehicle.size()) +
                      " bytes is empty or not UTF-8");
  }
  return Status::Ok();
}

Status LaneState::CheckEntry(TableId id, std::string_view key,
                             std::string_view value) {
  CHECK(opened_ && id < tables_.size());
  StateTableBase& table = *tables_[id];
  std::string_view vehicle;
  int64_t subkey = 0;
  const Status read = ReadKey(key, vehicle, subkey);
  if (!read.ok()) return read.With("table " + table.spec().name);
  return value.data() == nullptr ? Status::Ok() : table.Check(subkey, value);
}

// A vehicle's entries are spread over tables and the tables are read one after
// the other, so which vehicles fit is not known before the end. Whenever memory
// is over the limit, vehicles loaded so far are evicted; what follows of them
// in later tables is skipped, because they are not resident any more.
Status LaneState::LoadTable(TableId id) {
  StateTableBase& table = *tables_[id];
  size_t entries = 0;
  const auto visit = [&](std::string_view key, std::string_view value) {
    std::string_view name;
    int64_t subkey = 0;
    RETURN_IF_ERROR(ReadKey(key, name, subkey));
    bool created = false;
    const VehicleIndex vehicle = NewVehicle(name, &created);
    // Of one that is left on disk as well: timers are made of its subkey.
    RETURN_IF_ERROR((vehicles_.marks(vehicle) & kResident) != 0
                        ? table.Load(vehicle, subkey, value)
                        : table.Check(subkey, value));
    loaded_[id].emplace_back(vehicle, subkey);
    if (++entries % kLoadCheckEvery == 0) Sweep();
    return Status::Ok();
  };
  RETURN_IF_ERROR(store_.Scan(id, {}, visit));
  Sweep();
  return Status::Ok();
}

const std::vector<std::pair<VehicleIndex, int64_t>>& LaneState::loaded(
    const StateTableBase& table) const {
  size_t id = 0;
  while (tables_[id].get() != &table) CHECK(++id < tables_.size());
  CHECK(id < loaded_.size());
  return loaded_[id];
}

void LaneState::ReleaseLoaded() {
  for (auto& entries : loaded_) {
    entries.clear();
    entries.shrink_to_fit();
  }
}

// A vehicle that was unknown has nothing stored: it is resident at once.
VehicleIndex LaneState::NewVehicle(std::string_view id, bool* created) {
  const VehicleIndex vehicle = vehicles_.Intern(id, created);
  if (!*created) return vehicle;
  vehicles_.marks(vehicle) = kResident;
  ++resident_count_;
  if (vehicle >= grown_) {
    grown_ = std::max(vehicle + kGrowStep, grown_ + grown_ / 4);
    for (const auto& table : tables_) table->Grow(grown_);
  }
  return vehicle;
}

Result<VehicleIndex> LaneState::Intern(std::string_view id) {
  RETURN_IF_ERROR(error_);
  bool created = false;
  const VehicleIndex vehicle = NewVehicle(id, &created);
  RETURN_IF_ERROR(EnsureResident(vehicle));
  return vehicle;
}

Status LaneState::InternBatch(Batch& batch) {
  RETURN_IF_ERROR(error_);
  const size_t rows = batch.records();
  vehicles_.FindAll(batch.vehicle_id.data(), rows, batch.vehicle.data());
  for (size_t row = 0; row < rows; ++row) {
    const VehicleIndex vehicle = batch.vehicle[row];
    if (vehicle != VehicleTable::kNone && Use(vehicle)) continue;
    ASSIGN_OR_RETURN(batch.vehicle[row], Intern(batch.vehicle_id[row]));
  }
  return Status::Ok();
}

Status LaneState::ReadStub(VehicleIndex vehicle) {
  RETURN_IF_ERROR(error_);
  std::vector<char> prefix;
  AppendVehiclePrefix(prefix, vehicles_.Id(vehicle));
  size_t entries = 0;
  for (TableId id = 0; id < tables_.size() && error_.ok(); ++id) {
    StateTableBase& table = *tables_[id];
    const auto visit = [&](std::string_view key, std::string_view value) {
      std::string_view name;
      int64_t subkey = 0;
      RETURN_IF_ERROR(ReadKey(key, name, subkey));
      ++entries;
      return table.Load(vehicle, subkey, value);
    };
    error_ = store_.Scan(id, {prefix.data(), prefix.size()}, visit)
                 .With("table '" + table.spec().name + "'");
  }
  // A stub is kept only because the store has entries of it.
  if (error_.ok() && entries == 0) {
    error_ = Corruption("the stored entries of a vehicle are gone");
  }
  RETURN_IF_ERROR(error_);
  vehicles_.marks(vehicle) |= kResident | kUsed;
  ++resident_count_;
  ++reads_;
  return Status::Ok();
}

void LaneState::Freeze(StateChanges& out) {
  CHECK(!frozen_);
  for (TableId id = 0; id < tables_.size(); ++id) {
    tables_[id]->Freeze(id, vehicles_, out);
  }
  frozen_ = true;
}

void LaneState::Applied() {
  CHECK(frozen_);
  for (const auto& table : tables_) table->Applied();
  frozen_ = false;
  swept_ = false;
}

bool LaneState::EvictIfOver() {
  ForgetEmpty(kForgetSteps);
  if (used_bytes() <= memory_bytes_) return false;
  // Until the next Applied only vehicles read in since could be evicted, and
  // looking at all of them for every batch would cost more than that gains.
  if (!swept_) Sweep();
  return used_bytes() > memory_bytes_ && resident_count_ > 0;
}

void LaneState::Sweep() {
  if (used_bytes() <= memory_bytes_) return;
  size_t evicted = 0;
  // Two rounds: the first may do no more than clear kUsed everywhere.
  for (size_t left = 2 * vehicles_.index_end(); left > 0; --left) {
    if (hand_ >= vehicles_.index_end()) hand_ = 0;
    const auto vehicle = static_cast<VehicleIndex>(hand_++);
    if (!vehicles_.Known(vehicle)) continue;
    uint8_t& marks = vehicles_.marks(vehicle);
    if ((marks & kUsed) != 0) {
      marks &= static_cast<uint8_t>(~kUsed);
      continue;
    }
    if (!TryEvict(vehicle)) continue;
    if (++evicted % kEvictCheckEvery == 0 && used_bytes() <= memory_bytes_) {
      return;
    }
  }
  swept_ = true;
}

// Makes a stub of a resident vehicle, or removes it if it has no entries.
bool LaneState::TryEvict(VehicleIndex vehicle) {
  if ((vehicles_.marks(vehicle) & kResident) == 0) return false;
  for (const auto& table : tables_) {
    if (!table->CanEvict(vehicle)) return false;
  }
  if (!HasEntries(vehicle)) {
    Remove(vehicle);
    return true;
  }
  for (const auto& table : tables_) table->Evict(vehicle);
  vehicles_.marks(vehicle) &= static_cast<uint8_t>(~kResident);
  --resident_count_;
  return true;
}

bool LaneState::HasEntries(VehicleIndex vehicle) const {
  return std::any_of(tables_.begin(), tables_.end(), [&](const auto& table) {
    return table->HasEntries(vehicle);
  });
}

void LaneState::ForgetEmpty(size_t steps) {
  for (; steps > 0 && vehicles_.size() > 0; --steps) {
    if (forget_hand_ >= vehicles_.index_end()) forget_hand_ = 0;
    const auto vehicle = static_cast<VehicleIndex>(forget_hand_++);
    if (!vehicles_.Known(vehicle)) continue;
    const bool resident = (vehicles_.marks(vehicle) & kResident) != 0;
    if (resident && !HasEntries(vehicle)) Remove(vehicle);
  }
}

void LaneState::Remove(VehicleIndex vehicle) {
  vehicles_.Remove(vehicle);
  --resident_count_;
}

size_t LaneState::changed_bytes() const {
  size_t sum = 0;
  for (const auto& table : tables_) sum += table->changed_bytes();
  return sum;
}

size_t LaneState::wanted_bytes() const {
  const size_t ids = vehicles_.used_bytes();
  const size_t resident = used_bytes() - ids;
  return ids + resident / std::max<size_t>(1, resident_count_) *
                   std::max(resident_count_, vehicles_.size());
}

size_t LaneState::used_bytes() const {
  size_t sum = vehicles_.used_bytes();
  for (const auto& table : tables_) sum += table->used_bytes();
  return sum;
}

}  // namespace tacho
