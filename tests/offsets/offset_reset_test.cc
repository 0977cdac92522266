#include "pipeline/offsets/offset_reset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/fake_changelog.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ResetTarget::Kind;
using Origin = OffsetMetadata::Origin;

// Two partitions of "in", [100, 900) and [0, 500), committed by epochs at 400
// and 300, and the changelog that goes with them.
GroupStatus SampleGroup() {
  GroupStatus group_status;
  group_status.job = "job";
  group_status.group = "group";
  group_status.description.state = "Empty";
  const OffsetMetadata epoch{Origin::kEpoch, 0, 7, "w", 400, "job"};
  group_status.partitions = {
      {{"in", 0}, 400, "", epoch, 100, 900, kNoOffset},
      {{"in", 1}, 300, "", epoch, 0, 500, kNoOffset},
  };
  group_status.changelogs["in"][0].extents = {{0, 50}, {0, 60}};
  return group_status;
}

ResetRequest To(std::string_view place, bool wipe = false) {
  return {*ParseResetTarget(place), wipe, "", {}};
}

std::vector<Offset> Targets(const ResetPlan& plan) {
  std::vector<Offset> targets;
  for (const PlannedMove& move : plan.moves) targets.push_back(move.to);
  return targets;
}

std::vector<int64_t> Generations(const ResetPlan& plan) {
  std::vector<int64_t> generations;
  for (const PlannedMove& move : plan.moves) {
    generations.push_back(move.generation);
  }
  return generations;
}

// ---- Where to.

TEST(OffsetResetTest, PlacesAreReadAsTheyAreWritten) {
  EXPECT_EQ(ParseResetTarget("earliest")->kind, Kind::kEarliest);
  EXPECT_EQ(ParseResetTarget("latest")->kind, Kind::kLatest);
  EXPECT_EQ(ParseResetTarget("0")->offset, 0);
  EXPECT_EQ(ParseResetTarget("9223372036854775807")->offset, INT64_MAX);
  const auto time = ParseResetTarget("2026-01-26T16:00:00.5+01:00");
  EXPECT_EQ(time->kind, Kind::kTime);
  EXPECT_EQ(ToEpochMillis(time->time), 1769439600500);
}

TEST(OffsetResetTest, OtherPlacesAreRefusedWithTheSpelling) {
  for (const char* text : {"", "-1", "+5", "1e3", "9223372036854775808", "now",
                           "2026-01-26", "2026-01-26T16:00:00", "Earliest"}) {
    const auto target = ParseResetTarget(text);
    EXPECT_EQ(target.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(target.status().message(), HasSubstr("earliest, latest"));
  }
}

TEST(OffsetResetTest, MovesToEachPartitionsOwnEnds) {
  EXPECT_THAT(Targets(*PlanReset(SampleGroup(), To("earliest"))),
              ElementsAre(100, 0));
  EXPECT_THAT(Targets(*PlanReset(SampleGroup(), To("latest"))),
              ElementsAre(900, 500));
}

TEST(OffsetResetTest, AnOffsetIsClampedToTheLogAndSaysSo) {
  const auto low = PlanReset(SampleGroup(), To("50"));
  EXPECT_THAT(Targets(*low), ElementsAre(100, 50));
  EXPECT_THAT(low->moves[0].note, HasSubstr("begins"));
  EXPECT_THAT(low->moves[1].note, IsEmpty());
  const auto high = PlanReset(SampleGroup(), To("501"));
  EXPECT_THAT(Targets(*high), ElementsAre(501, 500));
  EXPECT_THAT(high->moves[0].note, IsEmpty());
  EXPECT_THAT(high->moves[1].note, HasSubstr("ends"));
  EXPECT_THAT(PlanReset(SampleGroup(), To("900"))->moves[0].note, IsEmpty());
}

TEST(OffsetResetTest, ATimeWithoutMessagesIsTheEndAndSaysSo) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions[0].at_time = 250;
  group_status.partitions[1].at_time = 500;
  const auto plan = PlanReset(group_status, To("2026-01-26T16:00:00Z"));
  EXPECT_THAT(Targets(*plan), ElementsAre(250, 500));
  EXPECT_THAT(plan->moves[0].note, IsEmpty());
  EXPECT_THAT(plan->moves[1].note, HasSubstr("no message"));
}

// ---- Whose offsets.

TEST(OffsetResetTest, StateOfAnotherJobIsDroppedButNotKept) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions[1].metadata->job = "other";
  const auto keep = PlanReset(group_status, To("latest"));
  EXPECT_EQ(keep.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(keep.status().message(),
              HasSubstr("group group belongs to job other"));

  const auto wipe = PlanReset(group_status, To("latest", /*wipe=*/true));
  ASSERT_TRUE(wipe.ok());
  EXPECT_EQ(wipe->job, "job");
  EXPECT_THAT(wipe->moves[0].note, IsEmpty());
  EXPECT_THAT(wipe->moves[1].note, HasSubstr("drops state of job other"));
}

