#include "pipeline/restore/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "state/memory_store.h"
#include "tests/support/fake_changelog.h"
#include "tests/support/faulty_store.h"
#include "tests/support/lane_history.h"
#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;

class RestorerTest : public ::testing::Test {
 protected:
  RestorerTest() {
    EXPECT_TRUE(store_.OpenTables(LaneHistory::Tables()).ok());
    lane_.tp = history_.id().tp;
  }

  Restorer::Spec Spec(const Marker& base) {
    return {.lane = lane_,
            .names = LaneHistory::Tables(),
            .base = base,
            .end = cluster_.Range(history_.id()).second,
            .check = [](TableId, std::string_view, std::string_view value) {
              return value == "insane" ? Corruption("table t: insane")
                                       : Status::Ok();
            }};
  }
  // From the store's marker, or from the log's start.
  std::unique_ptr<Restorer> Open(StateStore& store,
                                 const Restorer::Limits& limits = {}) {
    const auto stored = store.ReadMarker();
    EXPECT_TRUE(stored.ok());
    const Marker base = stored->value_or(Marker());
    const Offset from = stored->has_value()
                            ? base.changelog_next
                            : cluster_.Range(history_.id()).first;
    auto reader =
        changelog_.Open(history_.id().tp, history_.id().generation, from);
    EXPECT_TRUE(reader.ok());
    return std::make_unique<Restorer>(store, *std::move(reader), Spec(base),
                                      clock_, limits);
  }
  static Status Run(Restorer& restorer) {
    while (!restorer.done()) {
      ASSIGN_OR_RETURN(const bool more, restorer.Step());
      if (!more) return {StatusCode::kUnavailable, "waits"};
    }
    return Status::Ok();
  }
  Status Restore() { return Run(*Open(store_)); }

  FakeChangelogCluster cluster_;
  FakeChangelog changelog_{cluster_};
  ManualClock clock_;
  LaneIdentity lane_ = LaneHistory::Identity();  // That restores.
  LaneHistory history_{cluster_, clock_};
  MemoryStore store_;
};

TEST_F(RestorerTest, RestoresWhatWasCommittedAndTheMetaRecord) {
  history_.Put(0, "a", "1");
  history_.Put(1, "a", "other table");
  history_.Put(0, "gone", "1");
  history_.Commit();
  history_.Put(0, "a", "2");
  history_.Erase(0, "gone");
  history_.Commit();

  const auto restorer = Open(store_);
  const Timestamp opened = clock_.Now();
  clock_.Advance(hours(1));
  const Status status = Run(*restorer);

  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(StateOf(store_), history_.state());
  EXPECT_EQ(StateOf(store_).size(), 2u);
  Marker expected = history_.last_meta();
  expected.changelog_next = 9;  // Seven records, two ends of transactions.
  expected.wall_time = opened;  // The end was asked for before that.
  EXPECT_EQ(restorer->marker(), expected);
  EXPECT_EQ(**store_.ReadMarker(), expected);
  EXPECT_EQ(restorer->progress().records, 7u);
  EXPECT_EQ(restorer->progress().position, 9);
}

TEST_F(RestorerTest, ALaneThatNeverCommittedHasNoMarkerAndNoWrites) {
  history_.Put(0, "a", "1");
  history_.Abort();

  const auto restorer = Open(store_);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(restorer->marker(), std::nullopt);
  EXPECT_EQ(*store_.ReadMarker(), std::nullopt);
}

TEST_F(RestorerTest, AnEmptyLogIsDoneAtOnce) {
  const auto restorer = Open(store_);

  const Result<bool> step = restorer->Step();

  EXPECT_TRUE(step.ok() && *step);
  EXPECT_TRUE(restorer->done());
  EXPECT_EQ(restorer->marker(), std::nullopt);
}

