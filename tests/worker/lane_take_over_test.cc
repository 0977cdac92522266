#include "pipeline/worker/lane_take_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/take_over_world.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using World = TakeOverWorld;

const Status kAway{StatusCode::kUnavailable, "away", /*retryable=*/true};
const Status kRefused{StatusCode::kPermission, "refused"};

// ---- At every step.

// What a partition has behind it, so that its take-over goes through all phases
// there are for it.
struct Past {
  const char* name;
  bool exactly_once;
  int epochs;
  int on_disk;
  const char* reset;  // group.offset_reset; null: there is an offset.
};

const Past kPasts[] = {
    {"NothingAtAllEarliest", true, 0, 0, "earliest"},
    {"NothingAtAllLatest", true, 0, 0, "latest"},
    {"EmptyDisk", true, 3, 0, nullptr},
    {"DiskBehind", true, 3, 1, nullptr},
    {"DiskIsWhole", true, 3, 3, nullptr},
    {"LocalNothing", false, 0, 0, "earliest"},
    {"LocalState", false, 3, 3, nullptr},
};

std::string Yaml(const Past& past) {
  std::string yaml = past.exactly_once ? ExactlyOnceYaml() : TestJobYaml();
  if (past.reset == nullptr) return yaml;
  const std::string group = "group: {id: harness";
  yaml.insert(yaml.find(group) + group.size(),
              std::string(", offset_reset: ") + past.reset);
  return yaml;
}

std::unique_ptr<World> MakeWorld(const Past& past) {
  auto world = std::make_unique<World>(Yaml(past));
  world->changelog.set_records_per_read(3);
  if (past.epochs > 0) {
    world->LiveThrough(past.epochs, past.on_disk);
  } else {
    world->tp.partition = 0;  // It says where the group starts.
    world->Append(5);
  }
  return world;
}

