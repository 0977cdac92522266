#pragma once

#include <atomic>
#include <cstdint>

namespace tacho {

// What the lanes of a worker together may hold in epochs: `bytes` in the one
// that is being built, and as much again in the one that is on its way out.
// When it is full, lanes take no further batch until an epoch has left.
//
// A lane passes the limit by at most what one batch makes.
//
// Threading: any thread.
class EpochBudget {
 public:
  explicit EpochBudget(uint64_t bytes) : bytes_(bytes) {}
  EpochBudget(const EpochBudget&) = delete;
  EpochBudget& operator=(const EpochBudget&) = delete;

  void SetBytes(uint64_t bytes) { bytes_.store(bytes); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t used() const { return Read(building_) + Read(leaving_); }
  bool Full() const {
    const uint64_t bytes = this->bytes();
    const uint64_t building = Read(building_);
    return building >= bytes || building + Read(leaving_) >= 2 * bytes;
  }

 private:
  friend class EpochAccount;
  static uint64_t Read(const std::atomic<uint64_t>& n) {
    return n.load(std::memory_order_relaxed);
  }

  std::atomic<uint64_t> bytes_;
  std::atomic<uint64_t> building_{0};
  std::atomic<uint64_t> leaving_{0};
};

// One lane's part of the budget; what it holds is given back with it.
// Threading: one thread at a time.
class EpochAccount {
 public:
  explicit EpochAccount(EpochBudget& budget) : budget_(budget) {}
  ~EpochAccount() {
    SetBuilding(0);
    SetLeaving(0);
  }
  EpochAccount(const EpochAccount&) = delete;
  EpochAccount& operator=(const EpochAccount&) = delete;

  void SetBuilding(uint64_t bytes) {
    Move(budget_.building_, building_, bytes);
  }
  void SetLeaving(uint64_t bytes) { Move(budget_.leaving_, leaving_, bytes); }

 private:
  // Unsigned: what is taken away wraps round to the same sum.
  static void Move(std::atomic<uint64_t>& sum, uint64_t& own, uint64_t bytes) {
    if (bytes == own) return;
    sum.fetch_add(bytes - own, std::memory_order_relaxed);
    own = bytes;
  }

  EpochBudget& budget_;
  uint64_t building_ = 0;
  uint64_t leaving_ = 0;
};

}  // namespace tacho
