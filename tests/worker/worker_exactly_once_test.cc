// The worker under guarantee: exactly_once, over a cluster in memory that does
// with transactions what a broker does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <map>
#include <random>
#include <string>

#include "pipeline/worker/worker.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Step = FakeExactlyOnce::Step;

constexpr int64_t kStart = 1700000040000;  // A minute's start.
constexpr int kMessages = 3000;
const Status kAway{StatusCode::kUnavailable, "broker away", true};

using Outputs = std::map<std::pair<int32_t, SinkId>, std::vector<std::string>>;

// What `tacho offsets reset --state wipe` writes.
std::string Wiped(int64_t generation) {
  OffsetMetadata metadata;
  metadata.origin = OffsetMetadata::Origin::kResetWipe;
  metadata.generation = generation;
  metadata.job = "test-job";
  return FormatOffsetMetadata(metadata);
}

class ExactlyOnceTest : public ::testing::Test {
 protected:
  static std::string Yaml() { return ExactlyOnceYaml("revoke_timeout: 5s\n"); }

  // Appends messages [from, to) of the history of `seed`.
  static void Fill(WorkerHarness& h, int from, int to, uint64_t seed = 7) {
    std::mt19937_64 random(seed);
    std::map<int32_t, int64_t> now;
    for (int i = 0; i < to; ++i) {
      const auto p = static_cast<int32_t>(random() % h.AllLanes().size());
      int64_t& t = now[p];
      t += static_cast<int64_t>(random() % 4000);
      const int64_t ts = kStart + t - static_cast<int64_t>(random() % 20000);
      const std::string vehicle =
          "v" + std::to_string(p) + "-" + std::to_string(random() % 5);
      const auto speed = static_cast<double>(random() % 160);
      const bool broken = random() % 50 == 0;
      if (i < from) continue;
      h.log.Append(h.Lane(p), vehicle,
                   broken ? "{broken" : TestMessage(vehicle, ts, speed));
    }
  }

  static Outputs ByLaneAndSink(const WorkerHarness& h) {
    Outputs outputs;
    for (const FakeOutput& out : h.AllWritten()) {
      outputs[{out.lane.partition, out.sink}].push_back(out.key + " " +
                                                        out.value);
    }
    return outputs;
  }

  // What one uninterrupted run writes.
  static Outputs Undisturbed(int partitions = 2, int messages = kMessages) {
    WorkerHarness h(partitions, TestJobYaml());
    Fill(h, 0, messages);
    EXPECT_TRUE(h.RunToEnd().ok());
    return ByLaneAndSink(h);
  }

  static bool AllCommitted(const WorkerHarness& h) {
    const auto lanes = h.AllLanes();
    return std::all_of(lanes.begin(), lanes.end(), [&](const auto& tp) {
      return h.log.Committed(tp) == h.log.End(tp);
    });
  }

  static void ExpectOffsetsNeverDecreased(WorkerHarness& h) {
    for (const TopicPartition& tp : h.AllLanes()) {
      const auto& history = h.log.commit_history[tp];
      EXPECT_TRUE(std::is_sorted(history.begin(), history.end()))
          << tp.ToString();
    }
  }

  // All of it was done again, from empty state.
  static void ExpectTwice(const WorkerHarness& h, const Outputs& once) {
    Outputs twice = once;
    for (auto& [key, values] : twice) {
      const auto first = values;
      values.insert(values.end(), first.begin(), first.end());
    }
    EXPECT_EQ(ByLaneAndSink(h), twice);
  }

