#pragma once

#include "pipeline/commit/offset_committer.h"
#include "pipeline/consume/group_member.h"

namespace tacho {

// Commits the offsets of epochs to the group that `member` is in.
// Lifetime: `member` outlives it.
class GroupOffsets final : public OffsetCommitter {
 public:
  explicit GroupOffsets(GroupMember& member) : member_(member) {}

  Status CommitOffsets(const Epoch& epoch) override;

 private:
  GroupMember& member_;
};

}  // namespace tacho
