#include "pipeline/worker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Sinks of the test job, in the order of JobSinks.
constexpr SinkId kRejects = 0;
constexpr SinkId kLate = 1;
constexpr SinkId kStats = 2;
constexpr SinkId kAlerts = 3;

constexpr int64_t kStart = 1700000040000;  // A minute's start.

void FillRandom(WorkerHarness& h, int messages, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::map<int32_t, int64_t> now;
  for (int i = 0; i < messages; ++i) {
    const auto p = static_cast<int32_t>(random() % h.AllLanes().size());
    int64_t& t = now[p];
    t += static_cast<int64_t>(random() % 4000);
    const int64_t jitter = static_cast<int64_t>(random() % 20000);
    const std::string vehicle =
        "v" + std::to_string(p) + "-" + std::to_string(random() % 5);
    if (random() % 50 == 0) {
      h.log.Append(h.Lane(p), vehicle, "{broken");
    } else {
      h.log.Append(h.Lane(p), vehicle,
                   TestMessage(vehicle, kStart + t - jitter,
                               static_cast<double>(random() % 160)));
    }
  }
}

using Outputs = std::map<std::pair<int32_t, SinkId>, std::vector<std::string>>;

Outputs ByLaneAndSink(const WorkerHarness& h) {
  Outputs outputs;
  for (const FakeOutput& out : h.AllWritten()) {
    outputs[{out.lane.partition, out.sink}].push_back(out.key + " " +
                                                      out.value);
  }
  return outputs;
}

Outputs RunWhole(int messages, uint64_t seed, const std::string& extra = "") {
  WorkerHarness h(3, TestJobYaml(extra));
  FillRandom(h, messages, seed);
  EXPECT_TRUE(h.RunToEnd().ok());
  return ByLaneAndSink(h);
}

TEST(WorkerTest, WindowsOfTwoVehiclesAreCountedAndCommitted) {
  WorkerHarness h(1);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 10));
  h.log.Append(h.Lane(0), "b", TestMessage("b", kStart + 1000, 1));
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 2000, 20));
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 65000, 5));

  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_THAT(h.Written(0, kStats),
              ElementsAre(R"({"vehicle_id":"a","window_start":1700000040000,)"
                          R"("window_end":1700000100000,"n":2,"total":30})"));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 4);
}

TEST(WorkerTest, CloseAtEndEmitsWhatIsOpen) {
  WorkerHarness h(1);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 10));
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 1000, 20));

  ASSERT_TRUE(h.RunToEnd(/*close_at_end=*/true).ok());

  EXPECT_THAT(h.Written(0, kStats), SizeIs(1));
}

TEST(WorkerTest, CloseAtEndClosesEveryTime) {
  WorkerHarness h(1);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 1));
  ASSERT_TRUE(h.RunToEnd(/*close_at_end=*/true).ok());
  EXPECT_EQ(h.Written(0, kStats).size(), 1u);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 600000, 1));
  ASSERT_TRUE(h.RunToEnd(/*close_at_end=*/true).ok());
  EXPECT_EQ(h.Written(0, kStats).size(), 2u);
}

TEST(WorkerTest, CloseAtEndClosesWhatAnEarlierRunLeftOpen) {
  WorkerHarness h(1);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 10));
  ASSERT_TRUE(h.RunToEnd().ok());
  ASSERT_THAT(h.Written(0, kStats), IsEmpty());

  // Nothing new: the group's offset is the end already.
  ASSERT_TRUE(h.RunToEnd(/*close_at_end=*/true).ok());
  ASSERT_TRUE(h.RunToEnd(/*close_at_end=*/true).ok());

  EXPECT_THAT(h.Written(0, kStats), SizeIs(1));
}