  // The stores hold what the changelogs hold, compacted.
  static void ExpectStateIsChangelog(WorkerHarness& h) {
    for (const TopicPartition& tp : h.AllLanes()) {
      const FakeLogId id{tp, 0};
      std::map<std::string, std::string> state;
      ChangelogChunk chunk;
      Offset position = 0;
      ASSERT_TRUE(
          h.changelogs.Read(id, position, chunk, SIZE_MAX, SIZE_MAX).ok());
      std::optional<Marker> meta;
      for (const auto& entry : chunk.entries()) {
        const auto record =
            ParseChangelogRecord(chunk.Key(entry), chunk.Value(entry));
        ASSERT_TRUE(record.ok()) << record.status().ToString();
        const std::string key(chunk.Key(entry));
        if (record->kind == ChangelogRecord::kMeta) {
          meta = *DecodeMarker(record->value);
        } else if (record->kind == ChangelogRecord::kIdentity) {
          EXPECT_TRUE(state.empty() && !meta) << "a log begins with it";
        } else if (record->kind == ChangelogRecord::kTombstone) {
          state.erase(key);
        } else {
          state[key] = record->value;
        }
      }
      ASSERT_TRUE(meta.has_value());
      EXPECT_EQ(meta->next_offset, h.log.Committed(tp));
      const auto marker = h.disk[tp]->ReadMarker();
      ASSERT_TRUE(marker.ok()) << marker.status().ToString();
      ASSERT_TRUE(marker->has_value());
      EXPECT_EQ((*marker)->epoch, meta->epoch);
      std::map<std::string, std::string> stored;
      std::vector<std::string> names;
      for (const auto& [name, fingerprint] : meta->lane.tables)
        names.push_back(name);
      ASSERT_TRUE(h.disk[tp]->OpenTables(names).ok());
      for (TableId table = 0; table < names.size(); ++table) {
        std::vector<char> prefix;
        AppendChangelogPrefix(prefix, TableTag(names[table]));
        const std::string start(prefix.begin(), prefix.end());
        ASSERT_TRUE(h.disk[tp]
                        ->Scan(table, {},
                               [&](std::string_view k, std::string_view v) {
                                 stored[start + std::string(k)] = v;
                                 return Status::Ok();
                               })
                        .ok());
      }
      ASSERT_TRUE(h.disk[tp]->Close().ok());
      EXPECT_EQ(stored, state) << tp.ToString();
    }
  }
};

TEST_F(ExactlyOnceTest, WritesWhatAtLeastOnceWrites) {
  WorkerHarness h(2, Yaml());
  Fill(h, 0, kMessages);

  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed());
  ExpectStateIsChangelog(h);
  for (const TopicPartition& tp : h.AllLanes()) {
    const auto metadata = ParseOffsetMetadata(h.log.metadata[tp]);
    ASSERT_TRUE(metadata.has_value()) << h.log.metadata[tp];
    EXPECT_EQ(metadata->origin, OffsetMetadata::Origin::kEpoch);
  }
}

// One way to reopen, whatever failed, also where nobody knows the outcome.
TEST_F(ExactlyOnceTest, AFailureAtAnyStepChangesNothing) {
  const Outputs undisturbed = Undisturbed();
  for (const Step step : {Step::kBegin, Step::kProduce, Step::kFlush,
                          Step::kOffsets, Step::kCommit, Step::kAfterCommit}) {
    WorkerHarness h(2, Yaml());
    h.on_exactly_once = [&](FakeExactlyOnce& t) { t.FailAt(step, 1, kAway); };
    h.Start(h.AllLanes());
    ASSERT_TRUE(WaitUntil([&] { return h.exactly_once != nullptr; }));
    for (int done = 0; done < kMessages; done += 500) {
      Fill(h, done, done + 500);
      h.exactly_once.load()->FailAt(step, 2, kAway);
      h.member->Poke();
      ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }))
          << static_cast<int>(step) << " " << done;
    }
    EXPECT_GT(h.exactly_once.load()->failed(), 3);
    EXPECT_GT(h.exactly_once.load()->settled(), step == Step::kBegin ? -1 : 3);
    // A failure that is left hits the last epoch, or the stop cuts a take-over
    // short: either way the next worker makes it good.
    (void)h.Stop().ok();
    h.on_exactly_once = nullptr;
    ASSERT_TRUE(h.RunToEnd().ok());

    EXPECT_EQ(ByLaneAndSink(h), undisturbed) << static_cast<int>(step);
    ExpectOffsetsNeverDecreased(h);
    ExpectStateIsChangelog(h);
  }
}

