#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "state/marker.h"

namespace tacho {

// A changelog partition for restore benchmarks: `records` state changes over
// `keys` keys in shuffled order (each key once if it is as many; a log that is
// not compacted otherwise), keys of 20 bytes, values of 60, a meta record after
// every 10,000 and at the end.
struct SampleChangelog {
  size_t records = 1'000'000;
  size_t keys = 1'000'000;

  static const std::string& TableName();
  static LaneIdentity Identity();

  // Calls `visit(key, value)` for each record, meta records too, in log order.
  void ForEach(const std::function<void(std::string_view, std::string_view)>&
                   visit) const;
};

}  // namespace tacho