// Rejects carry their messages: what all lanes together hold of them is bounded
// by commit.bytes, and as much again of an epoch that does not get out.
TEST(WorkerTest, LanesStopWhileAFullEpochDoesNotGetOut) {
  constexpr int kLanes = 8;
  constexpr size_t kReject = 100000;
  WorkerHarness h(kLanes);
  for (int i = 0; i < 40; ++i) {
    for (const TopicPartition& tp : h.AllLanes()) {
      h.log.Append(tp, "v", std::string(kReject, 'x'));
    }
  }
  h.job.commit.bytes = size_t{1} << 20;
  h.job.batch_max_records = 1;
  h.on_at_least_once = [](FakeAtLeastOnce& writer) {
    writer.FailFlushes(4, {StatusCode::kUnavailable, "slow", true});
  };
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] {
    return h.at_least_once != nullptr && h.at_least_once.load()->failed() == 4;
  }));

  // Each of two threads may have been one message further.
  EXPECT_LE(h.worker->Totals().messages.value() * kReject,
            (size_t{2} << 20) + 3 * kReject);
  EXPECT_TRUE(WaitUntil([&] {
    return h.worker->Totals().messages.value() == uint64_t{40} * kLanes;
  }));
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_THAT(h.AllWritten(), SizeIs(40 * kLanes));
}

// Queues are made for so many when the client is made.
TEST(WorkerTest, MoreLanesThanTheJobSaysFetchInTurns) {
  constexpr int kLanes = 7;
  WorkerHarness h(kLanes, TestJobYaml("limits: {partitions_per_worker: 2}\n"));
  for (int i = 0; i < 10; ++i) {
    for (const TopicPartition& tp : h.AllLanes()) h.log.Append(tp, "v", "x");
  }
  h.Start(h.AllLanes());

  EXPECT_TRUE(WaitUntil([&] { return h.worker->Reports().size() == kLanes; }));
  EXPECT_TRUE(WaitUntil([&] { return h.member->giving() == 2; }));
  EXPECT_TRUE(WaitUntil([&] {
    EXPECT_LE(h.member->giving(), 2);
    return h.worker->Totals().messages.value() == 10 * kLanes;
  }));
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_THAT(h.AllWritten(), SizeIs(10 * kLanes));
}

TEST(WorkerTest, MoreLanesThanFitAreRefusedWithWhatWouldDo) {
  WorkerHarness h(1000, TestJobYaml("memory: {limit: 64MiB}\n"));
  h.Start(h.AllLanes());

  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(),
              HasSubstr("this worker is given 1000 partitions, which need a "
                        "memory.limit of at least 375MiB"));
}

TEST(WorkerTest, ALaneThatIsReadyRunsWhile300OthersOpen) {
  constexpr int kLanes = 301;
  WorkerHarness h(kLanes);
  for (const TopicPartition& tp : h.AllLanes()) h.log.Append(tp, "v", "broken");
  std::atomic<bool> written{false};
  h.store_faults.on_open = [&](const TopicPartition& tp) {
    if (tp.partition != kLanes - 1) return;
    written = WaitUntil([&] { return !h.Written(0, kRejects).empty(); });
  };

  h.Start(h.AllLanes());

  EXPECT_TRUE(WaitUntil([&] { return !h.Written(300, kRejects).empty(); }));
  EXPECT_TRUE(written) << "no lane ran before all were open";
  EXPECT_TRUE(h.Stop().ok());
}

// A load keeps its thread for as long as the disk takes: LaneLoads.
TEST(WorkerTest, ALaneThatIsReadyRunsAndCommitsWhileOthersLoad) {
  constexpr int kLanes = 6;
  WorkerHarness h(kLanes);
  FillRandom(h, 100 * kLanes, 67);
  ASSERT_TRUE(h.RunToEnd().ok());
  FillRandom(h, 100 * kLanes, 71);
  const auto done = [&](const TopicPartition& tp) {
    return h.log.Committed(tp) == h.log.End(tp);
  };
  std::atomic<int> loading{0};
  std::atomic<int> most{0};
  h.store_faults.on_scan = [&](const TopicPartition& tp) {
    if (tp.partition == 0 || done(h.Lane(0))) return;
    most = std::max(most.load(), ++loading);
    EXPECT_TRUE(WaitUntil([&] { return done(h.Lane(0)); }));
    --loading;
  };
  WorkerOptions options;
  options.threads = 3;

  h.Start(h.AllLanes(), options);

  EXPECT_TRUE(WaitUntil([&] { return done(h.Lane(0)); }));
  for (const TopicPartition& tp : h.AllLanes()) {
    EXPECT_TRUE(WaitUntil([&] { return done(tp); }));
  }
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_GT(most, 0);
  EXPECT_LE(most, 2);
}