TEST(OffsetResetTest, StateOfTacho01IsDroppedButNotKept) {
  GroupStatus group_status = SampleGroup();
  for (PartitionStatus& partition : group_status.partitions) {
    partition.metadata = ParseOffsetMetadata("tacho1;g=4;e=7;w=w");
  }
  EXPECT_THAT(PlanReset(group_status, To("latest")).status().message(),
              HasSubstr("tacho 0.1 wrote the offsets of group group"));

  const auto wipe = PlanReset(group_status, To("latest", /*wipe=*/true));
  ASSERT_TRUE(wipe.ok());
  // Its generations are not used again: its changelog may have the same name.
  EXPECT_THAT(Generations(*wipe), ElementsAre(5, 5));
  EXPECT_THAT(wipe->moves[0].note, HasSubstr("tacho 0.1"));
  EXPECT_EQ(DescribeMetadata(group_status.partitions[0]),
            "tacho 0.1, generation 4");
}

TEST(OffsetResetTest, OffsetsOfALaterVersionAreLeftAlone) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions[0].metadata = ParseOffsetMetadata("tacho9;x");
  for (const bool wipe : {false, true}) {
    EXPECT_THAT(PlanReset(group_status, To("latest", wipe)).status().message(),
                HasSubstr("a later version of tacho (format 9)"));
  }
}

// ---- Which partitions.

TEST(OffsetResetTest, SomePartitionsMoveAndTheOthersStay) {
  ResetRequest request = To("latest");
  request.partitions = {1};
  const auto plan = PlanReset(SampleGroup(), request);
  ASSERT_THAT(plan->moves, SizeIs(1));
  EXPECT_EQ(plan->moves[0].tp, (TopicPartition{"in", 1}));
  EXPECT_EQ(plan->moves[0].from, 300);
}

TEST(OffsetResetTest, WhatTheJobDoesNotReadIsRefused) {
  ResetRequest topic = To("latest");
  topic.topic = "other";
  EXPECT_THAT(PlanReset(SampleGroup(), topic).status().message(),
              HasSubstr("its inputs: in"));
  ResetRequest partition = To("latest");
  for (const int32_t p : {-1, 2}) {
    partition.partitions = {p};
    EXPECT_THAT(PlanReset(SampleGroup(), partition).status().message(),
                HasSubstr("no partition " + std::to_string(p)));
  }
}

TEST(OffsetResetTest, PartitionsOfTwoTopicsNeedTheTopic) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions.push_back({{"two", 0}, 5, "", {}, 0, 9, kNoOffset});
  ResetRequest request = To("earliest");
  EXPECT_THAT(PlanReset(group_status, request)->moves, SizeIs(3));
  request.partitions = {0};
  EXPECT_THAT(PlanReset(group_status, request).status().message(),
              HasSubstr("--topic"));
  request.topic = "two";
  EXPECT_THAT(PlanReset(group_status, request)->moves, SizeIs(1));
}

// ---- Generations.

TEST(OffsetResetTest, KeepStaysInTheGeneration) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions[1].metadata->generation = 3;
  const auto plan = PlanReset(group_status, To("earliest"));
  EXPECT_THAT(Generations(*plan), ElementsAre(0, 3));
  EXPECT_THAT(plan->changelogs, IsEmpty());
}

TEST(OffsetResetTest, KeepFindsTheStateOfAPartitionWithoutItsOffset) {
  GroupStatus group_status = SampleGroup();
  for (auto& partition : group_status.partitions) {
    partition.committed = kNoOffset;
    partition.metadata.reset();
  }
  group_status.changelogs["in"][2].extents = {{0, 0}, {0, 10}};
  group_status.changelogs["in"][3].extents = {{0, 0}, {0, 0}};  // Not begun.
  EXPECT_THAT(Generations(*PlanReset(group_status, To("earliest"))),
              ElementsAre(2, 2));
  // The other partition knows it.
  group_status.partitions[1].metadata =
      OffsetMetadata{Origin::kEpoch, 1, 7, "w", 0, "job"};
  EXPECT_THAT(Generations(*PlanReset(group_status, To("earliest"))),
              ElementsAre(1, 1));
}

TEST(OffsetResetTest, WipeBeginsAGenerationAboveAllOthers) {
  GroupStatus group_status = SampleGroup();
  group_status.partitions[1].metadata->generation = 3;
  group_status.changelogs["in"][3].extents = {{0, 1}, {0, 1}};
  const auto plan = PlanReset(group_status, To("earliest", /*wipe=*/true));
  EXPECT_THAT(Generations(*plan), ElementsAre(4, 4));
  ASSERT_THAT(plan->changelogs, SizeIs(1));
  EXPECT_EQ(plan->changelogs[0].generation, 4);
  EXPECT_EQ(plan->changelogs[0].partitions, 2);
  EXPECT_FALSE(plan->changelogs[0].exists);
}