// What a take-over comes to.
struct Outcome {
  Offset start = kNoOffset;
  int64_t epoch = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome OutcomeOf(const TakenOverLane& taken) {
  return {taken.start, taken.marker.has_value() ? taken.marker->epoch : 0};
}

// Takes over, and gives everything back.
Outcome Undisturbed(World& world) {
  const auto taken = world.TakeOver();
  EXPECT_TRUE(taken.ok()) << taken.status().ToString();
  if (!taken.ok()) return {};
  EXPECT_TRUE(taken->lane->Close().ok());
  EXPECT_THAT(world.stores.open(), IsEmpty());
  return OutcomeOf(*taken);
}

class EveryStepTest : public ::testing::TestWithParam<Past> {
 protected:
  // Calls `check` once for each number of steps that a take-over takes.
  void AtEachStep(
      const std::function<void(World&, LaneTakeOver&, int step)>& check) {
    for (int step = 0;; ++step) {
      SCOPED_TRACE("after step " + std::to_string(step));
      const auto world = MakeWorld(GetParam());
      TakeOverContext context = world->Context();
      LaneTakeOver take_over(world->Request(), context);
      ASSERT_TRUE(world->Drive(take_over, step).ok());
      if (take_over.done()) {
        EXPECT_GE(step, 3) << "there are as many phases";
        return;
      }
      check(*world, take_over, step);
      if (HasFailure()) return;
    }
  }
};

TEST_P(EveryStepTest, GivenUpThereItLeavesNothingOpenAndCanBeDoneAgain) {
  const Outcome expected = Undisturbed(*MakeWorld(GetParam()));
  AtEachStep([&](World& world, LaneTakeOver& take_over, int) {
    std::vector<std::unique_ptr<Lane>> lanes;

    take_over.GiveUp(lanes);
    CloseLanes(std::move(lanes));

    EXPECT_THAT(world.stores.open(), IsEmpty());
    EXPECT_THAT(world.stores.quarantined, IsEmpty());
    EXPECT_EQ(Undisturbed(world), expected);
  });
}

TEST_P(EveryStepTest, DestroyedThereItLeavesNothingOpen) {
  for (int step = 0; step < 40; ++step) {
    const auto world = MakeWorld(GetParam());
    {
      TakeOverContext context = world->Context();
      LaneTakeOver take_over(world->Request(), context);
      ASSERT_TRUE(world->Drive(take_over, step).ok());
    }
    EXPECT_THAT(world->stores.open(), IsEmpty());
  }
}

// Each of those whom a step may ask.
struct Source {
  const char* name;
  void (*fail)(World&, int, const Status&);
};
const Source kSources[] = {
    {"the brokers",
     [](World& w, int n, const Status& s) { w.partitions.FailNext(n, s); }},
    {"the changelog",
     [](World& w, int n, const Status& s) { w.changelog.FailNext(n, s); }},
    {"the stores",
     [](World& w, int n, const Status& s) { w.stores.FailOpens(n, s); }},
    {"the group's offsets",
     [](World& w, int n, const Status& s) { w.member.FailCommits(n, s); }},
    {"the member",
     [](World& w, int n, const Status& s) { w.member.FailSeeks(n, s); }},
};

// Twice, so that what was done before the failure is done again, too.
TEST_P(EveryStepTest, AFailureThatPassesLeavesItWhereItWas) {
  const Outcome expected = Undisturbed(*MakeWorld(GetParam()));
  for (const Source& source : kSources) {
    SCOPED_TRACE(source.name);
    int failed = 0;
    AtEachStep([&](World& world, LaneTakeOver& take_over, int) {
      if (take_over.needs_committed()) {
        take_over.SetCommitted(world.Committed());
      }
      source.fail(world, 2, kAway);
      for (int i = 0; i < 2; ++i) {
        const Result<bool> stepped = take_over.Step();
        if (stepped.ok()) break;
        ++failed;
        EXPECT_TRUE(stepped.status().retryable());
        EXPECT_EQ(stepped.status().code(), StatusCode::kUnavailable);
        EXPECT_FALSE(take_over.done());
      }
      source.fail(world, 0, kAway);

      const Status rest = world.Drive(take_over);

      ASSERT_TRUE(rest.ok()) << rest.ToString();
      ASSERT_TRUE(take_over.done());
      TakenOverLane taken = take_over.Take();
      EXPECT_EQ(OutcomeOf(taken), expected);
      EXPECT_EQ(taken.ticket, 1u);
      EXPECT_TRUE(taken.lane->Load(taken.marker, taken.start).ok());
      EXPECT_TRUE(taken.lane->Close().ok());
      EXPECT_THAT(world.stores.quarantined, IsEmpty());
    });
    const bool asked = GetParam().exactly_once ||
                       source.fail != kSources[1].fail;  // No changelog.
    const bool commits = GetParam().reset != nullptr;
    if (asked && (commits || source.fail != kSources[3].fail)) {
      EXPECT_GT(failed, 0) << "it is never asked";
    }
  }
}

TEST_P(EveryStepTest, AFailureThatStaysEndsItAndTheNextOneSucceeds) {
  const Outcome expected = Undisturbed(*MakeWorld(GetParam()));
  for (const Source& source : kSources) {
    SCOPED_TRACE(source.name);
    AtEachStep([&](World& world, LaneTakeOver& take_over, int) {
      if (take_over.needs_committed()) {
        take_over.SetCommitted(world.Committed());
      }
      source.fail(world, 1, kRefused);
      const Result<bool> stepped = take_over.Step();
      source.fail(world, 0, kRefused);
      if (stepped.ok()) return;
      EXPECT_FALSE(stepped.status().retryable());
      EXPECT_EQ(stepped.status().code(), StatusCode::kPermission);

      std::vector<std::unique_ptr<Lane>> lanes;
      take_over.GiveUp(lanes);
      CloseLanes(std::move(lanes));

      EXPECT_THAT(world.stores.open(), IsEmpty());
      EXPECT_EQ(Undisturbed(world), expected);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(LaneTakeOver, EveryStepTest,
                         ::testing::ValuesIn(kPasts),
                         [](const auto& past) { return past.param.name; });

// ---- What is found, and what is believed.

struct Found {
  const char* name;
  int epochs;
  int on_disk;
  std::function<void(World&)> change;
  // Success: where, with which epoch's state, and what was put away.
  Outcome expected;
  std::vector<std::string> quarantined;
  // Failure.
  StatusCode code = StatusCode::kOk;
  const char* says = "";
};

OffsetMetadata By(OffsetMetadata::Origin origin, int64_t generation) {
  OffsetMetadata metadata;
  metadata.origin = origin;
  metadata.generation = generation;
  metadata.job = "test-job";
  return metadata;
}
using Origin = OffsetMetadata::Origin;

const Found kFound[] = {
    {"StateIsWhereTheGroupIs", 3, 3, [](World&) {}, {30, 3}, {}},
    {"StateIsBehindAndReplayed", 3, 2, [](World&) {}, {30, 3}, {}},
    {"NoStateHereAndAllReplayed", 3, 0, [](World&) {}, {30, 3}, {}},
    {"TheGroupHasForgottenItsOffset",
     3,
     3,
     [](World& w) {
       w.log.committed.erase(w.tp);
       w.log.metadata.erase(w.tp);
     },
     {30, 3},
     {}},
    {"TheStateIsAheadOfTheChangelog",
     3,
     3,
     [](World& w) {
       w.cluster.Truncate({w.tp, 0}, 2);
     },
     {},
     {},
     StatusCode::kCorruption,
     "rebuild-changelog"},
    {"TheChangelogEndsBeforeTheGroup",
     3,
     1,
     [](World& w) {
       w.cluster.Truncate({w.tp, 0}, w.OnDisk()->changelog_next);
     },
     {},
     {"corrupt"},
     StatusCode::kCorruption,
     "was cut off"},
    {"AnotherToolHasMovedTheOffset",
     3,
     3,
     [](World& w) {
       w.log.committed[w.tp] = 12;
       w.log.metadata.erase(w.tp);
     },
     {},
     {},
     StatusCode::kCorruption,
     "another tool"},
    {"AnOperatorMovedTheOffsetAndKeptTheState",
     3,
     3,
     [](World& w) { w.SetCommitted(12, By(Origin::kResetKeep, 0)); },
     {12, 3},
     {}},
    {"AnOperatorWipedTheState",
     3,
     3,
     [](World& w) { w.SetCommitted(12, By(Origin::kResetWipe, 1)); },
     {12, 0},
     {"superseded"}},
    {"AnotherCluster",
     3,
     3,
     [](World& w) { w.cluster_id = "elsewhere"; },
     {},
     {},
     StatusCode::kInvalidArgument,
     "elsewhere"},
    {"AnotherClusterInTheChangelogOnly",
     3,
     0,
     [](World& w) { w.cluster_id = "elsewhere"; },
     {},
     {},
     StatusCode::kInvalidArgument,
     "elsewhere"},
    {"AnotherGroup",
     3,
     3,
     [](World& w) { w.job.group.id = "other"; },
     {},
     {},
     StatusCode::kInvalidArgument,
     "group harness"},
    {"AnotherJob",
     3,
     3,
     [](World& w) { w.job.name = "other"; },
     {},
     {},
     StatusCode::kInvalidArgument,
     "test-job"},
    {"AnotherPartitionCount",
     3,
     3,
     [](World& w) { w.input_partitions = 3; },
     {},
     {},
     StatusCode::kInvalidArgument,
     "partitions_added: continue"},
    {"AnotherPartitionCountThatIsAccepted",
     3,
     3,
     [](World& w) {
       w.input_partitions = 3;
       w.job.partitions_added = PartitionsAdded::kContinue;
     },
     {30, 3},
     {}},
    {"TheStartHasLeftTheLog",
     3,
     3,
     [](World& w) { w.log.first[w.tp] = 31; },
     {},
     {},
     StatusCode::kCorruption,
     "retention has passed it"},
    {"TheChangelogHasLostItsHead",
     3,
     0,
     [](World& w) {
       w.cluster.DropBefore({w.tp, 0}, 2);
     },
     {},
     {},
     StatusCode::kCorruption,
     "its head was deleted"},
    {"ADamagedChangelog",
     3,
     0,
     [](World& w) {
       w.cluster.Damage({w.tp, 0}, 2);
     },
     {},
     {},
     StatusCode::kCorruption,
     "the changelog is damaged"},
    {"AStoreThatDoesNotOpen",
     3,
     3,
     [](World& w) { w.stores.FailOpens(1, Corruption("torn")); },
     {30, 3},
     {"corrupt"}},
    {"AStoreAndItsSiblingsThatDoNotOpen",
     3,
     3,
     [](World& w) { w.stores.FailOpens(3, Corruption("torn")); },
     {30, 3},
     {"corrupt", "corrupt", "corrupt"}},
};

class FoundTest : public ::testing::TestWithParam<Found> {};

TEST_P(FoundTest, IsBelievedOrRefused) {
  const Found& found = GetParam();
  World world(ExactlyOnceYaml());
  world.LiveThrough(found.epochs, found.on_disk);
  found.change(world);

  const auto taken = world.TakeOver();

  EXPECT_THAT(world.stores.quarantined,
              ::testing::ElementsAreArray(found.quarantined));
  if (found.code != StatusCode::kOk) {
    EXPECT_EQ(taken.status().code(), found.code);
    EXPECT_THAT(taken.status().message(), HasSubstr(found.says));
    EXPECT_FALSE(taken.status().retryable());
    EXPECT_THAT(world.stores.open(), IsEmpty());
    if (found.on_disk > 0 && found.quarantined.empty()) {
      EXPECT_TRUE(world.OnDisk().has_value()) << "kept";
    }
    return;
  }
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_EQ(OutcomeOf(*taken), found.expected);
  EXPECT_EQ(taken->lane->next_offset(), found.expected.start);
  EXPECT_TRUE(taken->lane->Close().ok());
}

INSTANTIATE_TEST_SUITE_P(LaneTakeOver, FoundTest, ::testing::ValuesIn(kFound),
                         [](const auto& found) { return found.param.name; });

// At least once the copy here is the only one.
TEST(LaneTakeOverTest, AStoreThatDoesNotOpenIsNotPutAwayWithoutAChangelog) {
  World world(TestJobYaml());
  world.LiveThrough(2, 2);
  world.stores.FailOpens(1, Corruption("torn"));

  const auto taken = world.TakeOver();

  EXPECT_EQ(taken.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(taken.status().message(), HasSubstr("only copy"));
  EXPECT_THAT(world.stores.quarantined, IsEmpty());
}

// The base is of a log that is gone: its offsets mean nothing in the new one,
// which begins with another identity.
TEST(LaneTakeOverTest, ACopyOfAnotherLogIsPutAwayAndTheLogIsReplayed) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(1, 1);
  const auto copy = world.disk[world.tp];
  const FakeLogId id{world.tp, 0};
  // Somebody else goes on from an empty log of the same name.
  world.disk.erase(world.tp);
  world.cluster.Truncate(id, 0);
  world.SetCommitted(0, By(Origin::kResetKeep, 0));
  world.LiveThrough(3, 3);
  world.disk[world.tp] = copy;

  const auto taken = world.TakeOver();

  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_THAT(world.stores.quarantined, ElementsAre("corrupt"));
  EXPECT_EQ(taken->start, world.Committed().offset);
  EXPECT_EQ(taken->marker->epoch, 3);
  EXPECT_TRUE(taken->lane->Close().ok());
}

// ---- Looking again.

// Its successor has committed since the offset was asked for.
TEST(LaneTakeOverTest, AnOffsetThatHasBecomeOldIsAskedForAgain) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(2, 0);
  const PartitionOffset old = world.Committed();
  world.LiveThrough(1, 0);
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  take_over.SetCommitted(old);
  Status status;
  while (status.ok() && !take_over.needs_committed()) {
    status = take_over.Step().status();
  }
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(world.stores.open(), IsEmpty());

  const Status rest = world.Drive(take_over);

  ASSERT_TRUE(rest.ok()) << rest.ToString();
  const TakenOverLane taken = take_over.Take();
  EXPECT_EQ(OutcomeOf(taken), (Outcome{30, 3}));
  EXPECT_TRUE(taken.lane->Close().ok());
}

TEST(LaneTakeOverTest, AContradictionThatStaysEndsItAtTheSecondLook) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(2, 0);
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  PartitionOffset wrong = world.Committed();
  wrong.offset -= 1;
  int looks = 0;
  Status status;
  while (status.ok() && !take_over.done()) {
    if (take_over.needs_committed()) {
      ++looks;
      take_over.SetCommitted(wrong);
    }
    status = take_over.Step().status();
  }

  EXPECT_EQ(looks, 2);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("another tool"));
}

// Nothing of the log was read that names it: the copy may be of another.
TEST(LaneTakeOverTest, ACopyThatIsBehindWithNothingToReplayIsReadAnew) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(2, 2);
  Marker old = *world.OnDisk();
  old.epoch = 1;
  MemoryStore& store = *world.disk[world.tp];
  std::vector<std::string> names;
  for (const auto& [name, fingerprint] : old.lane.tables) names.push_back(name);
  ASSERT_TRUE(store.OpenTables(names).ok());
  ASSERT_TRUE(store.Apply(StateChanges(), old).ok());
  ASSERT_TRUE(store.Close().ok());

  const auto taken = world.TakeOver();

  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_THAT(world.stores.quarantined, ElementsAre("corrupt"));
  EXPECT_EQ(OutcomeOf(*taken), (Outcome{20, 2}));
  EXPECT_TRUE(taken->lane->Close().ok());
}

// ---- Transactions of somebody else.

TEST(LaneTakeOverTest, AReplayWaitsForAnOpenTransactionAndNamesIt) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(2, 0);
  const FakeLogId id{world.tp, 0};
  const Offset before = world.cluster.Range(id).second;
  const auto foreign = world.cluster.Begin();
  world.cluster.Append(foreign, id, ChangelogMetaKey(), "half");
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  ASSERT_TRUE(world.Drive(take_over, 40).ok());  // It stands still by then.
  ASSERT_TRUE(take_over.replays());
  const Result<bool> stepped = take_over.Step();
  ASSERT_TRUE(stepped.ok());
  EXPECT_FALSE(*stepped);

