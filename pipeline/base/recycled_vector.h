#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tacho {

// The room of a vector that is filled and emptied again and again. A steady
// load keeps it and allocates nothing; one exceptional filling does not hold
// its memory for ever: room beyond four times what was used of late is given
// back. "Of late" is the greatest use, forgotten by an eighth a filling.
//
// Threading: that of the vector.
class RecycledRoom {
 public:
  // Empties `v`. A vector that is empty already says nothing of its use.
  template <typename T>
  void Clear(std::vector<T>& v) {
    if (v.empty()) return;
    peak_ = std::max(v.size(), peak_ - peak_ / 8);
    if (v.capacity() > kAlwaysKept / sizeof(T) && v.capacity() > 4 * peak_) {
      v = std::vector<T>();
    } else {
      v.clear();
    }
  }

 private:
  static constexpr size_t kAlwaysKept = size_t{64} << 10;  // Bytes.

  size_t peak_ = 0;  // Elements.
};

}  // namespace tacho