TEST(WorkerTest, BatchSizeDoesNotChangeOutput) {
  const Outputs one = RunWhole(3000, 7, "batch: {max_records: 1}\n");

  EXPECT_EQ(one, RunWhole(3000, 7, "batch: {max_records: 7}\n"));
  EXPECT_EQ(one, RunWhole(3000, 7, "batch: {max_records: 1000}\n"));
  EXPECT_THAT(one.at({0, kStats}), Not(IsEmpty()));
  EXPECT_THAT(one.at({0, kAlerts}), Not(IsEmpty()));
  EXPECT_THAT(one.at({0, kLate}), Not(IsEmpty()));
  EXPECT_THAT(one.at({0, kRejects}), Not(IsEmpty()));
}

TEST(WorkerTest, RestartsDoNotChangeOutput) {
  const Outputs whole = RunWhole(2000, 11);

  WorkerHarness whole_log(3);
  FillRandom(whole_log, 2000, 11);
  WorkerHarness h(3);
  for (size_t done = 0; done < 2000; done += 100) {
    for (const TopicPartition& tp : h.AllLanes()) {
      const auto& from = whole_log.log.entries[tp];
      auto& to = h.log.entries[tp];
      const size_t until = std::min(from.size(), to.size() + 40);
      to.insert(to.end(), from.begin() + static_cast<long>(to.size()),
                from.begin() + static_cast<long>(until));
    }
    ASSERT_TRUE(h.RunToEnd().ok());
  }

  EXPECT_EQ(ByLaneAndSink(h), whole);
}

TEST(WorkerTest, RetriesWhatTheBrokerRefusesForAWhile) {
  WorkerHarness h(1);
  FillRandom(h, 500, 3);
  h.on_at_least_once = [](FakeAtLeastOnce& t) {
    t.FailFlushes(2, {StatusCode::kUnavailable, "broker away", true});
  };

  ASSERT_TRUE(h.RunToEnd().ok());

  WorkerHarness calm(1);
  FillRandom(calm, 500, 3);
  ASSERT_TRUE(calm.RunToEnd().ok());
  EXPECT_EQ(ByLaneAndSink(h), ByLaneAndSink(calm));
}

TEST(WorkerTest, StopEndsTheRetriesWithinTheRevokeTimeout) {
  WorkerHarness h(1, TestJobYaml("revoke_timeout: 1s\n"));
  FillRandom(h, 100, 5);
  h.on_at_least_once = [](FakeAtLeastOnce& t) {
    t.FailFlushes(1000000, {StatusCode::kUnavailable, "broker away", true});
  };
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 100; }));
  const auto start = std::chrono::steady_clock::now();

  const Status status = h.Stop();

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 0);
}

TEST(WorkerTest, LaneFailureWhileTheBrokerIsAwayStopsWithTheLanesReason) {
  WorkerHarness h(2);
  FillRandom(h, 200, 5);
  h.on_at_least_once = [](FakeAtLeastOnce& t) {
    t.FailFlushes(1000000, {StatusCode::kUnavailable, "broker away", true});
  };
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 200; }));
  // The first epoch is being retried; lanes go on, and one of them fails.
  ASSERT_TRUE(WaitUntil([&] { return h.at_least_once.load()->failed() >= 2; }));
  FillRandom(h, 100, 6);
  h.member->Poke();
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 300; }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.errors[h.Lane(1)] = Corruption("in/1: bad CRC");
  }
  h.member->Poke();

  EXPECT_EQ(h.Join().code(), StatusCode::kCorruption);
}

