#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "state/codec.h"
#include "state/state_store.h"
#include "state/vehicle_table.h"

namespace tacho {

// Identity and meaning of a table. The fingerprint hashes everything that
// changes what stored values mean (operator type, key, parameters: a window's
// size, not a threshold that only new values are held against); a mismatch at
// open stops with the remedy.
struct TableSpec {
  std::string name;  // Unique in the lane: "<stream>.<operator>.<table>".
  uint64_t fingerprint = 0;   // Never 0: see operators/fingerprint.h.
  uint8_t value_version = 1;  // First byte of every stored value.
  size_t heap_bytes = 0;      // What a value owns outside itself, estimated.
};

// Says what is wrong with a value that has decoded under `subkey`; nullptr if
// the operator that owns the table could have written it. Declared with the
// table: only its operator knows which subkeys, layouts, ranges and texts there
// are, and it trusts its values from there on: no loop may run as often as a
// stored value says.
template <typename Value>
using ValueCheck = std::function<const char*(int64_t subkey, const Value&)>;

// What LaneState needs of a table without knowing its value type.
class StateTableBase {
 public:
  explicit StateTableBase(TableSpec spec)
      : spec_(std::move(spec)), tag_(TableTag(spec_.name)) {
    CHECK(spec_.fingerprint != 0);
  }
  virtual ~StateTableBase() = default;
  StateTableBase(const StateTableBase&) = delete;
  StateTableBase& operator=(const StateTableBase&) = delete;

  const TableSpec& spec() const { return spec_; }
  // What the changelog calls this table.
  uint32_t tag() const { return tag_; }

  // Whether `bytes` is a value that this table could hold under `subkey`.
  // kCorruption with the reason.
  virtual Status Check(int64_t subkey, std::string_view bytes) = 0;

  // Makes room for vehicles [0, count).
  virtual void Grow(size_t count) = 0;
  // Adds a stored entry, once it has passed Check. The vehicle must not be
  // resident yet.
  virtual Status Load(VehicleIndex vehicle, int64_t subkey,
                      std::string_view bytes) = 0;
  // Encodes what changed since the last freeze, in the order of first change.
  // REQUIRES: the epoch frozen before is applied.
  virtual void Freeze(TableId id, const VehicleTable& vehicles,
                      StateChanges& out) = 0;
  // The last frozen epoch has reached the store.
  virtual void Applied() = 0;
  // True if nothing of the vehicle is newer than the last applied epoch.
  virtual bool CanEvict(VehicleIndex vehicle) const = 0;
  // Frees the vehicle's entries. REQUIRES: CanEvict(vehicle).
  virtual void Evict(VehicleIndex vehicle) = 0;
  // True if the vehicle has an entry in memory, erased ones included.
  virtual bool HasEntries(VehicleIndex vehicle) const = 0;
  virtual size_t used_bytes() const = 0;
  virtual size_t entries() const = 0;
  // About what the changes since the last freeze will take when encoded.
  virtual size_t changed_bytes() const = 0;

 private:
  TableSpec spec_;
  uint32_t tag_;
};

// Typed state of one operator, keyed by (vehicle, subkey): what an operator
// sees of its state. Values are plain structs, held decoded; an entry that
// changed is encoded once, at the next freeze.
//
// Value must have: a default constructor; void Reset() (back to the default,
// keeping capacity); void Encode(ByteWriter&) const; bool Decode(ByteReader&).
//
// A vehicle's entries form a chain in descending order of subkey, so that the
// newest window is found first and without hashing; a chain that is walked
// far gets an index, so that no order of subkeys costs more than a logarithm.
// Only resident vehicles (LaneState::Intern, EnsureResident) may be asked for.
//
// Threading: the lane's thread only.
// Lifetime: pointers to values stay valid until the entry is erased and
// applied, or its vehicle evicted; eviction happens only between batches.
template <typename Value>
class StateTable final : public StateTableBase {
 public:
  struct Entry {
    int64_t subkey = 0;
    Entry* next = nullptr;    // Smaller subkey of the same vehicle.
    uint64_t changed_in = 0;  // Freeze number that will hold, or held, it.
    VehicleIndex vehicle = 0;
    bool stored = false;  // The store has, or will get, a value.
    bool erased = false;  // A tombstone until its epoch is applied.
    Value value;
  };