TEST_F(RestorerTest, AnOpenTransactionHoldsItBackUntilItEnds) {
  history_.Put(0, "a", "1");
  history_.Commit();
  history_.Put(0, "a", "zombie");
  const auto zombie = history_.LeaveOpen();
  const auto restorer = Open(store_);

  EXPECT_EQ(Run(*restorer).message(), "waits");
  EXPECT_FALSE(restorer->done());
  EXPECT_EQ(*store_.ReadMarker(), std::nullopt);
  cluster_.Abort(zombie);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(StateOf(store_), history_.state());
  // Past the aborted records and the record that ends them.
  EXPECT_EQ(restorer->marker()->changelog_next,
            cluster_.Range(history_.id()).second);
}

TEST_F(RestorerTest, GoesOnFromAWholeBase) {
  history_.Put(0, "a", "1");
  history_.Put(0, "b", "1");
  history_.Commit();
  ASSERT_TRUE(Restore().ok());
  history_.Erase(0, "b");
  history_.Commit();

  const auto restorer = Open(store_);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(restorer->progress().records, 2u);
  EXPECT_EQ(restorer->marker()->epoch, 2);
  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, ABaseWithNothingToReplayStaysAndIsYoungAgain) {
  history_.Put(0, "a", "1");
  history_.Commit();
  ASSERT_TRUE(Restore().ok());
  history_.Put(0, "a", "aborted");
  history_.Abort();
  clock_.Advance(hours(100));

  const auto restorer = Open(store_);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(restorer->marker()->epoch, 1);
  EXPECT_EQ(restorer->marker()->wall_time, clock_.Now());
  EXPECT_EQ(restorer->marker()->changelog_next,
            cluster_.Range(history_.id()).second);
  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, LeavesWhatLiesBehindTheEndToALaterOwner) {
  history_.Put(0, "a", "1");
  history_.Commit();
  const auto restorer = Open(store_);
  const Offset end = cluster_.Range(history_.id()).second;
  const LaneEntries before = history_.state();
  history_.Put(0, "a", "2");
  history_.Commit();

  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(StateOf(store_), before);
  EXPECT_EQ(restorer->marker()->epoch, 1);
  EXPECT_EQ(restorer->marker()->changelog_next, end);
}

TEST_F(RestorerTest, APartSaysRestoringAndWhichEpochItEndsWith) {
  history_.Put(0, "a", "1");
  history_.Commit();  // Offsets 0 to 2.
  history_.Put(0, "a", "2");
  history_.Put(0, "b", "2");
  history_.Commit();
  const auto restorer = Open(store_, {.read_bytes = 1, .write_bytes = 1});
  const Timestamp start = clock_.Now();
  Marker expected;
  expected.lane = LaneHistory::Identity();
  expected.lane.tables.clear();
  expected.changelog_next = 1;
  expected.restoring = true;
  expected.wall_time = start;

  clock_.Advance(hours(1));
  ASSERT_TRUE(*restorer->Step());
  EXPECT_EQ(**store_.ReadMarker(), expected);
  while ((**store_.ReadMarker()).changelog_next < 4) {
    ASSERT_TRUE(*restorer->Step());
  }

  expected.log_id = 1;  // As the first meta record says.
  expected.changelog_next = 4;
  EXPECT_EQ(**store_.ReadMarker(), expected);
}

TEST_F(RestorerTest, WhatCameBeforeAnErrorThatPassesIsNotLost) {
  for (int epoch = 0; epoch < 20; ++epoch) {
    history_.Put(0, "k" + std::to_string(epoch), "1");
    history_.Commit();
  }
  changelog_.set_records_per_read(3);
  changelog_.FailAfterRead(5, {StatusCode::kUnavailable, "away", true});
  const auto restorer = Open(store_);

  int errors = 0;
  while (!restorer->done()) {
    const Result<bool> step = restorer->Step();
    if (step.ok()) continue;
    ASSERT_TRUE(step.status().retryable()) << step.status().ToString();
    ASSERT_LT(++errors, 10);
  }

  EXPECT_EQ(errors, 5);
  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, AWriteThatFailsForWantOfSpaceIsTriedAgain) {
  history_.Put(0, "a", "1");
  history_.Commit();
  FaultyStore faulty(store_);
  faulty.FailApplyAfter(0, StatusCode::kIoError, /*retryable=*/true);
  const auto restorer = Open(faulty);

  const Result<bool> full = restorer->Step();
  ASSERT_TRUE(!full.ok() && full.status().retryable());
  faulty.Heal();
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, ALogThatWasCompletedFromACopyIsReadFromItsBeginning) {
  history_.BeginLog(42);
  history_.Put(0, "a", "1");
  history_.Commit();
  ASSERT_TRUE(Restore().ok());
  history_.BeginLog(43);
  history_.Put(0, "b", "2");
  history_.Commit();

  // Not onto a copy of what was before.
  EXPECT_EQ(Restore().code(), StatusCode::kCorruption);
  MemoryStore fresh;
  ASSERT_TRUE(fresh.OpenTables(LaneHistory::Tables()).ok());
  const auto restorer = Open(fresh);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(restorer->marker()->log_id, 43u);
  EXPECT_EQ(StateOf(fresh), history_.state());
}

