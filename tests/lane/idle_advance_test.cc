// A lane's time while its partition is empty.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/job/job_parser.h"
#include "pipeline/lane/lane.h"
#include "pipeline/worker/sinks.h"
#include "state/memory_store.h"
#include "tests/support/faulty_store.h"
#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const TopicPartition kLane{"in", 0};

// An hour before the clock's start, at a minute's start.
constexpr Timestamp kBase = FromEpochMillis(1699996440000);

constexpr char kJob[] = R"(
job: idle
kafka: {bootstrap.servers: "localhost:1"}
group: {id: idle}
input:
  topics: [in]
  vehicle: /v
  event_time: {path: /ts, format: epoch_ms}
  signals:
    speed: {path: /s, unit: km/h}
streams:
  stats:
    operators:
      - window_aggregate:
          window: {tumbling: 1m}
          allowed_lateness: 5s
          aggregates: {n: count()}
    output: {topic: stats}
  alerts:
    operators:
      - excursion: {when: speed > 100, for: 10s, name: fast}
    output: {topic: alerts}
rejects: {topic: rejects}
late: {topic: late}
vehicle_idle_timeout: 10m
vehicle_forget: 1h
idle_timeout: 1m
)";

// Sinks of the job, in the order of JobSinks.
constexpr SinkId kLate = 1;

// What the lane is to be given, in order.
struct Log {
  std::vector<std::pair<Timestamp, std::string>> messages;
  Status error;  // After the last one.
};

class LogReader final : public PartitionReader {
 public:
  LogReader(const Log& log, Offset start) : log_(log), next_(start) {}

  Drained Drain(Batch& batch, const DrainLimits&) override {
    Drained drained;
    while (next_ < static_cast<Offset>(log_.messages.size())) {
      const auto& [time, value] = log_.messages[static_cast<size_t>(next_)];
      batch.AddMessage(next_++, time, "k", value);
    }
    drained.next_offset = next_;
    drained.error = log_.error;
    return drained;
  }
  void EnableReadable(std::function<void()>) override {}
  void DisableReadable() override {}
  Offset EndOffset() const override { return kNoOffset; }

 private:
  const Log& log_;
  Offset next_;
};

class IdleAdvanceTest : public ::testing::Test, public LaneEvents {
 protected:
  IdleAdvanceTest() : job_(ParseJob(kJob).job), batch_(job_.schema) {}

  void SetUp() override { Open(); }
  void TearDown() override { EXPECT_TRUE(lane_->Close().ok()); }

  void OnEpochFull() override { ++epochs_full_; }
  void OnLaneFailed(Lane&, Status status) override { failure_ = status; }

  // Loads what the store holds; starts `skip` offsets further on.
  void Open(Offset skip = 0) {
    LaneOptions options;
    options.lane.tp = kLane;
    options.lane.job = job_.name;
    options.time = job_.time;
    options.idle_timeout = job_.idle_timeout;
    options.max_future_skew = job_.decode.event_time.max_future_skew;
    options.state_bytes = state_bytes_;
    options.epochs = std::make_shared<EpochBudget>(epoch_bytes_);
    const JobSinks sinks(job_);
    options.reject_sink = sinks.rejects();
    const std::optional<Marker> marker = *disk_->ReadMarker();
    const Offset start = (marker ? marker->next_offset : 0) + skip;
    auto faulty = std::make_unique<FaultyStore>(*disk_);
    store_ = faulty.get();
    LaneParts parts{std::make_unique<LogReader>(log_, start),
                    MakeDecoder(job_.decode), std::move(faulty)};
    lane_ = std::make_unique<Lane>(std::move(options), std::move(parts),
                                   job_.schema, metrics_, *this, clock_);
    ASSERT_TRUE(AddStreams(job_, sinks, *lane_).ok());
    ASSERT_TRUE(lane_->Declare(marker).ok());
    ASSERT_TRUE(lane_->Load(marker, start).ok());
  }

  void Close() { EXPECT_TRUE(lane_->Close().ok()); }