  const auto hold = take_over.Hold();

  ASSERT_TRUE(hold.ok() && hold->has_value());
  EXPECT_EQ((*hold)->last_stable, before);
  EXPECT_STREQ(take_over.waits_for(), "for its changelog");
  EXPECT_EQ(take_over.progress()->position, before);
  world.cluster.Abort(foreign);
  const Status rest = world.Drive(take_over);
  ASSERT_TRUE(rest.ok()) << rest.ToString();
  const TakenOverLane taken = take_over.Take();
  EXPECT_EQ(OutcomeOf(taken), (Outcome{20, 2}));
  EXPECT_TRUE(taken.lane->Close().ok());
}

TEST(LaneTakeOverTest, AnOffsetThatATransactionHoldsIsNamed) {
  World world(ExactlyOnceYaml());
  world.log.unstable.insert(world.tp);
  world.partitions.hold = TransactionHold{{"__consumer_offsets", 3}, 7, 9, {}};
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  ASSERT_TRUE(take_over.needs_committed());

  const auto hold = take_over.Hold();

  ASSERT_TRUE(hold.ok() && hold->has_value());
  EXPECT_EQ((*hold)->last_stable, 7);
  EXPECT_STREQ(take_over.waits_for(), "for its committed offset");
}

// Its own offset is missing, so it asks for those of the whole topic.
TEST(LaneTakeOverTest, AnOffsetOfAnotherPartitionHoldsUpWhoNeedsIt) {
  World world(ExactlyOnceYaml());
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  take_over.SetCommitted(world.Committed());
  world.log.unstable.insert({"in", 3});
  world.partitions.hold = TransactionHold{{"__consumer_offsets", 3}, 7, 9, {}};

  const Status held = take_over.Step().status();

  EXPECT_TRUE(held.retryable());
  const auto hold = take_over.Hold();
  EXPECT_TRUE(hold.ok() && hold->has_value());
  world.log.unstable.clear();
  EXPECT_TRUE(take_over.Step().ok());
}

