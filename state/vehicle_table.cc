#include "state/vehicle_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

constexpr size_t kMinSlots = 64;
constexpr size_t kGroup = 16;  // Look-ups in flight: what memory can overlap.

uint64_t NewSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

uint32_t Hash(std::string_view id) {
  static const uint64_t seed = NewSeed();
  return static_cast<uint32_t>(
      XXH3_64bits_withSeed(id.data(), id.size(), seed) >> 32);
}

}  // namespace

VehicleTable::VehicleTable() : slots_(kMinSlots), mask_(kMinSlots - 1) {}

VehicleTable::~VehicleTable() {
  for (VehicleIndex v = 0; v < index_end_; ++v) {
    if (At(v).known && At(v).size > kInlineBytes) delete[] At(v).heap;
  }
}

size_t VehicleTable::FindSlot(size_t from, uint32_t hash,
                              std::string_view id) const {
  size_t at = from;
  while (slots_[at].vehicle != kNone &&
         (slots_[at].hash != hash || At(slots_[at].vehicle).Id() != id)) {
    at = (at + 1) & mask_;
  }
  return at;
}

VehicleIndex VehicleTable::Find(std::string_view id) const {
  const uint32_t hash = Hash(id);
  return slots_[FindSlot(hash & mask_, hash, id)].vehicle;
}

void VehicleTable::FindAll(const std::string_view* ids, size_t count,
                           VehicleIndex* out) const {
  uint32_t hashes[kGroup];
  size_t candidates[kGroup];
  for (size_t base = 0; base < count; base += kGroup) {
    const size_t n = std::min(kGroup, count - base);
    for (size_t i = 0; i < n; ++i) {
      hashes[i] = Hash(ids[base + i]);
      __builtin_prefetch(&slots_[hashes[i] & mask_]);
    }
    // The first slot with the right hash is nearly always the right one.
    for (size_t i = 0; i < n; ++i) {
      size_t at = hashes[i] & mask_;
      while (slots_[at].vehicle != kNone && slots_[at].hash != hashes[i]) {
        at = (at + 1) & mask_;
      }
      candidates[i] = at;
      if (slots_[at].vehicle != kNone) {
        __builtin_prefetch(&At(slots_[at].vehicle), 1);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      out[base + i] =
          slots_[FindSlot(candidates[i], hashes[i], ids[base + i])].vehicle;
    }
  }
}

VehicleIndex VehicleTable::Intern(std::string_view id, bool* created) {
  const uint32_t hash = Hash(id);
  size_t at = FindSlot(hash & mask_, hash, id);
  *created = slots_[at].vehicle == kNone;
  if (!*created) return slots_[at].vehicle;
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    Rehash(slots_.size() * 2);
    at = FindSlot(hash & mask_, hash, id);
  }
  const VehicleIndex vehicle = NewRecord(id);
  slots_[at] = {hash, vehicle};
  ++size_;
  return vehicle;
}

VehicleIndex VehicleTable::NewRecord(std::string_view id) {
  VehicleIndex vehicle;
  if (free_.empty()) {
    CHECK(index_end_ < kNone);
    vehicle = static_cast<VehicleIndex>(index_end_++);
    if (vehicle / kChunkRecords == chunks_.size()) {
      chunks_.push_back(std::make_unique<Record[]>(kChunkRecords));
    }
  } else {
    vehicle = free_.back();
    free_.pop_back();
  }
  Record& record = At(vehicle);
  CHECK(id.size() <= UINT32_MAX);
  record.size = static_cast<uint32_t>(id.size());
  record.marks = 0;
  record.known = true;
  char* to = record.bytes;
  if (id.size() > kInlineBytes) {
    to = record.heap = new char[id.size()];
    heap_bytes_ += id.size();
  }
  if (!id.empty()) std::memcpy(to, id.data(), id.size());
  return vehicle;
}

void VehicleTable::Remove(VehicleIndex vehicle) {
  Record& record = At(vehicle);
  CHECK(record.known);
  const uint32_t hash = Hash(record.Id());
  size_t hole = hash & mask_;
  while (slots_[hole].vehicle != vehicle) hole = (hole + 1) & mask_;
  // Closes the hole by moving back what probed past it, so that no tombstones
  // pile up under churn.
  for (size_t at = (hole + 1) & mask_; slots_[at].vehicle != kNone;
       at = (at + 1) & mask_) {
    const size_t home = slots_[at].hash & mask_;
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};

  if (record.size > kInlineBytes) {
    heap_bytes_ -= record.size;
    delete[] record.heap;
  }
  record.size = 0;
  record.known = false;
  free_.push_back(vehicle);
  --size_;
  if (slots_.size() > kMinSlots && size_ * 8 < slots_.size()) {
    Rehash(slots_.size() / 2);
  }
}

void VehicleTable::Rehash(size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  mask_ = slots - 1;
  for (const Slot& slot : old) {
    if (slot.vehicle == kNone) continue;
    size_t at = slot.hash & mask_;
    while (slots_[at].vehicle != kNone) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
}

size_t VehicleTable::used_bytes() const {
  return slots_.capacity() * sizeof(Slot) +
         chunks_.size() * kChunkRecords * sizeof(Record) +
         chunks_.capacity() * sizeof(void*) +
         free_.capacity() * sizeof(VehicleIndex) + heap_bytes_;
}

}  // namespace tacho