  void Restart() {
    Close();
    Open();
  }

  // The lane is to be opened again, over nothing.
  void Wipe() {
    Close();
    lane_.reset();
    disk_ = std::make_unique<MemoryStore>();
    log_.messages.clear();
  }

  // A message that is in the log, stamped now, and has been processed.
  void Send(const std::string& vehicle, Timestamp time, int speed = 10) {
    const std::string ts = std::to_string(ToEpochMillis(time));
    SendText(clock_.Now(), R"({"v":")" + vehicle + R"(","ts":)" + ts +
                               R"(,"s":)" + std::to_string(speed) + "}");
  }
  void SendText(Timestamp log_time, const std::string& value) {
    log_.messages.emplace_back(log_time, value);
    Turn();
  }
  void Turn() {
    batch_.Clear();
    lane_->RunTurn(batch_);
  }

  // The broker says that there is nothing beyond what the lane has read.
  void Prove() { ProveAt(lane_->next_offset()); }
  void ProveAt(Offset position) {
    lane_->AdvanceIdle({position, clock_.Steady()});
  }

  // Makes an epoch durable. Nothing if there was nothing to commit.
  std::optional<Marker> Commit() {
    LaneEpoch& part = lane_->Freeze();
    if (!part.changed) return std::nullopt;
    for (const OutputRecord& r : part.outputs.records()) {
      outputs_.emplace_back(part.outputs.Value(r));
      sinks_.push_back(r.sink);
    }
    EXPECT_TRUE(store_->Apply(part.changes, part.marker).ok());
    lane_->Applied();
    return part.marker;
  }

  // Time after a proof; that of the last commit if it changed nothing.
  Timestamp TimeAfterProof() {
    Prove();
    const std::optional<Marker> marker = Commit();
    if (marker) time_ = marker->partition_time;
    return time_;
  }

  Job job_;
  ManualClock clock_;
  const Timestamp start_ = clock_.Now();
  Log log_;
  std::unique_ptr<MemoryStore> disk_ = std::make_unique<MemoryStore>();
  size_t state_bytes_ = size_t{1} << 20;
  uint64_t epoch_bytes_ = uint64_t{64} << 20;
  LaneMetrics metrics_;
  Batch batch_;
  std::unique_ptr<Lane> lane_;
  FaultyStore* store_ = nullptr;  // The lane's.
  Status failure_;
  int epochs_full_ = 0;
  Timestamp time_ = kNoTime;
  std::vector<std::string> outputs_;  // Of all commits.
  std::vector<SinkId> sinks_;
};

TEST_F(IdleAdvanceTest, TimeMovesByWhatHasPassedSinceTheLastMessage) {
  Send("a", kBase);
  Commit();
  clock_.Advance(minutes(3));

  Prove();
  const std::optional<Marker> first = Commit();
  clock_.Advance(Millis(1));
  Prove();
  const std::optional<Marker> second = Commit();

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->partition_time, kBase + minutes(3));
  EXPECT_EQ(first->idle_origin, kBase);
  EXPECT_EQ(second->idle_origin, kBase);
  EXPECT_EQ(first->next_offset, 1);
  EXPECT_EQ(second->partition_time, kBase + minutes(3) + Millis(1));
  EXPECT_EQ(second->epoch, first->epoch + 1);
  EXPECT_FALSE(Commit().has_value());
}

TEST_F(IdleAdvanceTest, AQuestionBeforeTheTimeOutProvesNothing) {
  Send("a", kBase);
  Commit();

  clock_.Advance(minutes(1) - Millis(1));
  Prove();
  EXPECT_FALSE(Commit().has_value());
  clock_.Advance(Millis(1));
  Prove();

  EXPECT_EQ(Commit()->partition_time, kBase + minutes(1));
}