// ---- Suspended lanes.

class SuspendedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto taken = world_.TakeOver();
    ASSERT_TRUE(taken.ok()) << taken.status().ToString();
    lane_ = std::move(taken->lane);
    world_.Append(10);
    world_.CommitEpoch(*lane_);
  }

  Result<TakenOverLane> TakeOver() {
    TakeOverContext context = world_.Context();
    TakeOverRequest request = world_.Request();
    lane_->Stop();
    request.suspended = std::move(lane_);
    LaneTakeOver take_over(std::move(request), context);
    RETURN_IF_ERROR(world_.Drive(take_over));
    return take_over.Take();
  }

  World world_{ExactlyOnceYaml()};
  std::unique_ptr<Lane> lane_;
};

TEST_F(SuspendedTest, ThatNobodyHasTouchedGoesOnAsItIs) {
  const Lane* const before = lane_.get();

  const auto taken = TakeOver();

  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_EQ(taken->lane.get(), before);
  EXPECT_TRUE(taken->loaded);
  EXPECT_EQ(taken->start, 10);
  world_.Append(10);
  world_.CommitEpoch(*taken->lane);
  EXPECT_EQ(world_.Committed().offset, 20);
  EXPECT_TRUE(taken->lane->Close().ok());
}

TEST_F(SuspendedTest, ThatSomebodyElseWentOnFromIsClosedAndReplayed) {
  world_.Append(5);
  world_.CommitEpoch(*lane_, /*applied=*/false);  // Another worker's.

  const auto taken = TakeOver();

  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_FALSE(taken->loaded);
  EXPECT_EQ(OutcomeOf(*taken), (Outcome{15, 2}));
  EXPECT_TRUE(taken->lane->Close().ok());
}

