#include "pipeline/restore/take_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Origin = OffsetMetadata::Origin;

constexpr Millis kDay{24 * 3600 * 1000};
constexpr Timestamp kNow = FromEpochMillis(1700000000000);

LaneIdentity Lane() {
  LaneIdentity lane;
  lane.group = "group";
  lane.tp.topic = "in";
  lane.reset_generation = 2;
  return lane;
}

Marker State() {
  Marker marker;
  marker.lane = Lane();
  marker.lane.job = "job";
  marker.log_id = 11;
  marker.next_offset = 500;
  marker.published = 500;
  marker.changelog_next = 1000;
  marker.epoch = 7;
  marker.writer_id = "writer";
  marker.wall_time = kNow - Millis(60000);
  return marker;
}

CommittedOffset Committed(Offset offset, Origin origin = Origin::kEpoch) {
  return {offset, OffsetMetadata{origin, 2, 7, "writer", offset, "job"}};
}

// ---- ChooseBase

TEST(TakeOverTest, AnEmptyDiskReplaysTheWholeChangelog) {
  const RestoreBase base = ChooseBase(Lane(), {}, {10, 1500, kDay}, kNow);
  EXPECT_FALSE(base.use_local);
  EXPECT_EQ(base.replay_from, 10);
  EXPECT_THAT(base.why_not, IsEmpty());
}

TEST(TakeOverTest, LocalStateIsUsedFromWhereItEnds) {
  const RestoreBase base = ChooseBase(Lane(), State(), {10, 1500, kDay}, kNow);
  EXPECT_TRUE(base.use_local);
  EXPECT_EQ(base.replay_from, 1000);
}

struct NotUsed {
  const char* what;
  void (*change)(Marker&);
  const char* why;
  bool alarm = false;
};

TEST(TakeOverTest, LocalStateThatCannotBeBroughtUpToDateIsNotUsed) {
  const NotUsed cases[] = {
      {"tacho 0.1", [](Marker& m) { m.lane.of_01 = true; }, "0.1"},
      {"generation", [](Marker& m) { m.lane.reset_generation = 1; },
       "generation 1"},
      {"position", [](Marker& m) { m.changelog_next = kNoOffset; }, "part"},
      {"log", [](Marker& m) { m.log_id = 0; }, "which changelog"},
      {"changelog lost", [](Marker& m) { m.changelog_next = 1501; },
       "holds more", true},
      {"changelog cut", [](Marker& m) { m.changelog_next = 9; }, "begins"},
      {"too old",
       [](Marker& m) { m.wall_time = kNow - kDay + Millis(3600 * 1000); },
       "delete.retention.ms"},
  };
  for (const NotUsed& c : cases) {
    Marker marker = State();
    c.change(marker);
    const RestoreBase base = ChooseBase(Lane(), marker, {10, 1500, kDay}, kNow);
    EXPECT_FALSE(base.use_local) << c.what;
    EXPECT_EQ(base.replay_from, 10) << c.what;
    EXPECT_THAT(base.why_not, HasSubstr(c.why)) << c.what;
    EXPECT_EQ(base.alarm, c.alarm) << c.what;
  }
}

TEST(TakeOverTest, AgeCountsOnlyIfSomethingMustBeReplayed) {
  Marker old = State();
  old.wall_time = kNow - 100 * kDay;
  // The end: at it, and one control record past it.
  EXPECT_TRUE(ChooseBase(Lane(), old, {10, 1000, kDay}, kNow).use_local);
  EXPECT_TRUE(ChooseBase(Lane(), old, {10, 1001, kDay}, kNow).use_local);
  EXPECT_FALSE(ChooseBase(Lane(), old, {10, 1002, kDay}, kNow).use_local);
  // Just young enough.
  old.wall_time = kNow - kDay + Millis(3600 * 1000 + 1);
  EXPECT_TRUE(ChooseBase(Lane(), old, {10, 1002, kDay}, kNow).use_local);
}

