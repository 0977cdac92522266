#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/commit/epoch_writer.h"
#include "pipeline/job/job.h"
#include "pipeline/offsets/group_status.h"
#include "pipeline/restore/changelog.h"
#include "pipeline/restore/take_over.h"
#include "state/worker_directory.h"

namespace tacho {

// What becomes of one partition's changelog.
struct RebuildStep {
  enum class Kind {
    kNone,     // No epoch has committed its offset: no state to have.
    kWhole,    // Its changelog ends with the epoch that the offset names.
    kWrite,    // It does not, and a copy here is that epoch's.
    kBlocked,  // The same, but its log has no head or is damaged: it must go.
    kMissing,  // Nothing on this host is.
  };
  Kind kind = Kind::kNone;
  LaneIdentity lane;
  CommittedOffset committed;
  std::pair<Offset, Offset> extent{0, 0};  // Of the changelog, as it is.
  std::vector<std::string> dirs;           // Of the copies that will do.
  std::string note;                        // Why, and what to do.
};

struct RebuildPlan {
  std::vector<RebuildStep> steps;  // By topic and number.

  size_t Count(RebuildStep::Kind kind) const;
};

// What writing changelogs anew from the copies of state on this host would do,
// without doing it. A copy will do if its marker is exactly what the group has
// committed: offset, epoch, writer and generation; those in quarantine, too.
// Errors: kUnavailable: a log does not answer.
Result<RebuildPlan> PlanRebuild(const Job& job, const GroupStatus& group_status,
                                const HostCopies& copies, Changelog& changelog,
                                Millis timeout);

// Writes one partition's: all rows of a copy, each checked against its table,
// erasures of what the log has and the copy has not, the meta record of a new
// epoch and the group's offset, as it is, with that epoch, in one transaction.
// What fails before the commit has changed nothing; what fails after it leaves
// a copy that the group has gone on from, which is restored from the changelog.
// So it may be run again at any time.
//
// A copy that is damaged is passed over for the next.
// Takes memory for the lane's state. REQUIRES: step.kind == kWrite; the group
// is stopped.
Status RebuildPartition(const Job& job, const RebuildStep& step,
                        Changelog& changelog, EpochWriter& writer,
                        Millis timeout);

}  // namespace tacho