  StateTable(TableSpec spec, ValueCheck<Value> check)
      : StateTableBase(std::move(spec)), check_(std::move(check)) {
    CHECK(check_ != nullptr);
  }
  ~StateTable() override {
    for (Entry* e : heads_) {
      while (e != nullptr) delete std::exchange(e, e->next);
    }
  }

  // The value, or nullptr; to change it, Mutate. Cheap for the newest subkey.
  const Value* Find(VehicleIndex vehicle, int64_t subkey = 0) {
    Entry* const e = FindEntry(vehicle, subkey);
    return e == nullptr || e->erased ? nullptr : &e->value;
  }

  // The value for changing it; a new one is Reset. Marks it changed.
  Value& Mutate(VehicleIndex vehicle, int64_t subkey, bool* created) {
    Entry** link = FindLink(vehicle, subkey);
    Entry* e = *link;
    *created = false;
    if (e == nullptr || e->subkey != subkey) {
      e = NewEntry(vehicle, subkey);
      Link(e, link);
      *created = true;
    } else if (e->erased) {
      e->erased = false;
      e->value.Reset();
      ++live_;
      *created = true;
    }
    Touch(*e);
    return e->value;
  }
  Value& Mutate(VehicleIndex vehicle, int64_t subkey = 0) {
    bool created;
    return Mutate(vehicle, subkey, &created);
  }

  void Erase(VehicleIndex vehicle, int64_t subkey = 0) {
    Entry* const e = FindEntry(vehicle, subkey);
    if (e == nullptr || e->erased) return;
    e->erased = true;
    --live_;
    Touch(*e);
  }

  // Calls visit(subkey, value) for the vehicle's entries, newest subkey first.
  // `visit` must not change the table.
  template <typename Visit>
  void ForEach(VehicleIndex vehicle, Visit&& visit) {
    for (Entry* e = heads_[vehicle]; e != nullptr; e = e->next) {
      if (!e->erased) visit(e->subkey, std::as_const(e->value));
    }
  }

  // The same for the entries from `from` on, oldest first, until `visit`
  // returns false.
  template <typename Visit>
  void VisitUp(VehicleIndex vehicle, int64_t from, Visit&& visit) {
    Entry* newest_first[kMaxWalk];
    size_t count = 0;
    Entry* e = heads_[vehicle];
    for (; e != nullptr && e->subkey >= from; e = e->next) {
      if (count == kMaxWalk) return VisitUpIndex(vehicle, from, visit);
      newest_first[count++] = e;
    }
    while (count > 0) {
      e = newest_first[--count];
      if (!e->erased && !visit(e->subkey, std::as_const(e->value))) return;
    }
  }

  void Grow(size_t count) override {
    if (count > heads_.size()) heads_.resize(count, nullptr);
  }

  Status Check(int64_t subkey, std::string_view bytes) override {
    scratch_.Reset();
    return Read(subkey, bytes, scratch_);
  }

  Status Load(VehicleIndex vehicle, int64_t subkey,
              std::string_view bytes) override {
    Entry** link = FindLink(vehicle, subkey);
    if (*link != nullptr && (*link)->subkey == subkey) {
      return Wrong(subkey, "the entry is there twice");
    }
    Entry* const e = NewEntry(vehicle, subkey);
    Status read = Read(subkey, bytes, e->value);
    if (!read.ok()) {
      --live_;
      Free(e);
      return read;
    }
    e->stored = true;
    Link(e, link);
    return Status::Ok();
  }