// kill -9 at any step, with the disk there, gone, or gone for one lane.
TEST_F(ExactlyOnceTest, ACrashAtAnyStepChangesNothing) {
  const Outputs undisturbed = Undisturbed();
  std::mt19937_64 random(3);
  WorkerHarness h(2, Yaml());
  int crashes = 0;
  for (int done = 0; done < kMessages; done += 100) {
    Fill(h, done, done + 100);
    const auto step = static_cast<Step>(random() % 6);
    const Status dead{StatusCode::kInternal, "killed"};
    h.on_exactly_once = [&](FakeExactlyOnce& t) { t.FailAt(step, 1, dead); };
    h.Start(h.AllLanes());
    EXPECT_EQ(h.Join().code(), StatusCode::kInternal);
    ++crashes;
    if (random() % 3 == 0) h.disk.erase(h.Lane(0));
    if (random() % 3 == 0) h.disk.clear();
  }
  h.on_exactly_once = nullptr;
  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(crashes, kMessages / 100);
  EXPECT_EQ(ByLaneAndSink(h), undisturbed);
  ExpectOffsetsNeverDecreased(h);
  ExpectStateIsChangelog(h);
}

TEST_F(ExactlyOnceTest, StateFollowsItsPartitionToAnotherDisk) {
  WorkerHarness h(2, Yaml());
  for (int done = 0; done < kMessages; done += 300) {
    Fill(h, done, done + 300);
    ASSERT_TRUE(h.RunToEnd().ok());
    h.disk.clear();  // Another host.
  }

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed());
  EXPECT_EQ(h.log.metadata.size(), 2u);
}

TEST_F(ExactlyOnceTest, ALaneThatComesBackUntouchedIsResumedWithItsState) {
  WorkerHarness h(2, Yaml());
  h.Start(h.AllLanes());
  int answers = 1;
  for (int done = 0; done < kMessages; done += 300) {
    Fill(h, done, done + 300);
    h.member->Poke();
    ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
    h.member->RevokeNow();
    ++answers;
    ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == answers; }));
    // A lane that was opened again would find neither.
    h.disk.clear();
    h.member->AssignNow(h.AllLanes());
    ++answers;
    ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == answers; }));
  }
  ASSERT_TRUE(WaitUntil([&] { return h.worker->Reports().size() == 2; }));
  ASSERT_TRUE(h.Stop().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed());
}

TEST_F(ExactlyOnceTest, LostPartitionsCommitNothingAndAreDoneAgain) {
  WorkerHarness h(2, Yaml());
  h.job.commit.interval = std::chrono::hours(1);
  Fill(h, 0, kMessages);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil(
      [&] { return h.worker->Totals().messages.value() == kMessages; }));

  h.member->RevokeNow(/*lost=*/true);
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  EXPECT_THAT(h.AllWritten(), IsEmpty());
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(WaitUntil(
      [&] { return h.worker->Totals().messages.value() == 2 * kMessages; }));
  ASSERT_TRUE(h.Stop().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed());
}

// The generation moved on while the worker did not know: a zombie.
TEST_F(ExactlyOnceTest, AnOlderGenerationCommitsNothing) {
  WorkerHarness h(1, Yaml());
  h.job.commit.interval = std::chrono::hours(1);
  Fill(h, 0, 500);
  h.Start(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 500; }));
  {
    const std::lock_guard lock(h.log.mutex);
    ++h.log.generation;
  }

  h.member->RevokeNow();
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));

  EXPECT_THAT(h.AllWritten(), IsEmpty());
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 0);
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() == 1000; }));
  ASSERT_TRUE(h.Stop().ok());
  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(1, 500));
}

