// Workers that die: what they leave is taken up and nothing is lost. At least
// once, what is written twice is written twice in the same words, and state
// stays on its host; exactly once, the outputs are those of a run that nothing
// disturbed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CrashTest : public WorkerUnderBoth {
 protected:
  // Feeds the topic in slices, so that workers are in the middle of it.
  void ProduceSlices(const std::vector<KafkaRecord>& all, size_t from,
                     size_t to) {
    Produce({all.begin() + static_cast<std::ptrdiff_t>(from),
             all.begin() + static_cast<std::ptrdiff_t>(to)});
  }

  // Committed offsets now; fails if one went back since the last call.
  void WatchOffsets() {
    for (const auto& [partition, offset] : Committed()) {
      EXPECT_GE(offset, seen_[partition]) << "partition " << partition;
      seen_[partition] = std::max(seen_[partition], offset);
    }
  }

  bool AllCommitted() {
    WatchOffsets();
    return AtEnd();
  }

  int64_t TotalCommitted() {
    WatchOffsets();
    int64_t sum = 0;
    for (const auto& [partition, offset] : seen_) sum += offset;
    return sum;
  }

  // Of the worker's log: partitions whose state stayed behind, and the offset
  // from which it starts empty.
  static std::map<int32_t, Offset> StatesNotMoved(const TachoProcess& worker) {
    std::map<int32_t, Offset> lost;
    for (const auto& event : worker.Events("state_not_moved")) {
      lost[event["partition"]] = event["committed"];
    }
    return lost;
  }

  // A partition whose state stayed behind at `moved`: first what an
  // uninterrupted run writes, at least all that messages before `moved`
  // caused, at most to its end; then what a run from there writes that starts
  // empty.
  static void ExpectMoved(const Log& actual,
                          const std::vector<ExpectedOutput>& whole,
                          const std::vector<ExpectedOutput>& fresh,
                          Offset moved, const std::string& where) {
    const auto before = static_cast<size_t>(std::count_if(
        whole.begin(), whole.end(),
        [&](const ExpectedOutput& e) { return e.cause < moved; }));
    ASSERT_GE(actual.size(), before + fresh.size()) << where;
    const size_t first = actual.size() - fresh.size();
    ASSERT_LE(first, whole.size()) << where;
    for (size_t i = 0; i < actual.size(); ++i) {
      const ExpectedOutput& e = i < first ? whole[i] : fresh[i - first];
      ASSERT_TRUE(Matches(actual[i], e))
          << where << "\ngot " << Describe(actual[i]) << "\nnot " << e.value;
    }
  }

  std::map<int32_t, Offset> seen_;
};

INSTANTIATE_UNDER_BOTH(CrashTest);

// First, because a broker takes longer to come back the more topics it has.
TEST_P(CrashTest, ABrokerThatIsKilledAndComesBackChangesNothing) {
  Prepare("broker-restart", 4);
  const std::vector<KafkaRecord> all = Telemetry(9000, 16);
  auto worker = Start("host");
  ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
  ProduceSlices(all, 0, 6000);
  ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= 1000; }));

  broker().Kill();
  const Status restarted = broker().Restart();
  ASSERT_TRUE(restarted.ok()) << restarted.ToString();
  ProduceSlices(all, 6000, 9000);

  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }, seconds(45)))
      << worker->Output();
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  ExpectOutputs(/*closed=*/false, 2);
}

TEST_P(CrashTest, AKilledWorkerThatComesBackRepeatsAtMostItsLastEpoch) {
  Prepare("come-back", 4);
  const std::vector<KafkaRecord> all = Telemetry(12000, 11);
  ProduceSlices(all, 0, 3000);
  int kills = 0;
  // A static member is let in again without waiting for the dead one.
  Arguments member = {"--set", "group.instance_id=one"};
  for (size_t part = 1; part < 4; ++part) {
    auto worker = Start("host", member);
    ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
    ProduceSlices(all, part * 3000, (part + 1) * 3000);
    // Somewhere in the middle: an epoch may be half written.
    const int64_t goal = static_cast<int64_t>(part) * 3000 + 500;
    ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= goal; }))
        << worker->Output();
    worker->Kill();
    ++kills;
  }

  member.push_back("--close-at-end");
  ASSERT_EQ(RunToEnd("host", member), 0);

  EXPECT_TRUE(AllCommitted());
  ExpectOutputs(/*closed=*/true, kills);
}

// Each time on a host that has never seen the job. The transaction that the
// dead one may have left open is in the way until the broker ends it.
TEST_P(CrashTest, AStaticMemberThatComesBackElsewhereBringsItsStateIfItCan) {
  Prepare("elsewhere", 2);
  const std::vector<KafkaRecord> all = Telemetry(6000, 17);
  Arguments member = {"--set", "group.instance_id=one"};
  ProduceSlices(all, 0, 2000);
  for (size_t part = 1; part < 3; ++part) {
    auto worker = Start("host-" + std::to_string(part), member);
    ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
    ProduceSlices(all, part * 2000, (part + 1) * 2000);
    const int64_t goal = static_cast<int64_t>(part) * 2000 + 500;
    ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= goal; }))
        << worker->Output();
    worker->Kill();
  }

  ASSERT_EQ(RunToEnd("host-3", member), 0);

  EXPECT_TRUE(AllCommitted());
  if (exactly_once()) ExpectOutputs(/*closed=*/false);
}