  void Freeze(TableId id, const VehicleTable& vehicles,
              StateChanges& out) override {
    for (Entry* const e : dirty_) {
      if (e->erased && !e->stored) {
        frozen_erased_.push_back(e);  // Born and erased unseen.
        continue;
      }
      out.Begin(id, tag());
      AppendStateKey(out.bytes(), vehicles.Id(e->vehicle), e->subkey);
      out.EndKey();
      if (e->erased) {
        out.EndTombstone();
        e->stored = false;
        frozen_erased_.push_back(e);
        continue;
      }
      ByteWriter writer(out.bytes());
      writer.U8(spec().value_version);
      e->value.Encode(writer);
      out.EndValue();
      e->stored = true;
    }
    dirty_.clear();
    ++current_;
  }

  void Applied() override {
    applied_ = current_ - 1;
    for (Entry* const e : frozen_erased_) {
      // Written again since: alive, or a tombstone of the next epoch.
      if (!e->erased || e->changed_in > applied_) continue;
      Unlink(e);
      Recycle(e);
    }
    frozen_erased_.clear();
  }

  bool CanEvict(VehicleIndex vehicle) const override {
    // Broken on purpose: what is frozen counts as applied.
    const uint64_t safe = SABOTAGED("evict_early") ? current_ - 1 : applied_;
    for (const Entry* e = heads_[vehicle]; e != nullptr; e = e->next) {
      if (e->changed_in > safe || e->erased) return false;
    }
    return true;
  }

  void Evict(VehicleIndex vehicle) override {
    Entry* e = heads_[vehicle];
    while (e != nullptr) {
      Entry* const next = e->next;
      --live_;
      Free(e);
      e = next;
    }
    heads_[vehicle] = nullptr;
    DropIndex(vehicle);
  }

  bool HasEntries(VehicleIndex vehicle) const override {
    return heads_[vehicle] != nullptr;
  }
  size_t used_bytes() const override {
    return (in_use_ + free_.size()) * (sizeof(Entry) + spec().heap_bytes) +
           (heads_.capacity() + free_.capacity() + dirty_.capacity() +
            frozen_erased_.capacity()) *
               sizeof(Entry*) +
           indexed_ * kIndexNodeBytes;
  }
  size_t entries() const override { return live_; }
  size_t changed_bytes() const override {
    constexpr size_t kKeyBytes = 40;  // Prefix, vehicle id, subkey.
    return dirty_.size() * (kKeyBytes + sizeof(Value) + spec().heap_bytes);
  }

 private:
  Status Read(int64_t subkey, std::string_view bytes, Value& value) const {
    ByteReader reader(bytes);
    const uint8_t version = reader.U8();
    if (!reader.ok() || version != spec().value_version) {
      return Wrong(subkey, "value version " + std::to_string(version) +
                               ", expected " +
                               std::to_string(spec().value_version));
    }
    if (!value.Decode(reader) || !reader.done()) {
      return Wrong(subkey, "the value does not decode");
    }
    const char* const wrong = check_(subkey, value);
    return wrong == nullptr ? Status::Ok() : Wrong(subkey, wrong);
  }

  Status Wrong(int64_t subkey, const std::string& what) const {
    return Corruption("table " + spec().name + ", subkey " +
                      std::to_string(subkey) + ": " + what);
  }

  void Touch(Entry& e) {
    if (e.changed_in == current_) return;
    e.changed_in = current_;
    dirty_.push_back(&e);
  }

  using Index = std::map<int64_t, Entry*>;

  Entry* FindEntry(VehicleIndex vehicle, int64_t subkey) {
    DCHECK(vehicle < heads_.size());
    Entry* const e = *FindLink(vehicle, subkey);
    return e != nullptr && e->subkey == subkey ? e : nullptr;
  }

  // Where the entry of `subkey` hangs, or would. It is nearly always among the
  // newest; who walks further down a chain does it by an index.
  Entry** FindLink(VehicleIndex vehicle, int64_t subkey) {
    Entry** link = &heads_[vehicle];
    size_t walked = 0;
    while (*link != nullptr && (*link)->subkey > subkey) {
      if (++walked == kMaxWalk) return FindLinkByIndex(vehicle, subkey);
      link = &(*link)->next;
    }
    return link;
  }

