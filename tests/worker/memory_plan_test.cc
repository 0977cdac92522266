#include "pipeline/worker/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

MachineLimits Cgroup(uint64_t bytes) {
  MachineLimits machine;
  machine.cgroup_bytes = bytes;
  machine.cgroup_file = "/sys/fs/cgroup/memory.max";
  machine.physical_bytes = 64 * kGiB;
  return machine;
}

MachineLimits Physical(uint64_t bytes) {
  MachineLimits machine;
  machine.physical_bytes = bytes;
  return machine;
}

MachineLimits Files(uint64_t files) {
  MachineLimits machine;
  machine.open_files = files;
  return machine;
}

Job Limit(uint64_t bytes) {
  Job job;
  job.memory_limit = bytes;
  return job;
}

uint64_t Default(const MachineLimits& machine) {
  const auto plan = PlanMemory(Job(), machine, {});
  return plan.ok() ? plan->limit : 0;
}

TEST(MemoryPlanTest, TheDefaultLeavesRoomForWhatIsBesideTheLimit) {
  for (const uint64_t megabytes : {240, 256, 512, 1024, 4096, 65536}) {
    const uint64_t limit = Default(Cgroup(megabytes * kMiB));
    EXPECT_LE(MostResident(limit), megabytes * kMiB) << megabytes;
    EXPECT_LE(limit, megabytes * kMiB / 4 * 3) << megabytes;
  }
  EXPECT_EQ(Default(Cgroup(256 * kMiB)), 90 * kMiB);
  EXPECT_EQ(Default(Cgroup(4 * kGiB)), 3 * kGiB);
}

TEST(MemoryPlanTest, WithoutACgroupAQuarterOfTheMachineIsTaken) {
  EXPECT_EQ(Default(Physical(16 * kGiB)), 4 * kGiB);
  EXPECT_EQ(Default(Physical(256 * kMiB)), 64 * kMiB);
  // One that is larger than the machine limits nothing.
  MachineLimits machine = Cgroup(64 * kGiB);
  machine.physical_bytes = 8 * kGiB;
  EXPECT_EQ(Default(machine), 2 * kGiB);
  EXPECT_EQ(Default(MachineLimits()), 768 * kMiB);
}