// Two share, a third joins, the first leaves: every partition moves.
TEST_P(CrashTest, PartitionsThatMoveBetweenLivingWorkersTakeTheirStateAlong) {
  Prepare("moves", 6);
  const std::vector<KafkaRecord> all = Telemetry(9000, 18);
  const auto count = [](const TachoProcess& worker) {
    const auto events = worker.Events("partitions_assigned");
    return events.empty() ? -1 : events.back().value("count", -1);
  };
  const auto first = Start("host-a");
  const auto second = Start("host-b");
  ASSERT_TRUE(Eventually([&] { return count(*first) + count(*second) == 6; }));
  ProduceSlices(all, 0, 3000);
  ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= 1000; }));

  const auto third = Start("host-c");
  ASSERT_TRUE(Eventually([&] {
    return count(*first) == 2 && count(*second) == 2 && count(*third) == 2;
  })) << third->Output();
  ProduceSlices(all, 3000, 6000);
  ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= 4000; }));
  first->Signal(SIGTERM);
  ASSERT_EQ(first->WaitExit(), 0) << first->Output();
  ASSERT_TRUE(Eventually([&] {
    return count(*second) == 3 && count(*third) == 3;
  })) << third->Output();
  ProduceSlices(all, 6000, 9000);

  ASSERT_TRUE(Eventually([&] { return AllCommitted(); }))
      << second->Output() << third->Output();
  for (auto* worker : {second.get(), third.get()}) {
    worker->Signal(SIGTERM);
    ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  }
  if (!exactly_once()) return;
  ExpectOutputs(/*closed=*/false);
  // A clean hand-over is no failure.
  for (const auto* worker : {first.get(), second.get(), third.get()}) {
    EXPECT_TRUE(worker->Events("reopen").empty()) << worker->Output();
  }
}

TEST_P(CrashTest, AnotherWorkerOfTheHostGoesOnWithTheDeadOnesState) {
  Prepare("adopt", 2);
  const std::vector<KafkaRecord> all = Telemetry(6000, 12);
  ProduceSlices(all, 0, 3000);
  auto first = Start("host");
  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << first->Output();
  // Alive, so it has a directory of its own, but without a partition.
  auto second = Start("host");
  ASSERT_TRUE(second->WaitFor("partitions_assigned")) << second->Output();
  ASSERT_TRUE(first->WaitFor("partitions_assigned", 2)) << first->Output();
  ProduceSlices(all, 3000, 4500);
  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << first->Output();

  first->Kill();
  ProduceSlices(all, 4500, 6000);

  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << second->Output();
  second->Signal(SIGTERM);
  ASSERT_EQ(second->WaitExit(), 0) << second->Output();
  // Exactly once, a store that has not been flushed yet died with its worker;
  // the changelog has it all.
  if (exactly_once()) return ExpectOutputs(/*closed=*/false);
  EXPECT_GE(second->Events("state_adopted").size(), 1u) << second->Output();
  // One partition moved when the second worker joined, while the first was
  // alive and kept its state; the other one came with its state.
  std::map<int32_t, Offset> lost = StatesNotMoved(*second);
  EXPECT_LE(lost.size(), 1u);
  const std::vector<Log> input = Input();
  for (const std::string& topic : kOutputTopics) {
    const std::vector<Log> actual = Read(name() + "." + topic);
    for (size_t p = 0; p < input.size(); ++p) {
      const auto whole = ComputeExpected(input[p], name(), 0, false);
      if (const auto moved = lost.find(static_cast<int32_t>(p));
          moved != lost.end()) {
        const auto fresh =
            ComputeExpected(input[p], name(), moved->second, false);
        ExpectMoved(actual[p], Of(whole, topic), Of(fresh, topic),
                    moved->second, topic + "-" + std::to_string(p));
      } else {
        std::string why;
        const int rewinds = CountRewinds(actual[p], Of(whole, topic), why);
        EXPECT_GE(rewinds, 0) << topic << "-" << p << ": " << why;
        EXPECT_LE(rewinds, 1) << topic << "-" << p;
      }
    }
  }
}

