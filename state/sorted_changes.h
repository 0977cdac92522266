#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "state/state_store.h"

namespace tacho {

// The changes of a StateChanges by table and key, of several of one key the
// last: the order in which a sorted store takes them cheapest.
//
// Keeps its memory from use to use. Threading: one thread.
class SortedChanges {
 public:
  // `changes` must stay as it is for as long as the result is used.
  void Assign(const StateChanges& changes);
  const std::vector<const StateChanges::Change*>& changes() const {
    return sorted_;
  }

 private:
  // Most pairs differ in the eight bytes behind what all keys share, so that
  // their order is seen without a look at the keys.
  struct Entry {
    uint64_t bytes = 0;
    uint32_t table = 0;
    uint32_t place = 0;  // In the StateChanges.
  };

  void Collect(const StateChanges& changes);
  void Keep(const StateChanges& changes);

  std::vector<Entry> entries_;
  std::vector<const StateChanges::Change*> sorted_;
};

}  // namespace tacho