TEST_F(IdleAdvanceTest, TimeStaysMaxFutureSkewBehindTheClock) {
  Send("a", start_ - minutes(3));
  time_ = Commit()->partition_time;

  clock_.Advance(minutes(1));
  EXPECT_EQ(TimeAfterProof(), start_ - minutes(3));
  clock_.Advance(minutes(1));
  EXPECT_EQ(TimeAfterProof(), start_ - minutes(3));
  clock_.Advance(Millis(1));
  EXPECT_EQ(TimeAfterProof(), start_ - minutes(3) + Millis(1));
  clock_.Advance(minutes(30));
  EXPECT_EQ(TimeAfterProof(), clock_.Now() - minutes(5));
}

TEST_F(IdleAdvanceTest, ItDoesNotMatterHowOftenTheBrokerIsAsked) {
  const auto run = [this](int behind, const std::vector<int>& asked_at) {
    Wipe();
    Open();
    Send("a", clock_.Now() - minutes(behind));
    Commit();
    const Timestamp last = clock_.Now();
    for (const int at : asked_at) {
      clock_.Advance(std::chrono::duration_cast<Millis>(last + minutes(at) -
                                                        clock_.Now()));
      (void)TimeAfterProof();
    }
    return time_ - last;
  };

  for (const auto& [behind, expected] : {std::pair(2, 15), std::pair(7, 13)}) {
    EXPECT_EQ(run(behind, {20}), minutes(expected));
    EXPECT_EQ(run(behind, {1, 2, 3, 4, 5, 6, 7, 20}), minutes(expected));
    EXPECT_EQ(run(behind, {2, 19, 20}), minutes(expected));
  }
}

// The host's clock is ten days ahead for a while, or behind: nobody is late.
TEST_F(IdleAdvanceTest, TheHostsWallClockMovesNothing) {
  Send("a", kBase);
  Commit();
  clock_.Advance(minutes(2));
  for (const Millis step : {Millis(hours(240)), Millis(-hours(480))}) {
    clock_.ShiftWall(step);
    EXPECT_EQ(TimeAfterProof(), kBase + minutes(2));
  }
  clock_.ShiftWall(hours(240));
  clock_.Advance(minutes(10));
  EXPECT_EQ(TimeAfterProof(), kBase + minutes(12));

  clock_.ShiftWall(hours(240));
  Restart();
  clock_.Advance(minutes(1));
  EXPECT_EQ(TimeAfterProof(), kBase + minutes(12));
  clock_.ShiftWall(-hours(240));

  for (int i = 0; i < 60; ++i) {
    Send("v" + std::to_string(i), kBase + minutes(11) + seconds(i));
  }
  EXPECT_EQ(metrics_.late.value(), 0U);
}

TEST_F(IdleAdvanceTest, AProofOfAnotherPositionIsIgnored) {
  Send("a", kBase);
  Commit();
  clock_.Advance(minutes(10));

  ProveAt(0);
  ProveAt(2);
  ProveAt(kNoOffset);

  EXPECT_FALSE(Commit().has_value());
}

TEST_F(IdleAdvanceTest, AMessageBetweenQuestionAndAnswerVoidsTheAnswer) {
  Send("a", kBase);
  clock_.Advance(minutes(10));
  const IdleProof proof{lane_->next_offset(), clock_.Steady()};
  clock_.Advance(Millis(3));
  Send("a", kBase + seconds(1));

  lane_->AdvanceIdle(proof);
  // Nor does it help that the position fits by chance.
  lane_->AdvanceIdle({lane_->next_offset(), proof.asked_at});

  const std::optional<Marker> marker = Commit();
  EXPECT_EQ(marker->partition_time, kBase + seconds(1));
  EXPECT_EQ(marker->idle_origin, kNoTime);
}

TEST_F(IdleAdvanceTest, AMessageEndsTheAdvance) {
  Send("a", kBase);
  clock_.Advance(minutes(10));
  Prove();
  Commit();
  clock_.Advance(minutes(10));
  Send("a", kBase + seconds(1));

  const std::optional<Marker> marker = Commit();
  EXPECT_EQ(marker->partition_time, kBase + minutes(10));
  EXPECT_EQ(marker->idle_origin, kNoTime);
  clock_.Advance(minutes(2));
  EXPECT_EQ(TimeAfterProof(), kBase + minutes(12));
}