TEST_F(RestorerTest, APartSaysOfWhichLogItIs) {
  history_.BeginLog(42);
  history_.Put(0, "a", "1");
  history_.Put(0, "b", "1");
  history_.Commit();
  const auto restorer = Open(store_, {.read_bytes = 1, .write_bytes = 1});

  std::optional<Marker> part;
  while (!part.has_value()) {
    ASSERT_TRUE(*restorer->Step());
    part = *store_.ReadMarker();
  }
  EXPECT_TRUE(part->restoring);
  EXPECT_EQ(part->log_id, 42u);
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(restorer->marker()->log_id, 42u);
  EXPECT_EQ(StateOf(store_), history_.state());
}

// The same name, generation and offsets; another log.
TEST_F(RestorerTest, AStoreOfALogThatWasWrittenAnewIsNotABase) {
  history_.Put(0, "a", "1");
  history_.Commit();
  ASSERT_TRUE(Restore().ok());
  history_.BeginLog(43);
  history_.Put(0, "b", "2");
  history_.Commit();

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("another changelog"));
}

TEST_F(RestorerTest, ARestartFarFromTheLastMetaRecordStillKnowsIt) {
  history_.Put(0, "a", "1");
  history_.Commit();
  history_.Put(0, "b", "aborted");
  const auto zombie = history_.LeaveOpen();
  // The limit is reached by the state, the write comes with the meta record.
  const auto first = Open(store_, {.read_bytes = 1000, .write_bytes = 1});
  EXPECT_EQ(Run(*first).message(), "waits");
  ASSERT_TRUE((**store_.ReadMarker()).restoring);
  ASSERT_EQ((**store_.ReadMarker()).epoch, 1);
  cluster_.Abort(zombie);

  const auto second = Open(store_);
  ASSERT_TRUE(Run(*second).ok());

  EXPECT_EQ(second->progress().records, 0u);
  EXPECT_EQ(second->marker()->epoch, 1);
  EXPECT_FALSE((**store_.ReadMarker()).restoring);
  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, ADamagedRecordStopsItForEverAndIsNamed) {
  history_.Put(0, "a", "1");
  history_.Put(0, "b", "1");
  history_.Commit();
  cluster_.Damage(history_.id(), 1);
  const auto restorer = Open(store_);

  const Result<bool> step = restorer->Step();

  EXPECT_EQ(step.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(step.status().message(),
              AllOf(HasSubstr("group-input-changelog-g3/2 offset 1"),
                    HasSubstr("checksum")));
  EXPECT_EQ(restorer->Step().status().message(), step.status().message());
  EXPECT_EQ(*store_.ReadMarker(), std::nullopt);
}

TEST_F(RestorerTest, ADamagedMetaRecordStopsIt) {
  history_.Put(0, "a", "1");
  history_.Commit();
  cluster_.Damage(history_.id(), 1);

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("offset 1: marker: checksum"));
}

TEST_F(RestorerTest, RefusesATableThatTheJobDoesNotHave) {
  history_.Put(0, "a", "1");
  history_.PutInto("renamed", "a", "1");
  history_.Commit();

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("offset 1"), HasSubstr("--state wipe")));
}

TEST_F(RestorerTest, RefusesStateThatNoMetaRecordCloses) {
  history_.Put(0, "a", "1");
  history_.Commit();
  history_.Put(0, "a", "2");
  history_.Commit();
  cluster_.Truncate(history_.id(), 4);

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("no meta record"));
  EXPECT_EQ(*store_.ReadMarker(), std::nullopt);
}