// A log that was written anew, or has lost its end, can end where the state
// does.
TEST(TakeOverTest, StateOfAnEarlierEpochThanTheGroupsIsNotWhole) {
  CommittedOffset later = Committed(500);
  later.metadata->epoch = 8;
  EXPECT_TRUE(IsBehind(later, State()));
  const auto decision = DecideStart(Lane(), later, State());
  EXPECT_EQ(decision.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(decision.status().message(), HasSubstr("rebuild-changelog"));
  // That of a later epoch is a stale answer's, and of another offset.
  later.metadata->epoch = 6;
  EXPECT_FALSE(IsBehind(later, State()));
  later.metadata->epoch = 8;
  later.metadata->generation = 3;
  EXPECT_FALSE(IsBehind(later, State()));
  EXPECT_FALSE(IsBehind(Committed(500), State()));
  EXPECT_FALSE(IsBehind(Committed(500, Origin::kResetKeep), State()));
}

TEST(TakeOverTest, WhatAnOperatorKeepsIsALogOfItsOwn) {
  const auto kept =
      DecideStart(Lane(), Committed(300, Origin::kResetKeep), State());
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->begins_log);
  EXPECT_FALSE(DecideStart(Lane(), Committed(500), State())->begins_log);
}

// ---- CheckWhole

Status Whole(const CommittedOffset& committed,
             const std::optional<Marker>& local,
             const ChangelogExtent& changelog) {
  const RestoreBase base = ChooseBase(Lane(), local, changelog, kNow);
  return CheckWhole(Lane(), committed, local, base, changelog);
}

TEST(TakeOverTest, AChangelogWithoutItsHeadIsNotBelieved) {
  const Status none = Whole(Committed(500), {}, {10, 1500, kDay});
  EXPECT_EQ(none.code(), StatusCode::kCorruption);
  EXPECT_THAT(none.message(), HasSubstr("begins at offset 10"));
  EXPECT_THAT(none.message(), HasSubstr("--state wipe"));
  Marker old = State();
  old.changelog_next = 9;
  EXPECT_FALSE(Whole(Committed(900), old, {10, 1500, kDay}).ok());
  // What is here covers what is gone.
  EXPECT_TRUE(Whole(Committed(900), State(), {10, 1500, kDay}).ok());
  EXPECT_TRUE(Whole(Committed(500), {}, {0, 1500, kDay}).ok());
}

TEST(TakeOverTest, AChangelogThatEndsBeforeTheStateIsWrittenAnewFromIt) {
  const Status status = Whole(Committed(500), State(), {0, 999, kDay});

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("tacho offsets rebuild-changelog"));
}

TEST(TakeOverTest, AChangelogThatSomebodyElseWroteAnewIsUsed) {
  CommittedOffset later = Committed(900);
  later.metadata->epoch = 8;
  EXPECT_TRUE(Whole(later, State(), {0, 999, kDay}).ok());
  // Not if nobody has: whatever was committed, it is not the log's.
  for (const Origin origin : {Origin::kStart, Origin::kResetWipe}) {
    EXPECT_FALSE(Whole(Committed(500, origin), State(), {0, 9, kDay}).ok());
  }
  // But what an operator keeps is what the log has.
  EXPECT_TRUE(
      Whole(Committed(500, Origin::kResetKeep), State(), {0, 9, kDay}).ok());
  EXPECT_FALSE(Whole({}, State(), {0, 999, kDay}).ok());
  Marker restoring = State();
  restoring.restoring = true;
  EXPECT_TRUE(Whole(Committed(900), restoring, {0, 999, kDay}).ok());
}

// ---- DecideStart

TEST(TakeOverTest, NobodyKnowsWhereToStart) {
  const auto decision = DecideStart(Lane(), {}, {});
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->start, kNoOffset);
  EXPECT_FALSE(decision->use_state);
}