// A commit that hangs does not keep the worker from answering a revoke.
TEST_F(ExactlyOnceTest, ACommitThatHangsIsLeftToFinishByItself) {
  WorkerHarness h(1, ExactlyOnceYaml("revoke_timeout: 20ms\n"));
  Fill(h, 0, 500);
  std::latch hanging(1);
  std::latch release(1);
  std::atomic<bool> hang{true};
  h.on_exactly_once = [&](FakeExactlyOnce& t) {
    t.in_commit = [&] {
      if (!hang.exchange(false)) return;
      hanging.count_down();
      release.wait();
    };
  };
  h.Start(h.AllLanes());
  hanging.wait();

  h.member->RevokeNow();
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  // Its offsets are pending: a take-over has to wait for them.
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 3; }));
  release.count_down();
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  ASSERT_TRUE(h.Stop().ok());
  // A take-over that the stop cut short is made good.
  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(1, 500));
  ExpectOffsetsNeverDecreased(h);
  ExpectStateIsChangelog(h);
}

// The same, but what it commits comes to nothing: what was assigned meanwhile
// is opened all the same.
TEST_F(ExactlyOnceTest, ACommitThatFailsAfterARevokeKeepsNothingClosed) {
  for (const bool lost : {false, true}) {
    WorkerHarness h(1, ExactlyOnceYaml("revoke_timeout: 20ms\n"));
    Fill(h, 0, 500);
    std::latch hanging(1);
    std::latch release(1);
    std::atomic<bool> hang{true};
    h.on_exactly_once = [&](FakeExactlyOnce& t) {
      t.in_commit = [&] {
        if (!hang.exchange(false)) return;
        t.FailAt(Step::kCommit, 1, kAway);
        hanging.count_down();
        release.wait();
      };
    };
    h.Start(h.AllLanes());
    hanging.wait();

    h.member->RevokeNow(lost);
    ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
    h.member->AssignNow(h.AllLanes());
    ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 3; }));
    release.count_down();
    ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); })) << lost;
    ASSERT_TRUE(h.Stop().ok());
    EXPECT_EQ(ByLaneAndSink(h), Undisturbed(1, 500));
  }
}

// librdkafka may leave a revoke out; what the worker holds is then stale.
TEST_F(ExactlyOnceTest, AnAssignmentWithoutARevokeStartsOver) {
  WorkerHarness h(2, Yaml());
  Fill(h, 0, 1000);
  h.Start({h.Lane(0), h.Lane(1)});
  ASSERT_TRUE(
      WaitUntil([&] { return h.worker->Totals().messages.value() > 0; }));

  h.member->AssignNow({h.Lane(1)});
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 2; }));
  ASSERT_TRUE(WaitUntil([&] { return h.worker->Reports().size() == 1; }));
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  ASSERT_TRUE(h.Stop().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(2, 1000));
  ExpectOffsetsNeverDecreased(h);
}

// A broker would take offsets from nobody without any check.
TEST_F(ExactlyOnceTest, AnAssignmentThatCannotBeFencedIsNotTaken) {
  WorkerHarness h(2, Yaml());
  Fill(h, 0, 500);
  h.Start({});
  ASSERT_TRUE(WaitUntil([&] { return h.exactly_once != nullptr; }));
  ASSERT_TRUE(WaitUntil([&] { return h.member->started(); }));

  h.member->AssignToNobody(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.member->answered() == 1; }));
  EXPECT_EQ(h.worker->Totals().messages.value(), 0u);
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  ASSERT_TRUE(h.Stop().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(2, 500));
}

