#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/metrics.h"
#include "pipeline/base/original.h"
#include "pipeline/commit/epoch.h"
#include "pipeline/consume/partition_reader.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/lane/epoch_budget.h"
#include "pipeline/lane/lane_graph.h"
#include "pipeline/lane/reject_log.h"
#include "pipeline/lane/stream_set.h"
#include "state/lane_state.h"

namespace tacho {

class Lane;

// That a partition was empty: its log, asked of the broker, ended at
// `position`, and no transaction was open on it.
struct IdleProof {
  Offset position = kNoOffset;
  // Before the question was sent. Monotonic: what the host's wall clock does
  // moves no partition's time.
  std::chrono::steady_clock::time_point asked_at{};
};

// What a lane tells its worker. Called on the lane's thread: return at once.
class LaneEvents {
 public:
  virtual ~LaneEvents() = default;
  // The epoch has reached a limit; the lane waits for a freeze.
  virtual void OnEpochFull() = 0;
  // The lane has stopped for good, before its next_offset().
  virtual void OnLaneFailed(Lane& lane, Status status) = 0;
};

struct LaneOptions {
  LaneIdentity lane;  // But for its tables.
  uint64_t job_digest = 0;
  std::string writer_id;
  DrainLimits drain;
  StreamSettings time;
  // Of an idle advance: how long there must have been no message, and how far
  // partition time stays behind the log time of the last message and what has
  // passed since. A record that moves partition time on by more than the skew
  // is a time jump: logged and counted.
  Millis idle_timeout{60000};
  Millis max_future_skew{300000};
  uint64_t epoch_messages = 1000000;
  std::shared_ptr<EpochBudget> epochs;  // None: 64 MiB of its own.
  size_t state_bytes = size_t{32} << 20;
  Offset end_offset = kNoOffset;      // Exclusive; kNoOffset: no end.
  bool close_at_end = false;          // At the end, emit what is still open.
  bool fail_on_reject = false;        // `rejects: fail`.
  std::optional<SinkId> reject_sink;  // Nothing: `rejects: drop`.
  bool merge_outputs = false;         // Two streams write to one sink.
  size_t reject_bytes = kDefaultMessageBytes;  // Of a reject or a late record.
  std::vector<std::string> reject_sites;       // Of the decoder, for the log.
};

// What a lane is made of, by seam.
struct LaneParts {
  std::unique_ptr<PartitionReader> reader;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<StateStore> store;
};

// One topic-partition's pipeline and its state: drain, decode, operate, in
// offset order; then, at a freeze, its part of the epoch.
//
// Synchronous: it knows nothing of threads; LaneGraph calls RunTurn and runs
// posted work (Load, Freeze, Applied) one at a time.
//
// Errors are sticky: after the first one the lane processes nothing more and
// its offset never advances; what it did since the last freeze is dropped with
// it.
//
// Threading: Stop, Detach, the EpochOwner methods and the accessors under
// "Any thread" may be called while the lane runs; all else in its node.
// Lifetime: members are declared in the order in which they depend on each
// other.
class Lane final : public LaneTask, public EpochOwner {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Lane(LaneOptions options, LaneParts parts, const SignalSchema& schema,
       LaneMetrics& metrics, LaneEvents& events, const Clock& clock);
  ~Lane() override;

  // As StreamSet::Add. REQUIRES: before Declare.
  void AddStream(std::unique_ptr<OperatorChain> chain, OutputOptions output,
                 std::optional<size_t> from = std::nullopt) {
    output.originals = &originals_;
    streams_.Add(std::move(chain), std::move(output), from);
  }

  // Declares the operators' tables and opens them in the store; `marker`, if
  // any, was read from it. A restore may follow. REQUIRES: before Load.
  Status Declare(const std::optional<Marker>& marker);
  // Reads the state that `marker` describes and sets where to start. `marker`
  // was read from this lane's store.
  Status Load(const std::optional<Marker>& marker, Offset start);

  // A turn: at most one batch.
  bool RunTurn(Batch& batch) noexcept override;

  // Partition time moves on by what has passed since the lane went idle (since
  // Load: a time in which nobody looked proves nothing), and what is due is
  // emitted; the next part carries it. Ignored if the proof is not about where
  // the lane stands, or came too early.
  void AdvanceIdle(const IdleProof& proof);

  // Hands over what was done since the last freeze, as the lane's part of the
  // epoch; stays valid until Applied. REQUIRES: the last part was applied.
  LaneEpoch& Freeze();
  // The last part is in the store.
  void Applied();
  // What the store's marker says; nothing before the first epoch.
  const std::optional<Marker>& applied_marker() const {
    return applied_marker_;
  }
  // The next part carries the offset again although nothing is new.
  void RequireCommit() { commit_required_ = true; }
  // The next part begins the changelog's log, as it does where there is none.
  // Before Load.
  void BeginLog() { begins_log_ = true; }