TEST_F(IdleAdvanceTest, WithoutATimeThereIsNothingToAdvance) {
  clock_.Advance(hours(1));
  Prove();
  EXPECT_FALSE(Commit().has_value());

  SendText(kBase, "{broken");
  Commit();
  clock_.Advance(hours(1));
  Prove();

  EXPECT_FALSE(Commit().has_value());
}

TEST_F(IdleAdvanceTest, ALaneThatIsStoppedLostOrFailedStaysAsItIs) {
  Send("a", kBase);
  Commit();
  clock_.Advance(hours(1));
  lane_->Stop();
  Prove();
  EXPECT_FALSE(Commit().has_value());

  Restart();
  clock_.Advance(hours(1));
  lane_->Detach();
  Prove();
  EXPECT_FALSE(Commit().has_value());

  Restart();
  clock_.Advance(hours(1));
  log_.error = Corruption("bad CRC");
  Turn();
  ASSERT_TRUE(lane_->failed());
  Prove();
  EXPECT_FALSE(Commit().has_value());
}

// The commit thread finds it while turns go on that know nothing of it.
TEST_F(IdleAdvanceTest, DamageThatACommitFoundIsNotForgottenByTheNextTurn) {
  Send("a", kBase);
  const LaneEpoch& part = lane_->Freeze();
  store_->FailApplyAfter(0, StatusCode::kCorruption);
  ASSERT_EQ(lane_->Apply(part).code(), StatusCode::kCorruption);
  ASSERT_TRUE(lane_->store_corrupt());

  Send("a", kBase + seconds(1));
  Prove();

  EXPECT_TRUE(lane_->store_corrupt());
  EXPECT_FALSE(lane_->failed());
}

TEST_F(IdleAdvanceTest, WindowsCloseInOrderOfEndAndVehicle) {
  Send("b", kBase + seconds(10));
  Send("a", kBase + seconds(20));
  Send("a", kBase + seconds(62));
  Send("c", kBase + seconds(30));
  Commit();
  ASSERT_THAT(outputs_, IsEmpty());

  // Partition time is 62 s, when a and c were last seen.
  clock_.Advance(minutes(10) - Millis(1));
  Prove();
  Commit();
  ASSERT_THAT(outputs_, SizeIs(1));
  clock_.Advance(minutes(1));
  Prove();
  Commit();

  EXPECT_THAT(outputs_,
              ElementsAre(HasSubstr(R"("b","window_start":1699996440000)"),
                          HasSubstr(R"("a","window_start":1699996440000)"),
                          HasSubstr(R"("c","window_start":1699996440000)"),
                          HasSubstr(R"("a","window_start":1699996500000)")));
}

TEST_F(IdleAdvanceTest, ExcursionsCloseWhenTheirVehicleIsForgotten) {
  Send("a", kBase, 120);
  Send("a", kBase + seconds(10), 130);
  Commit();
  ASSERT_THAT(outputs_, ElementsAre(HasSubstr(R"("event":"open")")));

  clock_.Advance(hours(1) - Millis(1));
  Prove();
  Commit();
  EXPECT_THAT(outputs_, SizeIs(2));  // The window.
  clock_.Advance(Millis(1));
  Prove();
  Commit();

  ASSERT_THAT(outputs_, SizeIs(3));
  EXPECT_THAT(outputs_[1], HasSubstr("window_start"));
  EXPECT_THAT(outputs_[2], HasSubstr(R"("event":"close")"));
}

TEST_F(IdleAdvanceTest, WhatFallsIntoClosedWindowsIsLate) {
  Send("a", kBase);
  clock_.Advance(minutes(20));
  Prove();
  Commit();
  ASSERT_THAT(outputs_, SizeIs(1));

  Send("a", kBase + seconds(30));
  Send("a", kBase + seconds(61));
  Commit();

  ASSERT_THAT(outputs_, SizeIs(2));
  EXPECT_EQ(sinks_[1], kLate);
  EXPECT_EQ(metrics_.late.value(), 1U);
}

