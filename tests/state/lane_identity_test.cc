#include "state/lane_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

LaneIdentity Ours() {
  LaneIdentity lane;
  lane.group = "group";
  lane.tp = {"in", 3};
  lane.cluster_id = "cluster";
  lane.reset_generation = 2;
  lane.job = "job";
  lane.guarantee = Guarantee::kExactlyOnce;
  lane.input_partitions = 8;
  lane.tables = {{"a.clock", 8}, {"b.windows", 7}};
  return lane;
}

std::vector<LaneField> FieldsOf(const LaneIdentity& found) {
  std::vector<LaneField> fields;
  for (const LaneDifference& difference :
       CompareLanes(Ours(), found, FoundIn::kDirectory)) {
    fields.push_back(difference.field);
  }
  return fields;
}

struct Case {
  LaneField field;
  void (*change)(LaneIdentity&);
  const char* named;  // By the message.
};

const Case kCases[] = {
    {LaneField::kVersion, [](LaneIdentity& l) { l.of_01 = true; },
     "tacho 0.1 wrote the state on disk, and this version does not read it: "
     "go on with tacho 0.1"},
    {LaneField::kGroup, [](LaneIdentity& l) { l.group = "eu"; }, "group eu,"},
    {LaneField::kTopic, [](LaneIdentity& l) { l.tp.topic = "cars"; },
     "input cars (job job,"},
    {LaneField::kPartition, [](LaneIdentity& l) { l.tp.partition = 4; },
     "of in/3 is that of in/4"},
    {LaneField::kCluster, [](LaneIdentity& l) { l.cluster_id = "C2"; },
     "cluster C2)"},
    {LaneField::kCluster, [](LaneIdentity& l) { l.cluster_id = ""; },
     "cluster )"},
    {LaneField::kGeneration, [](LaneIdentity& l) { l.reset_generation = 1; },
     "is of reset generation 1, the group is at 2"},
    {LaneField::kJob, [](LaneIdentity& l) { l.job = "other"; },
     "group group has state of job other, and this job is called job"},
    {LaneField::kGuarantee,
     [](LaneIdentity& l) { l.guarantee = Guarantee::kAtLeastOnceLocal; },
     "under guarantee: at_least_once_local and the job says exactly_once; set "
     "it back, or remove the state directory"},
    {LaneField::kPartitionCount,
     [](LaneIdentity& l) { l.input_partitions = 4; },
     "had 4 partitions; it has 8"},
    {LaneField::kTables, [](LaneIdentity& l) { l.tables[1].second = 9; },
     "table 'b.windows' of job 'job' was stored under another definition"},
    {LaneField::kTables, [](LaneIdentity& l) { l.tables.pop_back(); },
     "table 'b.windows' is not in the stored state of job 'job'"},
    {LaneField::kTables,
     [](LaneIdentity& l) { l.tables.emplace_back("c.gone", 1); },
     "the stored state of job 'job' has table 'c.gone', which is not"},
    {LaneField::kTables,
     [](LaneIdentity& l) {
       l.tables.insert(l.tables.begin(), {"a.b", 1});
     },
     "has table 'a.b', which is not declared"},
};

TEST(LaneIdentityTest, TheSameDiffersInNothing) {
  EXPECT_THAT(FieldsOf(Ours()), ::testing::IsEmpty());
}

TEST(LaneIdentityTest, EachFieldThatDiffersIsNamedAndNoOther) {
  for (const Case& c : kCases) {
    LaneIdentity found = Ours();
    c.change(found);

    const auto differences = CompareLanes(Ours(), found, FoundIn::kDirectory);

    ASSERT_EQ(differences.size(), 1u) << c.named;
    EXPECT_EQ(differences.front().field, c.field) << c.named;
    const Status& status = differences.front().status;
    EXPECT_THAT(status.message(), HasSubstr(c.named));
    // The generation is part of the changelog's name: never a matter of choice.
    EXPECT_EQ(status.code(), c.field == LaneField::kGeneration
                                 ? StatusCode::kCorruption
                                 : StatusCode::kInvalidArgument);
  }
}

TEST(LaneIdentityTest, AllThatDiffersComesInOrder) {
  LaneIdentity found;
  found.tp.partition = 1;

  EXPECT_THAT(FieldsOf(found),
              ::testing::ElementsAre(
                  LaneField::kGroup, LaneField::kTopic, LaneField::kPartition,
                  LaneField::kCluster, LaneField::kGeneration, LaneField::kJob,
                  LaneField::kGuarantee, LaneField::kPartitionCount,
                  LaneField::kTables));
}

TEST(LaneIdentityTest, APartitionThatWasNotReadDiffersFromNone) {
  LaneIdentity found = Ours();
  found.tp.partition = kNoPartition;

  EXPECT_THAT(FieldsOf(found), ::testing::IsEmpty());
}

TEST(LaneIdentityTest, NothingOfTacho01IsCompared) {
  LaneIdentity found;
  found.of_01 = true;

  EXPECT_THAT(FieldsOf(found), ::testing::ElementsAre(LaneField::kVersion));
}

TEST(LaneIdentityTest, TheWayOutDependsOnWhereItWasFound) {
  LaneIdentity found = Ours();
  found.group = "eu";

  const auto on_disk = CompareLanes(Ours(), found, FoundIn::kDirectory);
  const auto in_log = CompareLanes(Ours(), found, FoundIn::kChangelog);

  EXPECT_THAT(on_disk.front().status.message(),
              AllOf(HasSubstr("the state on disk belongs to group eu, input in "
                              "(job job, cluster cluster), not to group group, "
                              "input in (job job, cluster cluster): "),
                    HasSubstr("a state.dir of its own")));
  EXPECT_THAT(
      in_log.front().status.message(),
      AllOf(HasSubstr("the changelog's state belongs to group eu"),
            HasSubstr("group.id of its own"), HasSubstr("--state wipe")));
}

TEST(LaneIdentityTest, StateOfAnotherJobIsRefusedWithTheWaysOut) {
  LaneIdentity found = Ours();
  found.job = "other";

  EXPECT_THAT(
      CompareLanes(Ours(), found, FoundIn::kChangelog).front().status.message(),
      AllOf(HasSubstr("call it job: other again"),
            HasSubstr("group.id of its own"), HasSubstr("--state wipe")));
}

}  // namespace
}  // namespace tacho