  // The partition was taken away and came back, and nobody else has committed
  // to it meanwhile: goes on from where the last applied part ended.
  // REQUIRES: nothing was processed since, nothing runs.
  void Resume(std::unique_ptr<PartitionReader> reader);

  // Flushes and closes the store. REQUIRES: nothing else runs.
  Status Close();

  // Starts to bring what has been applied to the disk, if it is due.
  Status FlushIfDue() { return store_->FlushIfDue(clock_.Now()); }

  // For a restore, between Declare and Load.
  StateStore& store() { return *store_; }
  std::vector<std::string> table_names() const;
  Status CheckEntry(TableId table, std::string_view key,
                    std::string_view value) {
    return state_.CheckEntry(table, key, value);
  }
  // With the tables that it has declared.
  LaneIdentity identity() const;

  // Any thread.
  void Stop() { stopped_.store(true); }   // Processes no further batch.
  void Detach() { owned_.store(false); }  // The partition is not ours.
  bool failed() const { return failed_.load(); }
  bool ended() const { return ended_.load(); }  // At end_offset.
  // kNoOffset before Load.
  Offset next_offset() const { return next_offset_.load(); }
  // When the last batch that had messages came, or of Load.
  SteadyTime idle_since() const { return idle_since_.load(); }
  const TopicPartition& tp() const { return options_.lane.tp; }
  PartitionReader& reader() { return *reader_; }
  // The store did not take or did not give back what it was given: its files
  // are damaged, and stay so as long as the lane lives.
  bool store_corrupt() const { return store_corrupt_.load(); }
  // From the next batch on: how many bytes of decoded state are kept.
  void SetStateBytes(size_t bytes) { state_bytes_.store(bytes); }

  // What its decoded state would take as a whole; 0 as long as nothing had to
  // be read back.
  size_t wanted_state_bytes() const { return wanted_state_bytes_.load(); }

  // EpochOwner.
  Status Apply(const LaneEpoch& part) override;
  bool owned() const override { return owned_.load(); }

 private:
  Status LoadState(const std::optional<Marker>& marker, Offset start);
  Status ProcessTurn(Batch& batch, bool& more);
  Status Operate(Batch& batch);
  Status WriteRejects(const Batch& batch);
  // Writes what is said about a reject to `reject_detail_`.
  void Describe(const Batch& batch, const Reject& reject);
  void WriteReject(const Batch& batch, const Reject& reject, uint64_t cause);
  void MergeOutputs();
  void CutAtEnd(Batch& batch, Drained& drained);
  Status CloseAtEnd();
  Timestamp IdleTime(const IdleProof& proof) const;
  // Of the batch observed last, which moved partition time on from `before`.
  void NoteTimeJumps(const Batch& batch, Timestamp before);
  Status AdvanceStreams(Timestamp partition_time);
  // False: `status` was an error, and the lane has failed.
  bool GoesOn(const Status& status);
  void NoteDamage(const Status& status);
  bool EpochFull() const;
  void CountReads();
  // What the epoch being built takes now.
  void AccountEpoch();
  void Count(const Batch& batch, const Drained& drained);

  const LaneOptions options_;
  const std::shared_ptr<EpochBudget> epochs_;
  const SignalSchema& schema_;
  const Clock& clock_;
  LaneMetrics& metrics_;
  LaneEvents& events_;
  std::unique_ptr<PartitionReader> reader_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<StateStore> store_;
  LaneState state_;
  VehicleClock vehicle_clock_;
  OriginalWriter originals_;  // Of rejects and late records.
  StreamSet streams_;

  RejectLog reject_log_;
  std::string reject_detail_;
  std::vector<uint8_t> late_rows_;  // Of the batch: late in some stream.

  OutputBuffer outputs_;        // Of the epoch being built.
  uint64_t epoch_records_ = 0;  // Ordinal of the next record in it.
  uint64_t epoch_messages_ = 0;
  LaneEpoch frozen_;
  EpochAccount account_;              // Of both.
  Offset frozen_offset_ = kNoOffset;  // Next offset at the last freeze.
  int64_t epoch_ = 0;
  Timestamp ended_at_ = kNoTime;
  Timestamp idle_origin_ = kNoTime;  // As in Marker.
  Timestamp idle_from_ = kNoTime;    // Partition time as the lane went idle.
  Timestamp log_time_ = kNoLogTime;  // Greatest of the lane's messages.
  std::optional<SteadyTime> jump_logged_;
  bool commit_required_ = false;
  std::optional<Marker> applied_marker_;
  Offset changelog_next_ = kNoOffset;  // Of the marker, when last known.
  uint64_t log_id_ = 0;                // As in Marker.
  bool begins_log_ = false;            // The next part does.

  std::atomic<Offset> next_offset_{kNoOffset};
  std::atomic<SteadyTime> idle_since_{};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> owned_{true};
  std::atomic<bool> ended_{false};
  std::atomic<bool> store_corrupt_{false};
  std::atomic<size_t> state_bytes_;
  std::atomic<size_t> wanted_state_bytes_{0};
};

}  // namespace tacho