// As a broker that answers a fetch with an error of its own.
TEST(WorkerTest, ALaneFailureThatPassesIsNoReasonToEnd) {
  WorkerHarness h(2);
  FillRandom(h, 200, 5);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 200; }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.errors[h.Lane(1)] = {StatusCode::kUnavailable, "in/1: -1", true};
  }
  FillRandom(h, 100, 6);
  h.member->Poke();
  // Reopened, and the same once more.
  ASSERT_TRUE(WaitUntil([&] {
    const std::lock_guard lock(h.log.mutex);
    return h.log.errors_met >= 2;
  }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.errors.clear();
  }
  FillRandom(h, 100, 7);
  h.member->Poke();

  EXPECT_TRUE(WaitUntil([&] {
    return h.log.Committed(h.Lane(0)) == h.log.End(h.Lane(0)) &&
           h.log.Committed(h.Lane(1)) == h.log.End(h.Lane(1));
  }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, NothingIsCommittedPastAFailureThatStays) {
  WorkerHarness h(1);
  FillRandom(h, 100, 5);
  h.on_at_least_once = [](FakeAtLeastOnce& t) {
    t.FailFlushes(1000, {StatusCode::kPermission, "topic refused"});
  };

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kPermission);
  // The resolved start, and nothing after it.
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 0);
  EXPECT_FALSE(h.disk[h.Lane(0)]->ReadMarker()->has_value());
}

TEST(WorkerTest, OffsetsNeverGoBackwardsAndNeverPassState) {
  WorkerHarness h(2);
  FillRandom(h, 1000, 13);
  ASSERT_TRUE(h.RunToEnd().ok());

  for (const TopicPartition& tp : h.AllLanes()) {
    const auto& history = h.log.commit_history[tp];
    EXPECT_TRUE(std::is_sorted(history.begin(), history.end()));
    EXPECT_EQ((*h.disk[tp]->ReadMarker())->next_offset, h.log.Committed(tp));
  }
}

TEST(WorkerTest, RevokeCommitsWhatWasDoneAndClosesTheLanes) {
  WorkerHarness h(1, TestJobYaml("revoke_timeout: 5s\n"));
  h.job.commit.interval = std::chrono::hours(1);
  FillRandom(h, 300, 17);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 300; }));

  h.member->RevokeNow();

  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 300);
  EXPECT_TRUE(h.worker->Reports().empty());
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, LostPartitionsAreNotCommitted) {
  WorkerHarness h(1);
  h.job.commit.interval = std::chrono::hours(1);
  FillRandom(h, 300, 17);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 300; }));

  h.member->RevokeNow(/*lost=*/true);

  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 0);
  EXPECT_THAT(h.Written(0, kStats), IsEmpty());
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, ALaneThatComesBackGoesOn) {
  WorkerHarness h(1);
  FillRandom(h, 300, 19);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 300; }));
  h.member->RevokeNow();
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  FillRandom(h, 300, 23);

  h.member->AssignNow(h.AllLanes());

  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 600; }));
  EXPECT_EQ(h.worker->Totals().messages.value(), 600u);
  EXPECT_EQ(h.worker->Totals().state_not_moved.value(), 0u);
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, ARevokeThatCouldNotCommitDoesNotStopLaterCommits) {
  WorkerHarness h(1, TestJobYaml("revoke_timeout: 50ms\n"));
  h.job.commit.interval = std::chrono::hours(1);
  FillRandom(h, 300, 19);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 300; }));
  h.at_least_once.load()->FailFlushes(
      1, {StatusCode::kUnavailable, "not now", true});
  h.member->RevokeNow();
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 0);

  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 600; }));

  EXPECT_TRUE(h.Stop().ok());
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 300);
}

TEST(WorkerTest, ALaneThatHadNothingToReadMissesNoState) {
  WorkerHarness h(2);
  h.job.group.offset_reset = OffsetReset::kLatest;
  h.log.Append(h.Lane(1), "a", TestMessage("a", kStart, 1));
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.member->assigned(); }));
  h.member->RevokeNow();
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));

  h.member->AssignNow(h.AllLanes());

  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 3; }));
  EXPECT_EQ(h.worker->Totals().state_not_moved.value(), 0u);
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, EmptyGroupStartsWhereThePolicySays) {
  WorkerHarness earliest(1);
  FillRandom(earliest, 10, 1);
  earliest.log.first[earliest.Lane(0)] = 4;
  ASSERT_TRUE(earliest.RunToEnd().ok());
  EXPECT_EQ(earliest.log.commit_history[earliest.Lane(0)].front(), 4);

  WorkerHarness latest(1);
  latest.job.group.offset_reset = OffsetReset::kLatest;
  FillRandom(latest, 10, 1);
  ASSERT_TRUE(latest.RunToEnd().ok());
  EXPECT_THAT(latest.log.commit_history[latest.Lane(0)], Each(10));

  WorkerHarness none(1);
  none.job.group.offset_reset = OffsetReset::kNone;
  const Status status = none.RunToEnd();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("offset_reset"));
}