  Entry** FindLinkByIndex(VehicleIndex vehicle, int64_t subkey) {
    Index& index = IndexOf(vehicle);
    const auto newer = index.upper_bound(subkey);
    return newer == index.end() ? &heads_[vehicle] : &newer->second->next;
  }

  template <typename Visit>
  void VisitUpIndex(VehicleIndex vehicle, int64_t from, Visit& visit) {
    Index& index = IndexOf(vehicle);
    for (auto at = index.lower_bound(from); at != index.end(); ++at) {
      Entry* const e = at->second;
      if (!e->erased && !visit(e->subkey, std::as_const(e->value))) return;
    }
  }

  // Of a long chain: every entry of it, made when it is first wanted.
  Index& IndexOf(VehicleIndex vehicle) {
    const auto [found, made] = indexes_.try_emplace(vehicle);
    Index& index = found->second;
    if (!made) return index;
    for (Entry* e = heads_[vehicle]; e != nullptr; e = e->next) {
      index.emplace_hint(index.begin(), e->subkey, e);
      ++indexed_;
    }
    return index;
  }

  void DropIndex(VehicleIndex vehicle) {
    if (indexes_.empty()) return;
    const auto found = indexes_.find(vehicle);
    if (found == indexes_.end()) return;
    indexed_ -= found->second.size();
    indexes_.erase(found);
  }

  void Link(Entry* e, Entry** link) {
    e->next = *link;
    *link = e;
    if (indexes_.empty()) return;
    const auto found = indexes_.find(e->vehicle);
    if (found == indexes_.end()) return;
    found->second.emplace(e->subkey, e);
    ++indexed_;
  }

  Entry* NewEntry(VehicleIndex vehicle, int64_t subkey) {
    Entry* e;
    if (free_.empty()) {
      e = new Entry;
    } else {
      e = free_.back().release();
      free_.pop_back();
      e->value.Reset();
    }
    e->subkey = subkey;
    e->next = nullptr;
    e->changed_in = 0;
    e->vehicle = vehicle;
    e->stored = false;
    e->erased = false;
    ++live_;
    ++in_use_;
    return e;
  }

  void Unlink(Entry* e) {
    Entry** const link = FindLink(e->vehicle, e->subkey);
    CHECK(*link == e);
    *link = e->next;
    if (indexes_.empty()) return;
    const auto found = indexes_.find(e->vehicle);
    if (found == indexes_.end()) return;
    indexed_ -= found->second.erase(e->subkey);
    if (found->second.size() < kMaxWalk / 2) DropIndex(e->vehicle);
  }

  // Back to the heap: eviction is there to give memory back. `live_` is the
  // caller's business, here and below.
  void Free(Entry* e) {
    --in_use_;
    const std::unique_ptr<Entry> owned(e);
  }

  // Keeps an erased entry for the next new one: windows of a whole fleet close
  // and open together, and that must not allocate.
  void Recycle(Entry* e) {
    --in_use_;
    std::unique_ptr<Entry> owned(e);
    if (free_.size() < in_use_ + 256) free_.push_back(std::move(owned));
  }

  static constexpr size_t kMaxWalk = 16;
  static constexpr size_t kIndexNodeBytes = 64;

  const ValueCheck<Value> check_;
  Value scratch_;              // Of Check.
  std::vector<Entry*> heads_;  // By vehicle; chains own their entries.
  std::unordered_map<VehicleIndex, Index> indexes_;
  size_t indexed_ = 0;  // Entries in indexes.
  std::vector<std::unique_ptr<Entry>> free_;
  std::vector<Entry*> dirty_;          // Changed in the epoch being built.
  std::vector<Entry*> frozen_erased_;  // To be freed once it is applied.
  uint64_t current_ = 1;               // Number of the epoch being built.
  uint64_t applied_ = 0;
  size_t live_ = 0;    // Entries that are not erased.
  size_t in_use_ = 0;  // Entries in chains.
};

}  // namespace tacho