TEST(OffsetResetTest, APartOfATopicCanNotBeWiped) {
  ResetRequest request = To("earliest", true);
  request.partitions = {0, 1};
  EXPECT_THAT(PlanReset(SampleGroup(), request).status().message(),
              HasSubstr("whole topic"));
  GroupStatus local = SampleGroup();
  local.guarantee = Guarantee::kAtLeastOnceLocal;
  EXPECT_THAT(PlanReset(local, request)->moves, SizeIs(2));
}

TEST(OffsetResetTest, AResetThatWasCutShortIsTakenUpAgain) {
  GroupStatus group_status = SampleGroup();
  group_status.changelogs["in"][1].extents = {{0, 0}, {0, 0}};
  const auto plan = PlanReset(group_status, To("earliest", true));
  EXPECT_THAT(Generations(*plan), ElementsAre(1, 1));
  EXPECT_TRUE(plan->changelogs[0].exists);
}

TEST(OffsetResetTest, AChangelogThatWasUsedOrDoesNotFitIsPassedOver) {
  for (const std::vector<std::pair<Offset, Offset>>& extents :
       {std::vector<std::pair<Offset, Offset>>{{0, 0}, {7, 7}}, {{0, 0}}}) {
    GroupStatus group_status = SampleGroup();
    group_status.changelogs["in"][5].extents = extents;
    const auto plan = PlanReset(group_status, To("earliest", true));
    EXPECT_THAT(Generations(*plan), ElementsAre(6, 6));
  }
}

TEST(OffsetResetTest, AtLeastOnceEveryResetBeginsAGeneration) {
  GroupStatus group_status = SampleGroup();
  group_status.guarantee = Guarantee::kAtLeastOnceLocal;
  group_status.changelogs.clear();
  group_status.partitions[0].metadata->generation = 1;
  for (const bool wipe : {false, true}) {
    const auto plan = PlanReset(group_status, To("earliest", wipe));
    EXPECT_THAT(Generations(*plan), ElementsAre(2, 2));
    EXPECT_THAT(plan->changelogs, IsEmpty());
  }
}

// ---- A stopped group.

TEST(OffsetResetTest, AGroupWithMembersIsNotStopped) {
  GroupStatus group_status = SampleGroup();
  EXPECT_TRUE(CheckStopped(group_status).ok());
  group_status.description.state = "Dead";
  EXPECT_TRUE(CheckStopped(group_status).ok());
  group_status.description = {"Stable", {"tacho (instance a) on /10.0.0.1"}};
  EXPECT_THAT(CheckStopped(group_status).message(),
              HasSubstr("tacho (instance a) on /10.0.0.1"));
  group_status.description = {"PreparingRebalance", {}};
  EXPECT_FALSE(CheckStopped(group_status).ok());
}

// ---- Doing it.

class ApplyTest : public testing::Test {
 protected:
  Status Apply(const ResetPlan& plan) {
    return ApplyReset(
        plan, &changelog_,
        [&](const std::vector<PartitionOffset>& offsets) {
          EXPECT_THAT(changelog_.prepared(), SizeIs(plan.changelogs.size()));
          moved_ = offsets;
          return Status::Ok();
        },
        Millis(100));
  }

  FakeChangelogCluster cluster_;
  FakeChangelog changelog_{cluster_};
  std::vector<PartitionOffset> moved_;
};

TEST_F(ApplyTest, AWipeMakesTheChangelogAndThenMoves) {
  ASSERT_TRUE(Apply(*PlanReset(SampleGroup(), To("10", true))).ok());
  EXPECT_THAT(
      moved_,
      ElementsAre(
          PartitionOffset{{"in", 0}, 100, "tacho2;g=1;reset=wipe;j=job"},
          PartitionOffset{{"in", 1}, 10, "tacho2;g=1;reset=wipe;j=job"}));
  EXPECT_THAT(
      changelog_.prepared(),
      ElementsAre(std::tuple<std::string, int32_t, int64_t>("in", 2, 1)));
}

TEST_F(ApplyTest, AKeepMovesOnly) {
  ASSERT_TRUE(Apply(*PlanReset(SampleGroup(), To("10"))).ok());
  EXPECT_THAT(
      moved_,
      ElementsAre(
          PartitionOffset{{"in", 0}, 100, "tacho2;g=0;reset=keep;j=job"},
          PartitionOffset{{"in", 1}, 10, "tacho2;g=0;reset=keep;j=job"}));
}

TEST_F(ApplyTest, NothingMovesWithoutTheChangelog) {
  changelog_.FailNext(1, InvalidArgument("unfit"));
  EXPECT_EQ(Apply(*PlanReset(SampleGroup(), To("10", true))).message(),
            "unfit");
  EXPECT_THAT(moved_, IsEmpty());
}

}  // namespace
}  // namespace tacho
