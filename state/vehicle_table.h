#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "pipeline/base/ids.h"

namespace tacho {

// Interns vehicle ids of one lane: bytes to a dense index and back.
//
// One open-addressing table over XXH3; hash order never reaches output. The
// hash is seeded per process, because ids come from untrusted producers.
// Indexes of removed vehicles are reused.
//
// Threading: the lane's thread only.
// Lifetime: the bytes behind Id(v) stay in place until Remove(v).
// Limits: 32 bytes and 11 to 21 for its slots per vehicle; ids longer than 24
// bytes are allocated. Records of removed vehicles are kept for reuse, so the
// table is as large as the most vehicles it has known at once.
class VehicleTable {
 public:
  static constexpr VehicleIndex kNone = UINT32_MAX;

  VehicleTable();
  ~VehicleTable();
  VehicleTable(const VehicleTable&) = delete;
  VehicleTable& operator=(const VehicleTable&) = delete;

  // The index of `id`, kNone if unknown. One hash, one probe sequence.
  VehicleIndex Find(std::string_view id) const;
  // Find for `count` ids, with the memory accesses of neighbours overlapped.
  void FindAll(const std::string_view* ids, size_t count,
               VehicleIndex* out) const;
  // The index of `id`; a new one, without marks, if unknown.
  VehicleIndex Intern(std::string_view id, bool* created);
  void Remove(VehicleIndex vehicle);

  std::string_view Id(VehicleIndex vehicle) const { return At(vehicle).Id(); }
  // False for an index that was removed and not given out again.
  bool Known(VehicleIndex vehicle) const { return At(vehicle).known; }
  // A byte for the owner's use, beside the id and as warm in cache.
  uint8_t& marks(VehicleIndex vehicle) { return At(vehicle).marks; }
  uint8_t marks(VehicleIndex vehicle) const { return At(vehicle).marks; }

  size_t size() const { return size_; }  // Known vehicles.
  // One past the greatest index given out so far.
  size_t index_end() const { return index_end_; }
  size_t used_bytes() const;

 private:
  static constexpr size_t kInlineBytes = 24;
  static constexpr size_t kChunkRecords = 256;

  struct Slot {
    uint32_t hash = 0;  // Its low bits are the home slot.
    VehicleIndex vehicle = kNone;
  };
  struct Record {
    union {
      char bytes[kInlineBytes];
      char* heap;  // If size > kInlineBytes; owned.
    };
    uint32_t size;
    uint8_t marks;
    bool known;

    std::string_view Id() const {
      return {size <= kInlineBytes ? bytes : heap, size};
    }
  };

  Record& At(VehicleIndex v) {
    return chunks_[v / kChunkRecords][v % kChunkRecords];
  }
  const Record& At(VehicleIndex v) const {
    return chunks_[v / kChunkRecords][v % kChunkRecords];
  }
  // The slot of `id`, or the empty slot where its probe sequence ends.
  size_t FindSlot(size_t from, uint32_t hash, std::string_view id) const;
  VehicleIndex NewRecord(std::string_view id);
  void Rehash(size_t slots);

  std::vector<Slot> slots_;  // A power of two.
  size_t mask_;
  std::vector<std::unique_ptr<Record[]>> chunks_;  // Stable addresses.
  std::vector<VehicleIndex> free_;
  size_t index_end_ = 0;
  size_t size_ = 0;
  size_t heap_bytes_ = 0;
};

}  // namespace tacho