// A store that does not take what is committed, or does not give it back, is
// damaged: the changelog has everything.
TEST_F(ExactlyOnceTest, ADamagedStoreIsRestored) {
  WorkerHarness h(2, Yaml());
  h.Start(h.AllLanes());
  for (int done = 0; done < kMessages; done += 500) {
    // Not again and again without an epoch that comes through between. Before
    // there are messages, so that there is an epoch which meets it.
    h.store_faults.corrupt_applies = done % 1000 == 0 ? 1 : 0;
    Fill(h, done, done + 500);
    h.member->Poke();
    ASSERT_TRUE(WaitUntil([&] {
      return AllCommitted(h) && h.store_faults.corrupt_applies == 0;
    }));
  }
  (void)h.Stop().ok();
  h.store_faults.corrupt_scans = 2;
  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(h.store_faults.corrupt_scans, 0);
  EXPECT_EQ(ByLaneAndSink(h), Undisturbed());
  ExpectStateIsChangelog(h);
}

// As `offsets rebuild-changelog` leaves it: what the log held last, in a new
// log of the same name, which goes further than `end`.
void WriteAnew(FakeChangelogCluster& cluster, const FakeLogId& id, Offset end) {
  ChangelogChunk chunk;
  Offset position = 0;
  ASSERT_TRUE(cluster.Read(id, position, chunk, SIZE_MAX, SIZE_MAX).ok());
  std::map<std::string, std::optional<std::string>> rows;
  Marker meta;
  for (const auto& entry : chunk.entries()) {
    const std::string_view value = chunk.Value(entry);
    const auto record = ParseChangelogRecord(chunk.Key(entry), value);
    ASSERT_TRUE(record.ok());
    if (record->kind == ChangelogRecord::kMeta) {
      meta = *DecodeMarker(value);
    } else if (record->kind == ChangelogRecord::kPut) {
      rows[std::string(chunk.Key(entry))] = std::string(value);
    } else if (record->kind == ChangelogRecord::kTombstone) {
      rows.erase(std::string(chunk.Key(entry)));
    }
  }
  ASSERT_FALSE(rows.empty());
  cluster.Truncate(id, 0);
  const auto txn = cluster.Begin();
  meta.log_id = meta.log_id == 1 ? 2 : 1;
  std::vector<char> identity;
  AppendChangelogIdentity(identity, meta.log_id);
  cluster.Append(txn, id, ChangelogIdentityKey(),
                 std::string_view(identity.data(), identity.size()));
  for (const auto& [key, value] : rows) cluster.Append(txn, id, key, value);
  const auto& [key, value] = *rows.begin();
  while (cluster.Append(txn, id, key, value) < end + 2) {
  }
  std::vector<char> bytes;
  EncodeMetaRecord(meta, bytes);
  cluster.Append(txn, id, ChangelogMetaKey(),
                 std::string_view(bytes.data(), bytes.size()));
  cluster.Commit(txn);
}

// A host comes back whose copy is of the log that is gone: its offsets mean
// nothing in the new one.
TEST_F(ExactlyOnceTest, ACopyOfALogThatWasWrittenAnewIsNotItsBase) {
  WorkerHarness h(1, Yaml());
  const FakeLogId id{h.Lane(0), 0};
  Fill(h, 0, 500);
  ASSERT_TRUE(h.RunToEnd().ok());
  MemoryLaneStores::Disk away = std::exchange(h.disk, {});
  const Offset end = h.changelogs.Range(id).second;
  Fill(h, 500, 1000);
  ASSERT_TRUE(h.RunToEnd().ok());
  WriteAnew(h.changelogs, id, end);

  h.disk = away;
  Fill(h, 1000, 1500);
  ASSERT_TRUE(h.RunToEnd().ok());

  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(1, 1500));
}

TEST_F(ExactlyOnceTest, ALaneThatMustWaitHoldsUpNoOther) {
  WorkerHarness h(2, Yaml());
  Fill(h, 0, 500);
  ASSERT_TRUE(h.RunToEnd().ok());
  Fill(h, 500, 1000);
  const Offset before = h.log.Committed(h.Lane(0));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.unstable.insert(h.Lane(0));  // A dead owner's transaction.
  }
  h.Start(h.AllLanes());

  ASSERT_TRUE(WaitUntil(
      [&] { return h.log.Committed(h.Lane(1)) == h.log.End(h.Lane(1)); }));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), before);
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.unstable.erase(h.Lane(0));  // It has timed out.
  }
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  ASSERT_TRUE(h.Stop().ok());
  EXPECT_EQ(ByLaneAndSink(h), Undisturbed(2, 1000));
}