TEST(TakeOverTest, AnExistingGroupIsAdoptedWithEmptyState) {
  for (const CommittedOffset& committed :
       {CommittedOffset{42, {}}, Committed(42, Origin::kStart),
        Committed(42, Origin::kResetWipe), Committed(42, Origin::kResetKeep)}) {
    const auto decision = DecideStart(Lane(), committed, {});
    ASSERT_TRUE(decision.ok());
    EXPECT_EQ(decision->start, 42);
    EXPECT_FALSE(decision->use_state);
  }
}

TEST(TakeOverTest, AnEmptiedChangelogIsNotTakenForANewGroup) {
  const auto decision = DecideStart(Lane(), Committed(42), {});
  EXPECT_EQ(decision.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(decision.status().message(), HasSubstr("--state wipe"));
}

TEST(TakeOverTest, StateAndOffsetThatAgreeGoOn) {
  const auto decision = DecideStart(Lane(), Committed(500), State());
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->start, 500);
  EXPECT_TRUE(decision->use_state);
  EXPECT_FALSE(decision->recommit);
}

TEST(TakeOverTest, AMissingOffsetIsTheStatesOwn) {
  const auto decision = DecideStart(Lane(), {}, State());
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->start, 500);
  EXPECT_TRUE(decision->use_state);
  EXPECT_TRUE(decision->recommit);
}

TEST(TakeOverTest, AnOperatorsOffsetIsObeyedWithTheState) {
  const auto decision =
      DecideStart(Lane(), Committed(100, Origin::kResetKeep), State());
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->start, 100);
  EXPECT_TRUE(decision->use_state);
}

TEST(TakeOverTest, AnOperatorsOffsetMayBeWhereTheStateEnds) {
  const auto decision =
      DecideStart(Lane(), Committed(500, Origin::kResetKeep), State());
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->start, 500);
  EXPECT_TRUE(decision->use_state);
}

// A generation begins empty: its first epoch replaces the reset's metadata.
TEST(TakeOverTest, AWipedGenerationThatHoldsStateStopsWithTheRemedy) {
  for (const Offset offset : {Offset{100}, Offset{500}}) {
    const auto decision =
        DecideStart(Lane(), Committed(offset, Origin::kResetWipe), State());
    EXPECT_EQ(decision.status().code(), StatusCode::kCorruption);
    EXPECT_THAT(decision.status().message(), HasSubstr("--state wipe"));
  }
}

TEST(TakeOverTest, AnOffsetThatNobodyExplainsStopsWithTheRemedy) {
  for (const CommittedOffset& committed :
       {CommittedOffset{499, {}}, Committed(501), Committed(499),
        Committed(499, Origin::kStart)}) {
    const auto decision = DecideStart(Lane(), committed, State());
    EXPECT_EQ(decision.status().code(), StatusCode::kCorruption);
    EXPECT_THAT(decision.status().message(), HasSubstr("tacho offsets reset"));
  }
}

// ---- The rest

TEST(TakeOverTest, LocalStateThatIsNotBehindIsUsedAtLeastOnce) {
  Marker marker = State();
  for (const Offset committed : {kNoOffset, Offset{0}, Offset{499}}) {
    const StartDecision d = DecideLocalStart({committed, {}}, marker);
    EXPECT_EQ(d.start, 500);
    EXPECT_TRUE(d.use_state && d.recommit && !d.state_not_moved);
  }
  EXPECT_FALSE(DecideLocalStart({500, {}}, marker).recommit);
  const StartDecision behind = DecideLocalStart({501, {}}, marker);
  EXPECT_EQ(behind.start, 501);
  EXPECT_TRUE(!behind.use_state && behind.state_not_moved);
  EXPECT_FALSE(DecideLocalStart({0, {}}, {}).state_not_moved);
  EXPECT_TRUE(DecideLocalStart({1, {}}, {}).state_not_moved);
  EXPECT_FALSE(
      DecideLocalStart(Committed(9, Origin::kStart), {}).state_not_moved);
  EXPECT_EQ(DecideLocalStart({}, {}).start, kNoOffset);
}

