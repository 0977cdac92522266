#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/consume/group_member.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/job/job.h"
#include "pipeline/restore/changelog.h"
#include "pipeline/restore/restorer.h"
#include "pipeline/restore/take_over.h"
#include "pipeline/worker/lane_factory.h"
#include "pipeline/worker/lane_stores.h"

namespace tacho {

// A partition to be taken over.
struct TakeOverRequest {
  LaneSpec spec;
  std::unique_ptr<PartitionReader> reader;  // Made before the assignment.
  // The lane as the last revoke left it, if it was ours then.
  std::unique_ptr<Lane> suspended;
  // What is on disk has been found damaged.
  bool discard_local = false;
  uint64_t ticket = 0;  // Comes back with the opened lane.
};

// A lane whose store is ready.
struct TakenOverLane {
  std::unique_ptr<Lane> lane;
  std::optional<Marker> marker;  // What Load is to be given.
  Offset start = kNoOffset;
  bool loaded = false;      // A suspended lane that goes on.
  bool recommit = false;    // The group's offset is not the start.
  bool begins_log = false;  // As in StartDecision.
  uint64_t ticket = 0;
};

// What take-overs share. `changelog` is null at least once.
struct TakeOverContext {
  const Job& job;
  GroupMember& member;
  PartitionLog& log;
  LaneStores& stores;
  Changelog* changelog;
  const LaneFactory& factory;
  LaneCounters& counters;
  const Clock& clock;
  // How often changelogs in use are looked at again while nothing is opened.
  Millis changelog_check{60000};
  // Of the assignment that is being opened: what is the same for all lanes and
  // was found out for one of them.
  std::map<std::string, int64_t> generations = {};  // By input topic.
  std::vector<std::string> tables = {};             // Of every lane's store.
};

// One partition's take-over, in this order: the group's offset (stable, so no
// transaction of an earlier owner can still commit), the changelog's end, the
// best base, replay, start. pipeline/README.md, "The way of a partition", has
// what comes before and after.
//
// A state machine: Step does a bounded piece of the work, so that one thread
// takes over many partitions and one that must wait holds up no other.
//
// Threading: the take-over thread.
// Errors: retryable ones leave the phase as it was; Step may be called again.
class LaneTakeOver {
 public:
  LaneTakeOver(TakeOverRequest request, TakeOverContext& context);
  ~LaneTakeOver();

  // What a restore reads ahead and collects takes memory.
  bool wants_to_replay() const { return phase_ == Phase::kOpenLog; }
  bool replays() const { return phase_ == Phase::kReplay; }
  // Its store may be opened ahead.
  bool wants_store() const {
    return (phase_ == Phase::kGeneration || phase_ == Phase::kBase) &&
           store_ == nullptr && request_.suspended == nullptr &&
           !request_.discard_local;
  }
  // The last error is no fault: another member has to act first.
  bool waits_for_owner() const { return waits_for_owner_; }
  bool needs_committed() const { return phase_ == Phase::kCommitted; }
  // The group's offset, asked for by the take-over thread for all lanes at
  // once.
  void SetCommitted(const PartitionOffset& committed);

  // Does the next piece. True: it got further, or may at once.
  // REQUIRES: !needs_committed() && !done().
  Result<bool> Step();
  bool done() const { return phase_ == Phase::kDone; }
  TakenOverLane Take();
  // Adds what is open to `lanes`, for somebody else to close.
  void GiveUp(std::vector<std::unique_ptr<Lane>>& lanes);

  // The transaction of somebody else that the phase waits for, if it does.
  // Waits on the network.
  Result<std::optional<TransactionHold>> Hold();
  // "its committed offset", "its changelog": what is held up then.
  const char* waits_for() const {
    return phase_ == Phase::kReplay ? "for its changelog"
                                    : "for its committed offset";
  }

  const LaneIdentity& identity() const { return request_.spec.lane; }
  const TopicPartition& tp() const { return request_.spec.lane.tp; }
  // While a restore is under way.
  std::optional<Restorer::Progress> progress() const;

 private:
  enum class Phase {
    kCommitted,
    kGeneration,
    kBase,
    kOpenLog,
    kReplay,
    kStart,
    kSeek,
    kDone
  };

  Status FindGeneration();
  Status FindBase();
  Status FindLocalBase();
  Status FindRestoreBase();
  Status CheckFound(const Marker& marker, FoundIn where) const;
  Result<ChangelogExtent> Extent();
  // Opens the lane's store and reads its marker; what cannot be read is moved
  // into quarantine.
  Status OpenStore();
  Status QuarantineStore(const std::string& why);
  Status MakeLane(const std::optional<Marker>& marker);
  Status OpenLog();
  Result<bool> Replay();
  // What was on disk does not fit the changelog: once more, without it.
  Status RestartWithoutBase(const Status& reason);
  // What the group and the changelog say contradicts: once more, from the
  // group's offset on, and then without the base if that may be the cause. Not
  // ok: it has been found so again.
  Status LookAgain(const Status& contradiction);
  void DropLane();
  Status DecideStartAndState();
  void CloseSuspended();
  bool partitions_may_change() const {
    return context_.job.partitions_added == PartitionsAdded::kContinue;
  }
  bool exactly_once() const { return context_.changelog != nullptr; }

  TakeOverRequest request_;
  TakeOverContext& context_;
  Phase phase_ = Phase::kCommitted;
  CommittedOffset committed_;
  std::unique_ptr<StateStore> store_;  // Until the lane is made.
  std::optional<Marker> marker_;       // Of the store.
  std::unique_ptr<Lane> lane_;
  Offset replay_from_ = 0;
  Offset replay_to_ = 0;
  Millis delete_retention_{0};
  std::unique_ptr<Restorer> restorer_;
  std::optional<int64_t> base_epoch_;  // Of the copy that was replayed onto.
  bool looked_again_ = false;
  TakenOverLane opened_;
  bool waits_for_owner_ = false;
};

}  // namespace tacho