TEST(WorkerTest, PartitionNewToAnOldGroupStartsAtItsBeginning) {
  WorkerHarness h(2);
  h.job.group.offset_reset = OffsetReset::kLatest;
  h.log.committed[h.Lane(0)] = 0;
  h.log.Append(h.Lane(1), "a", TestMessage("a", kStart, 1));

  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(h.log.commit_history[h.Lane(1)].front(), 0);
  EXPECT_EQ(h.log.Committed(h.Lane(1)), 1);
}

TEST(WorkerTest, StateBehindTheGroupIsDroppedAndCounted) {
  WorkerHarness h(1);
  FillRandom(h, 100, 29);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.log.committed[h.Lane(0)] = 150;  // Another host's worker went on.
  FillRandom(h, 100, 31);

  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 200; }));

  EXPECT_EQ(h.worker->Totals().state_not_moved.value(), 1u);
  EXPECT_EQ(h.worker->Totals().messages.value(), 50u);
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, StateAheadOfTheGroupIsUsedWithoutRepeating) {
  WorkerHarness h(1);
  FillRandom(h, 100, 37);
  ASSERT_TRUE(h.RunToEnd().ok());
  const Outputs before = ByLaneAndSink(h);
  h.log.committed[h.Lane(0)] = 40;  // Killed between state and offsets.

  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(ByLaneAndSink(h), before);
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 100);
}

TEST(WorkerTest, OffsetsThatWereRefusedAreCommittedLater) {
  WorkerHarness h(1);
  FillRandom(h, 100, 41);
  h.Start({});
  h.member->FailCommits(3, {StatusCode::kUnavailable, "rebalancing", true});
  h.member->AssignNow(h.AllLanes());

  EXPECT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 100; }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, LaneThatCannotReadStopsTheWorkerButNotTheOthersWork) {
  WorkerHarness h(2);
  FillRandom(h, 200, 43);
  const Offset readable = h.log.End(h.Lane(1));
  h.log.errors[h.Lane(1)] = Corruption("in/1: bad CRC");

  h.Start(h.AllLanes());
  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("bad CRC"));
  EXPECT_LE(h.log.Committed(h.Lane(1)), readable);
}

TEST(WorkerTest, RejectsFailStopsBeforeTheMessage) {
  WorkerHarness h(1);
  h.job.rejects.action = OnReject::kFail;
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 1));
  h.log.Append(h.Lane(0), "a", "{broken");

  const Status status = h.RunToEnd();

  EXPECT_THAT(status.message(), HasSubstr("unparsable_json"));
  EXPECT_THAT(status.message(), HasSubstr("offset 1"));
  EXPECT_LE(h.log.Committed(h.Lane(0)), 1);
}

TEST(WorkerTest, RejectCarriesTheMessageAndWhereItWas) {
  WorkerHarness h(1);
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 1));
  h.log.Append(h.Lane(0), "key", "{broken");

  ASSERT_TRUE(h.RunToEnd().ok());

  const std::vector<FakeOutput> all = h.AllWritten();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].sink, kRejects);
  EXPECT_EQ(all[0].key, "key");
  EXPECT_EQ(all[0].value, "{broken");
  EXPECT_EQ(all[0].headers.at("tacho.reason"), "unparsable_json");
  EXPECT_EQ(all[0].headers.at("tacho.detail"),
            R"(bytes "{broken"; expected JSON)");
  EXPECT_EQ(all[0].headers.at("tacho.topic"), "in");
  EXPECT_EQ(all[0].headers.at("tacho.partition"), "0");
  EXPECT_EQ(all[0].headers.at("tacho.offset"), "1");
  EXPECT_EQ(all[0].headers.at("tacho.timestamp"), "1700000000000");
  EXPECT_EQ(all[0].headers.at("tacho.job"), "test-job");
}