TEST_F(ExactlyOnceTest, AGroupWhoseChangelogIsGoneStopsWithTheRemedy) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 100);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.disk.clear();
  h.changelogs.Truncate({h.Lane(0), 0}, 0);

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("--state wipe"));
}

TEST_F(ExactlyOnceTest, LooksAtChangelogsAgainWhileNothingIsOpened) {
  WorkerHarness h(1, Yaml());
  WorkerOptions options;
  options.changelog_check = Millis(5);
  h.Start(h.AllLanes(), options);

  EXPECT_TRUE(WaitUntil([&] { return h.changelogs.rechecks > 1; }));

  EXPECT_TRUE(h.Stop().ok());
}

TEST_F(ExactlyOnceTest, StateThatTheChangelogHasLostStaysOnTheDisk) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 100);
  ASSERT_TRUE(h.RunToEnd().ok());
  const auto kept = h.disk.at(h.Lane(0));
  h.changelogs.Truncate({h.Lane(0), 0}, 0);

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("rebuild-changelog"));
  EXPECT_EQ(h.disk.at(h.Lane(0)), kept);
}

TEST_F(ExactlyOnceTest, AChangelogWithoutItsHeadStopsWithTheRemedy) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 100);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.disk.clear();
  h.changelogs.DropBefore({h.Lane(0), 0}, 1);

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("begins at offset 1"));
}

TEST_F(ExactlyOnceTest, AnOffsetThatAnotherToolMovedStopsWithTheRemedy) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 100);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.log.committed[h.Lane(0)] = 50;
  h.log.metadata[h.Lane(0)] = "";

  const Status status = h.RunToEnd();

  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("tacho offsets reset"));
}

TEST_F(ExactlyOnceTest, AWipedGenerationStartsWithEmptyState) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 500);
  ASSERT_TRUE(h.RunToEnd().ok());
  const Outputs once = ByLaneAndSink(h);
  h.log.committed[h.Lane(0)] = 0;
  h.log.metadata[h.Lane(0)] = Wiped(1);
  h.log.commit_history.clear();

  ASSERT_TRUE(h.RunToEnd().ok());

  ExpectTwice(h, once);
  EXPECT_GT(h.changelogs.Range({h.Lane(0), 1}).second, 0);
}

// What is on disk is checked before it is believed, and left as it is.
TEST_F(ExactlyOnceTest, StateOfOthersOnDiskIsRefusedAndKept) {
  const std::pair<void (*)(Marker&), const char*> cases[] = {
      {[](Marker& m) { m.lane.group = "eu"; }, "belongs to group eu, input in"},
      {[](Marker& m) { m.lane.tp.topic = "cars"; },
       "group harness, input cars"},
      {[](Marker& m) { m.lane.cluster_id = "C2"; }, "cluster C2)"},
      {[](Marker& m) { m.lane.job = "other"; }, "has state of job other"},
      // Nor does another generation make it ours to be put away.
      {[](Marker& m) { m.lane.group = "eu", m.lane.reset_generation = 7; },
       "group eu"},
  };
  for (const auto& [change, named] : cases) {
    WorkerHarness h(1, Yaml());
    Fill(h, 0, 100);
    ASSERT_TRUE(h.RunToEnd().ok());
    Marker marker = **h.disk[h.Lane(0)]->ReadMarker();
    change(marker);
    std::vector<std::string> tables;
    for (const auto& [name, _] : marker.lane.tables) tables.push_back(name);
    ASSERT_TRUE(h.disk[h.Lane(0)]->OpenTables(tables).ok());
    ASSERT_TRUE(h.disk[h.Lane(0)]->Apply({}, marker).ok());
    ASSERT_TRUE(h.disk[h.Lane(0)]->Close().ok());

    const Status status = h.RunToEnd();

    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(named));
    EXPECT_EQ(**h.disk[h.Lane(0)]->ReadMarker(), marker);
  }
}