TEST_F(SuspendedTest, OfAnotherPartitionCountIsRefused) {
  world_.input_partitions = 3;

  const auto taken = TakeOver();

  EXPECT_EQ(taken.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(taken.status().message(), HasSubstr("partitions_added"));
  EXPECT_THAT(world_.stores.open(), IsEmpty());
  EXPECT_TRUE(world_.OnDisk().has_value());
}

// What it commits from now on says the new count: not with the old lane.
TEST_F(SuspendedTest, OfAnotherPartitionCountThatIsAcceptedIsMadeAnew) {
  world_.input_partitions = 3;
  world_.job.partitions_added = PartitionsAdded::kContinue;

  const auto taken = TakeOver();

  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_FALSE(taken->loaded);
  EXPECT_EQ(OutcomeOf(*taken), (Outcome{10, 1}));
  ASSERT_TRUE(taken->lane->Load(taken->marker, taken->start).ok());
  world_.Append(1);
  world_.CommitEpoch(*taken->lane);
  EXPECT_EQ(world_.OnDisk()->lane.input_partitions, 3);
  EXPECT_TRUE(taken->lane->Close().ok());
}

// ---- What comes of it.

TEST(LaneTakeOverTest, ALaneTakesNoTurnBeforeItsStateIsLoaded) {
  World world(ExactlyOnceYaml());
  world.LiveThrough(1, 1);
  world.Append(10);
  TakeOverContext context = world.Context();
  LaneTakeOver take_over(world.Request(), context);
  ASSERT_TRUE(world.Drive(take_over).ok());
  const TakenOverLane taken = take_over.Take();
  Batch batch(world.job.schema);

  EXPECT_FALSE(taken.lane->RunTurn(batch));

  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(taken.lane->next_offset(), kNoOffset);
  ASSERT_TRUE(taken.lane->Load(taken.marker, taken.start).ok());
  (void)taken.lane->RunTurn(batch);
  EXPECT_EQ(taken.lane->next_offset(), 20);
  EXPECT_TRUE(taken.lane->Close().ok());
}

}  // namespace
}  // namespace tacho