TEST_F(RestorerTest, RefusesABaseOfHalfAnEpochThatNothingCloses) {
  history_.Put(0, "a", "1");
  history_.Put(0, "b", "1");
  history_.Commit();
  const auto first = Open(store_, {.read_bytes = 1, .write_bytes = 1});
  ASSERT_TRUE(*first->Step());
  cluster_.Truncate(history_.id(), 1);

  EXPECT_THAT(Restore().message(), HasSubstr("no meta record"));
}

TEST_F(RestorerTest, RefusesALogThatEndsBeforeTheStoreDoes) {
  for (int epoch = 1; epoch <= 3; ++epoch) {
    history_.Put(0, "a", std::to_string(epoch));
    history_.Commit();
  }
  ASSERT_TRUE(Restore().ok());
  cluster_.Truncate(history_.id(), 6);

  EXPECT_EQ(Restore().code(), StatusCode::kCorruption);
}

TEST_F(RestorerTest, RefusesALogThatLostEpochsAndGrewAgain) {
  for (int epoch = 1; epoch <= 5; ++epoch) history_.Commit();
  ASSERT_TRUE(Restore().ok());  // Epoch 5, offset 10.
  cluster_.Truncate(history_.id(), 10);
  history_.set_epoch(2);
  history_.Commit();

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("holds epoch 5"));
}

TEST_F(RestorerTest, RefusesEpochsThatGoBack) {
  history_.Commit();
  history_.Commit();
  history_.set_epoch(1);
  history_.Commit();

  EXPECT_THAT(Restore().message(), HasSubstr("epoch 2 after epoch 2"));
}

// Nobody has asked for its state: it would be taken for this lane's.
TEST_F(RestorerTest, RefusesMetaRecordsOfOthersByTheirNames) {
  const std::pair<void (*)(Marker&), const char*> cases[] = {
      {[](Marker& m) { m.lane.job = "other"; }, "has state of job other"},
      {[](Marker& m) { m.lane.group = "eu"; },
       "belongs to group eu, input input"},
      {[](Marker& m) { m.lane.tp.topic = "cars"; }, "group group, input cars"},
      {[](Marker& m) { m.lane.cluster_id = "C2"; }, "cluster C2"},
  };
  for (const auto& [change, named] : cases) {
    FakeChangelogCluster cluster;
    FakeChangelog changelog(cluster);
    Marker meta;
    meta.lane = LaneHistory::Identity();
    meta.epoch = 1;
    change(meta);
    const auto txn = cluster.Begin();
    cluster.AppendEpoch(txn, history_.id(), {}, meta);
    cluster.Commit(txn);
    MemoryStore store;
    ASSERT_TRUE(store.OpenTables(LaneHistory::Tables()).ok());
    Restorer::Spec spec = Spec(Marker());
    spec.end = cluster.Range(history_.id()).second;
    Restorer restorer(
        store, *changelog.Open(history_.id().tp, history_.id().generation, 0),
        std::move(spec), clock_);

    const Status status = Run(restorer);

    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr(named), HasSubstr("changelog-g3/2 offset 0")));
    EXPECT_EQ(*store.ReadMarker(), std::nullopt);
  }
}

TEST_F(RestorerTest, RefusesAMetaRecordOfTacho01AsSuch) {
  for (const char* const value : {"\1anything", "\2anything"}) {
    const auto txn = cluster_.Begin();
    cluster_.Append(txn, history_.id(), ChangelogMetaKey(), value);
    cluster_.Commit(txn);

    const Status status = Restore();

    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("tacho 0.1 wrote"));
  }
}

TEST_F(RestorerTest, RefusesAReplayThatTookLongerThanErasuresAreRemembered) {
  history_.Put(0, "a", "1");
  history_.Commit();
  ASSERT_TRUE(Restore().ok());
  clock_.Advance(hours(20));
  history_.Put(0, "b", "1");
  history_.Commit();
  const auto restorer = Open(store_);
  clock_.Advance(hours(5));

  EXPECT_THAT(Run(*restorer).message(), HasSubstr("delete.retention.ms"));
}