TEST_F(ExactlyOnceTest, AGroupOfAnotherJobOrOf01IsRefused) {
  OffsetMetadata other;
  other.job = "other";
  for (const auto& [text, named] :
       {std::pair(FormatOffsetMetadata(other), "belongs to job other"),
        std::pair(std::string("tacho1;g=0;e=3;w=x"), "tacho 0.1 wrote"),
        std::pair(std::string("tacho1;g=0;start"), "tacho 0.1 wrote")}) {
    WorkerHarness h(1, Yaml());
    Fill(h, 0, 100);
    h.log.committed[h.Lane(0)] = 10;
    h.log.metadata[h.Lane(0)] = text;

    const Status status = h.RunToEnd();

    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(named));
    EXPECT_EQ(h.log.committed[h.Lane(0)], 10);
  }
}

// A wipe is not undone by copies of the old state that dead siblings left, on
// disk or damaged.
TEST_F(ExactlyOnceTest, AWipeIsNotUndoneByASiblingsCopy) {
  WorkerHarness h(1, Yaml());
  Fill(h, 0, 300);
  ASSERT_TRUE(h.RunToEnd().ok());
  h.siblings[h.Lane(0)].push_back(h.disk[h.Lane(0)]);
  h.disk.clear();
  Fill(h, 300, 500);
  ASSERT_TRUE(h.RunToEnd().ok());  // Adopts it.
  h.siblings[h.Lane(0)].push_back(h.disk[h.Lane(0)]);
  h.disk.clear();
  ASSERT_TRUE(h.RunToEnd().ok());  // Adopts it, and has nothing to do.
  const Outputs once = ByLaneAndSink(h);
  EXPECT_EQ(once, Undisturbed(1, 500));
  WorkerHarness other(1, Yaml());  // What a worker of another host had.
  Fill(other, 0, 500);
  ASSERT_TRUE(other.RunToEnd().ok());
  h.siblings[h.Lane(0)].push_back(other.disk[h.Lane(0)]);
  h.log.committed[h.Lane(0)] = 0;
  h.log.metadata[h.Lane(0)] = Wiped(1);

  ASSERT_TRUE(h.RunToEnd().ok());

  ExpectTwice(h, once);
}

// An offset that is gone does not bring a wiped generation back.
TEST_F(ExactlyOnceTest, AGroupWithoutOffsetsGoesOnInItsNewestGeneration) {
  for (const bool one_left : {false, true}) {
    WorkerHarness h(2, Yaml());
    Fill(h, 0, 500);
    ASSERT_TRUE(h.RunToEnd().ok());
    const Outputs once = ByLaneAndSink(h);
    for (const TopicPartition& tp : h.AllLanes()) {
      h.log.committed[tp] = 0;
      h.log.metadata[tp] = Wiped(1);
    }
    ASSERT_TRUE(h.RunToEnd().ok());
    const int64_t ends = h.changelogs.Range({h.Lane(0), 0}).second;

    h.log.committed.erase(h.Lane(0));
    h.log.metadata.erase(h.Lane(0));
    if (!one_left) {
      h.log.committed.clear();
      h.log.metadata.clear();
    }
    h.disk.clear();
    Fill(h, 500, 1000);
    ASSERT_TRUE(h.RunToEnd().ok());

    EXPECT_EQ(h.changelogs.Range({h.Lane(0), 0}).second, ends);
    Outputs expected = Undisturbed(2, 1000);
    for (auto& [key, values] : expected) {
      const auto first = once.find(key);
      if (first == once.end()) continue;
      values.insert(values.begin(), first->second.begin(), first->second.end());
    }
    EXPECT_EQ(ByLaneAndSink(h), expected) << one_left;
  }
}

}  // namespace
}  // namespace tacho
