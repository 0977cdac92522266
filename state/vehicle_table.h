#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/base/arena.h"
#include "pipeline/base/ids.h"

namespace tacho {

// Interns vehicle ids of one lane: bytes to a dense index and back.
//
// One open-addressing table over XXH3; hash order never reaches output.
// Indexes of removed vehicles are reused.
//
// Threading: the lane's thread only.
// Limits: about 64 bytes and the id per known vehicle; LaneState removes
// vehicles that have neither state nor a place in the current batch.
class VehicleTable {
 public:
  static constexpr VehicleIndex kNone = UINT32_MAX;

  VehicleTable();

  // The index of `id`, kNone if unknown. One hash, one probe sequence.
  VehicleIndex Find(std::string_view id) const;
  // The index of `id`; a new one if unknown.
  VehicleIndex Intern(std::string_view id, bool* created);
  void Remove(VehicleIndex vehicle);

  std::string_view Id(VehicleIndex vehicle) const;
  size_t size() const { return size_; }  // Known vehicles.
  size_t index_end() const;              // One past the greatest index.
  size_t used_bytes() const;

 private:
  // Implementation: see vehicle_table.cc.
  struct Slot {
    uint32_t hash = 0;  // Upper half, to skip most compares.
    VehicleIndex vehicle = kNone;
  };
  std::vector<Slot> slots_;
  std::vector<std::string_view> ids_;
  std::vector<VehicleIndex> free_;
  size_t size_ = 0;
};

}  // namespace tacho