TEST(MemoryPlanTest, AMachineThatIsTooSmallIsRefusedWithWhatWouldDo) {
  const auto plan = PlanMemory(Job(), Cgroup(200 * kMiB), {});

  ASSERT_EQ(plan.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(plan.status().message(),
            "the memory limit of the cgroup (/sys/fs/cgroup/memory.max) is "
            "200MiB; a worker needs at least 224MiB");
  EXPECT_TRUE(PlanMemory(Job(), Cgroup(224 * kMiB), {}).ok());
}

TEST(MemoryPlanTest, ALimitThatDoesNotFitIsRefusedWithWhatWouldDo) {
  const auto plan = PlanMemory(Limit(768 * kMiB), Cgroup(512 * kMiB), {});

  ASSERT_EQ(plan.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(plan.status().message(),
            "memory.limit: 768MiB may take up to 1104MiB of memory, but the "
            "memory limit of the cgroup (/sys/fs/cgroup/memory.max) is 512MiB; "
            "set memory.limit to 295MiB or less (or leave it out), or give the "
            "process 1104MiB");
  EXPECT_TRUE(PlanMemory(Limit(295 * kMiB), Cgroup(512 * kMiB), {}).ok());
}

TEST(MemoryPlanTest, PartsAreTheLimit) {
  for (const uint64_t megabytes : {64, 256, 768, 4096}) {
    const auto plan = PlanMemory(Limit(megabytes * kMiB), {}, {});
    ASSERT_TRUE(plan.ok());
    const uint64_t sum = plan->fetch_bytes + plan->batch_bytes +
                         plan->state_bytes + plan->rocksdb_bytes +
                         plan->epoch_bytes + plan->producer_bytes;
    EXPECT_LE(sum, plan->limit);
    EXPECT_GT(sum, plan->limit - kMiB);
    // Two epochs, and what their buffers grow by.
    EXPECT_LE(3 * plan->commit_bytes, plan->epoch_bytes);
    EXPECT_LE(plan->producer_messages * 768, plan->producer_bytes);
  }
}

TEST(MemoryPlanTest, FetchQueuesAreSharedByAllPartitionsThatThereAre) {
  MemoryPlan::Load load;
  load.partitions = 48;
  Job job = Limit(768 * kMiB);

  EXPECT_EQ(PlanMemory(job, {}, load)->partitions, 48);
  // Unless the job says that a worker owns fewer.
  job.partitions_per_worker = 8;
  EXPECT_EQ(PlanMemory(job, {}, load)->partitions, 8);
  load.partitions = 2;
  EXPECT_EQ(PlanMemory(job, {}, load)->partitions, 2);
}

TEST(MemoryPlanTest, StateIsSharedByTheLanesThatAreOwned) {
  Job job = Limit(400 * kMiB);
  auto plan = PlanMemory(job, {}, {});
  EXPECT_EQ(plan->StateBytesPerLane(1), plan->state_bytes);
  EXPECT_EQ(plan->StateBytesPerLane(10), plan->state_bytes / 10);
  EXPECT_EQ(plan->StateBytesPerLane(300), plan->state_bytes / 300);
  job.partitions_per_worker = 20;
  plan = PlanMemory(job, {}, {});
  EXPECT_EQ(plan->StateBytesPerLane(10), plan->state_bytes / 20);
}

// Unpacked as a whole by the client; an answer that holds one must not be
// refused for its size.
TEST(MemoryPlanTest, ABatchMayBeWhatItsTopicTakes) {
  MemoryPlan::Load load;
  const auto batch = [&](uint64_t limit) {
    return PlanMemory(Limit(limit), {}, load)->fetch.batch_bytes;
  };
  EXPECT_EQ(batch(64 * kMiB), 100000000u);  // Unknown.
  load.input_message_bytes = 1048588;
  EXPECT_EQ(batch(64 * kMiB), 16 * kMiB);
  EXPECT_EQ(batch(4 * kGiB), 100000000u);
  load.input_message_bytes = 10000000;
  EXPECT_EQ(batch(64 * kMiB), 40000000u);
  load.input_message_bytes = 200000000;
  EXPECT_EQ(batch(64 * kMiB), 400000000u);
}

TEST(MemoryPlanTest, OpenFilesAreSharedByThePartitions) {
  MemoryPlan::Load load;
  load.partitions = 90;
  EXPECT_EQ(PlanMemory(Job(), Files(20000), load)->files_per_lane, 212);
  EXPECT_EQ(PlanMemory(Job(), Files(4096), load)->files_per_lane, 35);
  EXPECT_EQ(PlanMemory(Job(), Files(1 << 20), load)->files_per_lane, 256);
  EXPECT_EQ(PlanMemory(Job(), {}, load)->files_per_lane, 256);
}

TEST(MemoryPlanTest, LanesThatNeedMoreOpenFilesAreRefusedWithTheNumber) {
  MemoryPlan::Load load;
  load.partitions = 300;
  const auto plan = PlanMemory(Job(), Files(4096), load);
  ASSERT_TRUE(plan.ok());

  EXPECT_EQ(plan->MostLanes(), 139u);
  EXPECT_TRUE(plan->CheckLanes(139).ok());
  const Status refused = plan->CheckLanes(300);
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(),
              HasSubstr("this worker is given 300 partitions, which need 8600 "
                        "open files; the process may have 4096. Raise the hard "
                        "limit (ulimit -Hn, LimitNOFILE=, --ulimit nofile=) to "
                        "8600, or start more workers"));
  EXPECT_TRUE(PlanMemory(Job(), Files(8600), load)->CheckLanes(300).ok());
}

TEST(MemoryPlanTest, LanesThatNeedMoreMemoryAreRefusedWithTheNumber) {
  const auto plan = PlanMemory(Limit(64 * kMiB), {}, {});
  EXPECT_TRUE(plan->CheckLanes(plan->MostLanes()).ok());
  const Status refused = plan->CheckLanes(1000);
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("memory.limit of at least 375MiB"));
  EXPECT_TRUE(PlanMemory(Limit(375 * kMiB), {}, {})->CheckLanes(1000).ok());
}

TEST(MemoryPlanTest, WhatALimitStandsForIsEnoughAlsoInWholePages) {
  for (const uint64_t limit : {64 * kMiB, 256 * kMiB, 1000 * kMiB}) {
    MachineLimits machine;
    machine.cgroup_bytes = MostResident(limit) / 4096 * 4096;
    EXPECT_GE(GreatestLimit(machine), limit);
    EXPECT_LT(GreatestLimit(machine), limit + 4096);
  }
}

}  // namespace
}  // namespace tacho