// Two advances and a record of one epoch, in the order in which they came.
TEST_F(IdleAdvanceTest, OutputsOfAnAdvanceComeBeforeThoseOfTheNextRecord) {
  Send("a", kBase);
  Commit();
  clock_.Advance(minutes(11));
  Prove();
  Send("a", kBase + minutes(12));
  Send("b", kBase + minutes(24));

  LaneEpoch& part = lane_->Freeze();
  const std::vector<OutputRecord>& records = part.outputs.records();

  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].cause, 0U);
  EXPECT_EQ(records[1].cause, 1U);
}

// Time in which nobody ran is not counted, and after a restart the last
// message's log time is not known: the advance begins anew, max_future_skew
// later.
TEST_F(IdleAdvanceTest, WhatPassesWhileNobodyRunsIsNotCounted) {
  Send("a", kBase);
  clock_.Advance(minutes(2));
  Prove();
  Commit();
  Close();

  clock_.Advance(hours(30));
  Open();
  clock_.Advance(minutes(5));
  Prove();
  EXPECT_FALSE(Commit().has_value());
  clock_.Advance(minutes(3));
  Prove();

  const std::optional<Marker> marker = Commit();
  EXPECT_EQ(marker->partition_time, kBase + minutes(2 + 3));
  EXPECT_EQ(marker->idle_origin, kBase);
}

TEST_F(IdleAdvanceTest, AStartElsewhereBeginsAnew) {
  Send("a", kBase);
  clock_.Advance(minutes(2));
  Prove();
  Commit();
  Close();
  log_.messages.emplace_back(kBase, "skipped");

  clock_.Advance(minutes(30));
  Open(/*skip=*/1);
  clock_.Advance(minutes(6));
  Prove();

  const std::optional<Marker> marker = Commit();
  EXPECT_EQ(marker->partition_time, kBase + minutes(2 + 1));
  EXPECT_EQ(marker->idle_origin, kBase + minutes(2));
}

// Nothing in the log tells a producer that forges both its records' and
// Kafka's time from one that is right; but it is not done in silence.
TEST_F(IdleAdvanceTest, AJumpOfTimeIsCounted) {
  Send("a", kBase);
  EXPECT_EQ(metrics_.time_jumps.value(), 0U);  // There was no time before.
  Send("a", kBase + minutes(5));
  EXPECT_EQ(metrics_.time_jumps.value(), 0U);
  Send("b", kBase + minutes(10) + Millis(1));
  EXPECT_EQ(metrics_.time_jumps.value(), 1U);
  log_.messages.emplace_back(
      clock_.Now(), R"({"v":"a","ts":)" +
                        std::to_string(ToEpochMillis(kBase + minutes(14))) +
                        "}");
  log_.messages.emplace_back(
      clock_.Now(), R"({"v":"a","ts":)" +
                        std::to_string(ToEpochMillis(kBase + minutes(18))) +
                        "}");
  Turn();
  EXPECT_EQ(metrics_.time_jumps.value(), 1U);  // Two small steps.
}

TEST_F(IdleAdvanceTest, AFullEpochIsCommittedFirst) {
  Close();
  epoch_bytes_ = 1;
  Open();
  SendText(kBase, "{broken");
  ASSERT_EQ(epochs_full_, 0);
  clock_.Advance(hours(1));

  Prove();

  EXPECT_EQ(epochs_full_, 1);
}

TEST_F(IdleAdvanceTest, AStoreThatCannotBeReadFailsTheLane) {
  Close();
  state_bytes_ = 1;
  Open();
  Send("a", kBase);
  Commit();
  Turn();  // Evicts.
  store_->FailScanAfter(0);
  clock_.Advance(hours(1));

  Prove();

  EXPECT_TRUE(lane_->failed());
  EXPECT_THAT(failure_.message(), HasSubstr("lane in/0 offset 1: "));
  EXPECT_FALSE(Commit().has_value());
}

}  // namespace
}  // namespace tacho