TEST(TakeOverTest, AResetIsObeyedAtLeastOnceWhereverTheStateEnds) {
  Marker marker = State();
  marker.lane.reset_generation = 1;  // Before the reset; Committed() is of 2.
  for (const Offset offset :
       {Offset{0}, Offset{100}, Offset{500}, Offset{900}}) {
    const StartDecision keep =
        DecideLocalStart(Committed(offset, Origin::kResetKeep), marker);
    EXPECT_EQ(keep.start, offset);
    EXPECT_TRUE(keep.use_state && !keep.recommit && !keep.state_not_moved);
    const StartDecision wipe =
        DecideLocalStart(Committed(offset, Origin::kResetWipe), marker);
    EXPECT_EQ(wipe.start, offset);
    EXPECT_TRUE(!wipe.use_state && !wipe.recommit && !wipe.state_not_moved);
  }
}

// Written, but not committed, when the worker died.
TEST(TakeOverTest, StateOfTacho01IsNotUsedAtLeastOnce) {
  Marker old;
  old.lane.of_01 = true;
  EXPECT_FALSE(DecideLocalStart(Committed(9), old).use_state);
  EXPECT_FALSE(DecideLocalStart({9, {}}, old).use_state);
}

TEST(TakeOverTest, AResetThatTheStateHasSeenIsNotObeyedTwice) {
  for (const Origin origin : {Origin::kResetKeep, Origin::kResetWipe}) {
    const StartDecision d = DecideLocalStart(Committed(100, origin), State());
    EXPECT_EQ(d.start, 500);
    EXPECT_TRUE(d.use_state && d.recommit && !d.state_not_moved);
  }
}

TEST(TakeOverTest, StateFromBeforeAResetIsNotUsedAfterIt) {
  Marker marker = State();
  marker.lane.reset_generation = 1;
  const StartDecision d = DecideLocalStart(Committed(100), marker);
  EXPECT_EQ(d.start, 100);
  EXPECT_TRUE(!d.use_state && d.state_not_moved);
}

TEST(TakeOverTest, AResetWithoutLocalStateStartsEmpty) {
  const StartDecision keep =
      DecideLocalStart(Committed(100, Origin::kResetKeep), {});
  EXPECT_EQ(keep.start, 100);
  EXPECT_TRUE(!keep.use_state && keep.state_not_moved);
  const StartDecision wipe =
      DecideLocalStart(Committed(100, Origin::kResetWipe), {});
  EXPECT_EQ(wipe.start, 100);
  EXPECT_TRUE(!wipe.use_state && !wipe.state_not_moved);
}

TEST(TakeOverTest, AStartOutsideTheLogStopsWithTheReason) {
  EXPECT_TRUE(CheckStartInLog(Lane(), 10, 10, 20).ok());
  EXPECT_TRUE(CheckStartInLog(Lane(), 20, 10, 20).ok());
  EXPECT_THAT(CheckStartInLog(Lane(), 9, 10, 20).message(),
              HasSubstr("retention has passed it"));
  EXPECT_THAT(CheckStartInLog(Lane(), 21, 10, 20).message(),
              HasSubstr("deleted and created again"));
}

TEST(TakeOverTest, ALaneIsUntouchedOnlyIfItsOwnEpochIsTheLast) {
  EXPECT_TRUE(IsUntouched(Committed(500), State()));
  EXPECT_FALSE(IsUntouched(Committed(501), State()));
  EXPECT_FALSE(IsUntouched({500, {}}, State()));
  EXPECT_FALSE(IsUntouched(Committed(500, Origin::kResetKeep), State()));
  Marker other = State();
  other.writer_id = "another";
  EXPECT_FALSE(IsUntouched(Committed(500), other));
  other = State();
  other.epoch = 8;
  EXPECT_FALSE(IsUntouched(Committed(500), other));
  other = State();
  other.lane.reset_generation = 1;
  EXPECT_FALSE(IsUntouched(Committed(500), other));
  other = State();
  other.published = 501;
  EXPECT_FALSE(IsUntouched(Committed(500), other));
  other = State();
  other.lane.job = "other";
  EXPECT_FALSE(IsUntouched(Committed(500), other));
}

}  // namespace
}  // namespace tacho
