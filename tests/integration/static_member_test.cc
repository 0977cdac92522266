// Workers with group.instance_id: what a restart changes in the group, which
// is nothing. The generation is what the broker tells the worker with its
// assignment (event partitions_assigned); DescribeGroups does not show it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class StaticMemberTest : public WorkerUnderBoth {
 protected:
  static constexpr int kWorkers = 3;
  static constexpr int kPartitions = 6;

  struct Place {
    int generation = -1;
    std::string partitions;
    bool operator==(const Place&) const = default;
  };

  std::unique_ptr<TachoProcess> StartMember(int i) {
    return Start("host-" + std::to_string(i),
                 {"--set", "group.instance_id=" + Instance(i)});
  }
  static std::string Instance(int i) { return "member-" + std::to_string(i); }

  static Place PlaceOf(const TachoProcess& worker) {
    const auto events = worker.Events("partitions_assigned");
    if (events.empty()) return {};
    return {events.back().value("generation", -1),
            events.back().value("partitions", "")};
  }

  // Starts all and waits until they are in one generation, two partitions each.
  void StartAll() {
    for (int i = 0; i < kWorkers; ++i) workers_.push_back(StartMember(i));
    ASSERT_TRUE(Eventually([&] {
      return std::all_of(workers_.begin(), workers_.end(), [&](const auto& w) {
        const auto events = w->Events("partitions_assigned");
        return !events.empty() && events.back()["count"] == 2 &&
               PlaceOf(*w).generation == PlaceOf(*workers_[0]).generation;
      });
    })) << workers_[0]->Output();
  }

  void StopAll() {
    for (const auto& worker : workers_) worker->Signal(SIGTERM);
    for (const auto& worker : workers_) {
      EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
    }
  }

  std::vector<std::unique_ptr<TachoProcess>> workers_;
};

INSTANTIATE_UNDER_BOTH(StaticMemberTest);

TEST_P(StaticMemberTest, ARollingRestartDoesNotChangeTheGroupsGeneration) {
  Prepare("rolling", kPartitions);
  const std::vector<KafkaRecord> all = Telemetry(6000, 51);
  StartAll();
  std::vector<Place> before;
  for (const auto& worker : workers_) before.push_back(PlaceOf(*worker));
  EXPECT_GE(before[0].generation, 1);
  Produce({all.begin(), all.begin() + 1500});

  for (int i = 0; i < kWorkers; ++i) {
    auto& worker = workers_[static_cast<size_t>(i)];
    worker->Signal(SIGTERM);
    ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
    // While it is away its partitions wait for it.
    Produce({all.begin() + 1500 * (i + 1), all.begin() + 1500 * (i + 2)});
    worker = StartMember(i);
    ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();

    EXPECT_EQ(PlaceOf(*worker).generation, before[0].generation);
    EXPECT_EQ(PlaceOf(*worker).partitions,
              before[static_cast<size_t>(i)].partitions);
  }

  ASSERT_TRUE(Eventually([&] { return AtEnd(); }));
  for (int i = 0; i < kWorkers; ++i) {
    const auto& worker = workers_[static_cast<size_t>(i)];
    EXPECT_EQ(PlaceOf(*worker), before[static_cast<size_t>(i)]);
    EXPECT_TRUE(worker->Events("partitions_revoked").empty());
  }
  StopAll();
  ExpectOutputs(/*closed=*/false);
}

TEST_P(StaticMemberTest, ARangeIsOrderedByInstanceAndSurvivesACrash) {
  Prepare("static-range", kPartitions);
  const std::vector<KafkaRecord> all = Telemetry(6000, 52);
  StartAll();
  // By instance id, neighbours together, in whatever order they came.
  for (int i = 0; i < kWorkers; ++i) {
    EXPECT_EQ(PlaceOf(*workers_[static_cast<size_t>(i)]).partitions,
              name() + "/" + std::to_string(2 * i) + " " + name() + "/" +
                  std::to_string(2 * i + 1));
  }
  const Place before = PlaceOf(*workers_[1]);
  Produce({all.begin(), all.begin() + 3000});
  ASSERT_TRUE(Eventually([&] { return workers_[1]->running() && AtEnd(); }));
  Produce({all.begin() + 3000, all.end()});

  workers_[1]->Kill();
  workers_[1] = StartMember(1);

  ASSERT_TRUE(workers_[1]->WaitFor("partitions_assigned"))
      << workers_[1]->Output();
  EXPECT_EQ(PlaceOf(*workers_[1]), before);
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << workers_[1]->Output();
  StopAll();
  ExpectOutputs(/*closed=*/false, 1);
}

TEST_P(StaticMemberTest, ASecondMemberOfTheSameNameEndsTheFirst) {
  Prepare("same-name", 2);
  const std::vector<KafkaRecord> all = Telemetry(2000, 53);
  const auto first = StartMember(0);
  Produce({all.begin(), all.begin() + 1000});
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << first->Output();

  const auto second = Start("other", {"--set", "group.instance_id=member-0"});

  EXPECT_EQ(first->WaitExit(), 78) << first->Output();
  EXPECT_THAT(first->Output(),
              HasSubstr("has taken group.instance_id member-0 of group"));
  Produce({all.begin() + 1000, all.end()});
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << second->Output();
  second->Signal(SIGTERM);
  EXPECT_EQ(second->WaitExit(), 0) << second->Output();
  if (exactly_once()) ExpectOutputs(/*closed=*/false);
}

}  // namespace
}  // namespace tacho