TEST_F(RestorerTest, ARetryableErrorOfTheReaderLeavesItWhereItIs) {
  history_.Put(0, "a", "1");
  history_.Commit();
  const auto restorer = Open(store_);
  changelog_.FailNext(2, {StatusCode::kUnavailable, "away", true});

  EXPECT_EQ(restorer->Step().status().message(), "away");
  EXPECT_EQ(restorer->Step().status().message(), "away");
  ASSERT_TRUE(Run(*restorer).ok());

  EXPECT_EQ(StateOf(store_), history_.state());
}

TEST_F(RestorerTest, AnErrorOfTheStoreIsFinal) {
  history_.Put(0, "a", "1");
  history_.Commit();
  FaultyStore faulty(store_);
  faulty.FailApplyAfter(0);
  const auto restorer = Open(faulty);
  EXPECT_EQ(restorer->Step().status().code(), StatusCode::kIoError);
  faulty.Heal();

  EXPECT_EQ(restorer->Step().status().code(), StatusCode::kIoError);
  EXPECT_EQ(*store_.ReadMarker(), std::nullopt);
}

TEST_F(RestorerTest, ALogThatNoLongerHasThePositionIsCorruption) {
  for (int epoch = 1; epoch <= 3; ++epoch) history_.Commit();
  const auto restorer = Open(store_);
  cluster_.DropBefore(history_.id(), 2);

  EXPECT_EQ(restorer->Step().status().code(), StatusCode::kCorruption);
}

TEST_F(RestorerTest, AnyStopAtAnyStepGivesTheSameStore) {
  for (int epoch = 1; epoch <= 12; ++epoch) {
    for (int key = 0; key < 5; ++key) {
      const std::string name = std::to_string((epoch + key) % 8);
      if (key == 4) {
        history_.Erase(0, name);
      } else {
        history_.Put(static_cast<TableId>(key % 2), name,
                     std::to_string(epoch));
      }
    }
    if (epoch % 4 == 3) {
      history_.Abort();
    } else {
      history_.Commit();
    }
  }
  const Restorer::Limits limits{.read_bytes = 1, .write_bytes = 100};
  int stops = 0;
  for (bool done = false; !done; ++stops) {
    MemoryStore store;
    ASSERT_TRUE(store.OpenTables(LaneHistory::Tables()).ok());
    {
      const auto first = Open(store, limits);
      for (int i = 0; i < stops && !first->done(); ++i) {
        ASSERT_TRUE(*first->Step());
      }
      done = first->done();
    }
    ASSERT_TRUE(Run(*Open(store, limits)).ok());

    ASSERT_EQ(StateOf(store), history_.state()) << stops << " steps";
    ASSERT_EQ((**store.ReadMarker()).epoch, history_.last_meta().epoch);
  }
  EXPECT_GT(stops, 30);
}

TEST_F(RestorerTest, ItsMemoryDoesNotGrowWithTheLog) {
  const Restorer::Limits limits{.read_bytes = 2000, .write_bytes = 10000};
  for (int epoch = 1; epoch <= 200; ++epoch) {
    for (int key = 0; key < 20; ++key) {
      history_.Put(0, std::to_string(key * epoch), std::string(100, 'x'));
    }
    history_.Commit();
  }
  const auto restorer = Open(store_, limits);
  size_t peak = 0;
  while (!restorer->done()) {
    ASSERT_TRUE(restorer->Step().ok());
    peak = std::max(peak, restorer->used_bytes());
  }

  EXPECT_GT(restorer->progress().bytes, 40 * limits.write_bytes);
  EXPECT_LT(peak, limits.write_bytes + 3 * limits.read_bytes);
  EXPECT_EQ(StateOf(store_), history_.state());
}

// What a lane does over months: epochs, aborted ones, zombies, compaction that
// forgets erasures, and restores that are stopped anywhere, with hours passing.
class RandomRestore : public ::testing::TestWithParam<int> {};

