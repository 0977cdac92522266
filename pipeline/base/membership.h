#pragma once

#include <cstdint>
#include <string>

namespace tacho {

// Which member of which generation of a consumer group somebody is, as of one
// assignment: what fences a transaction (KIP-447). Read when partitions are
// assigned and kept with them, so that a partition that moved away and came
// back is never committed with a newer generation.
struct GroupMembership {
  std::string group_id;
  int32_t generation = -1;
  std::string member_id;
  std::string instance_id;  // Empty: a dynamic member.

  // A broker accepts a commit without generation and member unfenced, so
  // nothing may be committed with one that is not valid.
  bool valid() const { return generation >= 0 && !member_id.empty(); }

  bool operator==(const GroupMembership&) const = default;
};

}  // namespace tacho