TEST_P(CrashTest, TheOtherHostTakesOverWithStateOrSaysThatItHasNone) {
  Prepare("take-over", 4);
  const std::vector<KafkaRecord> all = Telemetry(12000, 13);
  auto dies = Start("host-a");
  auto stays = Start("host-b");
  ASSERT_TRUE(dies->WaitFor("partitions_assigned")) << dies->Output();
  ASSERT_TRUE(stays->WaitFor("partitions_assigned")) << stays->Output();
  // Both have two partitions before there is anything to read.
  const auto two = [](const TachoProcess& worker) {
    const auto events = worker.Events("partitions_assigned");
    return !events.empty() && events.back()["count"] == 2;
  };
  ASSERT_TRUE(Eventually([&] { return two(*dies) && two(*stays); }));
  ProduceSlices(all, 0, 6000);
  // Every partition has state by now: from offset 0 nothing would be missed.
  ASSERT_TRUE(Eventually([&] {
    return TotalCommitted() >= 4000 &&
           std::all_of(seen_.begin(), seen_.end(),
                       [](const auto& entry) { return entry.second > 0; });
  }));

  dies->Kill();
  ProduceSlices(all, 6000, 12000);

  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << stays->Output();
  stays->Signal(SIGTERM);
  ASSERT_EQ(stays->WaitExit(), 0) << stays->Output();
  const std::map<int32_t, Offset> lost = StatesNotMoved(*stays);
  if (exactly_once()) {
    EXPECT_TRUE(lost.empty());
    return ExpectOutputs(/*closed=*/false);
  }
  EXPECT_EQ(lost.size(), 2u);
  EXPECT_EQ(stays->Events("stopped_lanes")[0]["state_not_moved"], 2);
  const std::vector<Log> input = Input();
  for (const std::string& topic : kOutputTopics) {
    const std::vector<Log> actual = Read(name() + "." + topic);
    for (size_t p = 0; p < input.size(); ++p) {
      const auto moved = lost.find(static_cast<int32_t>(p));
      const Offset at = moved == lost.end() ? 0 : moved->second;
      const auto whole = ComputeExpected(input[p], name(), 0, false);
      const auto fresh = ComputeExpected(input[p], name(), at, false);
      ExpectMoved(actual[p], Of(whole, topic), Of(fresh, topic), at,
                  topic + "-" + std::to_string(p));
    }
  }
}

TEST_P(CrashTest, AnIdleThirdWorkerTakesOverWhenOneDies) {
  Prepare("idle", 2);
  std::vector<std::unique_ptr<TachoProcess>> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(Start("host-" + std::to_string(i)));
    ASSERT_TRUE(workers.back()->WaitFor("partitions_assigned"))
        << workers.back()->Output();
  }
  const auto count = [](const TachoProcess& worker) {
    const auto events = worker.Events("partitions_assigned");
    return events.empty() ? -1 : events.back().value("count", -1);
  };
  ASSERT_TRUE(Eventually([&] {
    return count(*workers[0]) + count(*workers[1]) + count(*workers[2]) == 2;
  }));
  const auto idle = std::find_if(workers.begin(), workers.end(),
                                 [&](auto& w) { return count(*w) == 0; });
  ASSERT_NE(idle, workers.end());
  const auto busy = std::find_if(workers.begin(), workers.end(),
                                 [&](auto& w) { return count(*w) == 1; });
  ASSERT_NE(busy, workers.end());

  (*busy)->Kill();
  Produce(Telemetry(2000, 14));

  EXPECT_TRUE(Eventually([&] { return AllCommitted(); }));
  EXPECT_EQ(count(**idle), 1) << (*idle)->Output();
  ExpectOutputs(/*closed=*/false);
}

// Frozen, not dead: it wakes up when its partitions are another's.
TEST_P(CrashTest, AWorkerThatWakesUpAfterItsSessionCommitsNothing) {
  Prepare("zombie", 2);
  const std::vector<KafkaRecord> all = Telemetry(6000, 15);
  auto sleeper = Start("host-a");
  ASSERT_TRUE(sleeper->WaitFor("partitions_assigned")) << sleeper->Output();
  ProduceSlices(all, 0, 3000);
  ASSERT_TRUE(Eventually([&] { return TotalCommitted() >= 1000; }));
  sleeper->Signal(SIGSTOP);
  auto heir = Start("host-b");
  ASSERT_TRUE(heir->WaitFor("partitions_assigned")) << heir->Output();
  ProduceSlices(all, 3000, 6000);
  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << heir->Output();

  sleeper->Signal(SIGCONT);

  // It rejoins; whoever has which partition then, offsets never go back.
  ASSERT_TRUE(sleeper->WaitFor("partitions_assigned", 2)) << sleeper->Output();
  ASSERT_TRUE(Eventually([&] { return AllCommitted(); })) << heir->Output();
  EXPECT_EQ(sleeper->Events("partitions_revoked")[0]["lost"], true);
  sleeper->Signal(SIGTERM);
  heir->Signal(SIGTERM);
  EXPECT_EQ(sleeper->WaitExit(), 0) << sleeper->Output();
  EXPECT_EQ(heir->WaitExit(), 0) << heir->Output();
  WatchOffsets();
  // Its state is at least once another one's by now.
  if (exactly_once()) ExpectOutputs(/*closed=*/false);
}

}  // namespace
}  // namespace tacho
