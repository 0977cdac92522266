#pragma once

#include <string>

#include "pipeline/base/ids.h"

namespace tacho {

// A committed offset of a group, as its coordinator keeps it.
struct PartitionOffset {
  TopicPartition tp;
  Offset offset = kNoOffset;  // kNoOffset: none.
  std::string metadata = {};  // Text beside it.

  bool operator==(const PartitionOffset&) const = default;
};

}  // namespace tacho