// Under both: stops before it, or has a reject in its place and goes on.
TEST(WorkerTest, WhatCannotBeReadStopsTheLaneOrIsARejectWithItsRange) {
  for (const bool exactly_once : {false, true}) {
    WorkerHarness h(1, exactly_once ? ExactlyOnceYaml() : TestJobYaml());
    h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 1));
    for (int i = 0; i < 5; ++i) h.log.Append(h.Lane(0), "a", "{broken");
    h.log.Append(h.Lane(0), "a", "");
    h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 1000, 1));
    h.log.unreadable[h.Lane(0)] = {{1, 5}};

    const Status stopped = h.RunToEnd();

    EXPECT_THAT(stopped.message(), HasSubstr("does not unpack"));
    EXPECT_LE(h.log.Committed(h.Lane(0)), 1);

    h.job.on_unreadable = OnUnreadable::kSkip;
    ASSERT_TRUE(h.RunToEnd().ok());

    EXPECT_EQ(h.log.Committed(h.Lane(0)), 8);
    const std::vector<FakeOutput> all = h.AllWritten();
    ASSERT_THAT(all, SizeIs(3));  // And the two that are broken.
    EXPECT_EQ(all[0].sink, kRejects);
    EXPECT_EQ(all[0].headers.at("tacho.reason"), "unreadable");
    EXPECT_EQ(all[0].headers.at("tacho.offset"), "1");
    EXPECT_EQ(all[0].headers.at("tacho.last_offset"), "4");
    EXPECT_EQ(all[0].headers.at("tacho.detail"), "does not unpack");
    EXPECT_EQ(all[0].value, "");
    EXPECT_EQ(all[1].headers.at("tacho.offset"), "5");
  }
}

TEST(WorkerTest, AddedPartitionsStopAKeyedJobWithTheRemedy) {
  WorkerHarness h(2);
  FillRandom(h, 50, 47);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.log.counts["in"] = 3;

  h.Start(h.AllLanes());
  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("partitions_added: continue"));
}

TEST(WorkerTest, AddedPartitionsAreReadWhereTheJobSaysContinue) {
  WorkerHarness h(2, TestJobYaml("partitions_added: continue\n"));
  FillRandom(h, 50, 47);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.log.counts["in"] = 3;
  h.log.Append(h.Lane(2), "z", TestMessage("z", kStart, 1));

  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(h.log.Committed(h.Lane(2)), 1);
}

TEST(WorkerTest, StateOfTheOtherGuaranteeIsRefused) {
  WorkerHarness h(1);
  FillRandom(h, 10, 53);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.job.guarantee = Guarantee::kExactlyOnce;

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("guarantee"));
}

TEST(WorkerTest, EveryMessageIsARecordOrAReject) {
  WorkerHarness h(3);
  FillRandom(h, 5000, 59);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 5000; }));

  const LaneMetrics totals = h.worker->Totals();

  EXPECT_EQ(totals.records.value() + totals.total_rejects(), 5000u);
  EXPECT_GT(totals.total_rejects(), 0u);
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerTest, StreamsThatShareATopicAreMergedInOrderOfCause) {
  std::string yaml = TestJobYaml();
  yaml.replace(yaml.find("topic: alerts"), 13, "topic: stats");
  const auto run = [&](const std::string& size) {
    WorkerHarness h(1, yaml + "batch: {max_records: " + size + "}\n");
    FillRandom(h, 2000, 61);
    EXPECT_TRUE(h.RunToEnd().ok());
    return h.Written(0, kStats);
  };

  const std::vector<std::string> one = run("1");

  EXPECT_EQ(one, run("1000"));
  EXPECT_THAT(one, ::testing::Contains(HasSubstr("\"event\":\"open\"")));
  EXPECT_THAT(one, ::testing::Contains(HasSubstr("window_start")));
}

}  // namespace
}  // namespace tacho