TEST_P(RandomRestore, EqualsTheModel) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  ManualClock clock;
  FakeChangelogCluster cluster;
  FakeChangelog changelog(cluster);
  LaneHistory history(cluster, clock);
  const FakeLogId& id = history.id();
  auto store = std::make_unique<MemoryStore>();
  ASSERT_TRUE(store->OpenTables(LaneHistory::Tables()).ok());
  const auto wipe = [&] {
    store = std::make_unique<MemoryStore>();
    ASSERT_TRUE(store->OpenTables(LaneHistory::Tables()).ok());
  };

  int restored = 0;
  for (int turn = 0; turn < 120; ++turn) {
    for (int epoch = below(4); epoch > 0; --epoch) {
      for (int change = below(8); change > 0; --change) {
        const auto table = static_cast<TableId>(below(2));
        const std::string key = std::to_string(below(12));
        if (below(3) == 0) {
          history.Erase(table, key);
        } else {
          history.Put(table, key, std::to_string(turn));
        }
      }
      if (below(6) == 0) {
        history.Abort();
      } else {
        history.Commit();
      }
    }
    if (below(3) == 0) clock.Advance(Millis(below(3'600'000 * 8)));
    if (below(4) == 0) cluster.Compact(id, clock.Now(), hours(24));
    std::optional<FakeChangelogCluster::Txn> zombie;
    if (below(5) == 0) {
      history.Put(0, "zombie", std::to_string(turn));
      zombie = history.LeaveOpen();
    }

    // A take-over, as LaneTakeOver does it.
    const std::optional<Marker> stored = *store->ReadMarker();
    const Marker base = stored.value_or(Marker());
    const auto [first, end] = cluster.Range(id);
    if (stored && base.changelog_next < end &&
        clock.Now() - base.wall_time > hours(23)) {
      wipe();
      if (zombie) cluster.Abort(*zombie);
      continue;
    }
    changelog.set_records_per_read(1 + random() % 20);
    Restorer restorer(
        *store,
        *changelog.Open(id.tp, id.generation,
                        stored ? base.changelog_next : first),
        {.lane = LaneHistory::Identity(),
         .names = LaneHistory::Tables(),
         .base = base,
         .end = end,
         .check = [](TableId, std::string_view,
                     std::string_view) { return Status::Ok(); }},
        clock,
        {.read_bytes = 1 + random() % 500, .write_bytes = 1 + random() % 1000});
    for (int steps = below(40); steps > 0 && !restorer.done(); --steps) {
      const Result<bool> step = restorer.Step();
      if (!step.ok()) {
        ASSERT_THAT(step.status().message(), HasSubstr("delete.retention.ms"));
        wipe();
        break;
      }
      if (!*step && zombie) cluster.Abort(*std::exchange(zombie, {}));
      if (below(20) == 0) clock.Advance(hours(below(8)));
    }
    if (zombie) cluster.Abort(*zombie);
    if (!restorer.done()) continue;
    ++restored;
    ASSERT_EQ(StateOf(*store), history.state()) << "turn " << turn;
    ASSERT_EQ(restorer.marker().has_value(), history.last_meta().epoch > 0);
    if (restorer.marker()) {
      ASSERT_EQ(restorer.marker()->epoch, history.last_meta().epoch);
      ASSERT_EQ(**store->ReadMarker(), restorer.marker());
    }
  }
  EXPECT_GT(restored, 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRestore, ::testing::Range(1, 101));

TEST_F(RestorerTest, AValueThatNoTableCouldHaveWrittenStopsItBeforeTheStore) {
  history_.Put(0, "a", "1");
  history_.Commit();
  history_.Put(0, "b", "insane");
  history_.Commit();

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("table t: insane"), HasSubstr("/2 offset 3")));
  EXPECT_TRUE(StateOf(store_).empty());
}

TEST_F(RestorerTest, AValueOfATableThatHasChangedItsMeaningIsNoDamage) {
  history_.Put(0, "a", "insane");
  history_.Commit();
  lane_.tables = {{"clocks", 2}, {"windows", 9}};

  const Status status = Restore();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("another definition"));
  EXPECT_TRUE(StateOf(store_).empty());
}

}  // namespace
}  // namespace tacho
