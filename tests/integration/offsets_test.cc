// `tacho offsets` on a real broker, and the workers that go on after it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "state/changelog_name.h"
#include "tests/integration/worker_fixture.h"
#include "tests/support/outsider.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

struct Outcome {
  std::optional<int> code;
  std::string output;
};

class OffsetsTest : public WorkerOnKafka {
 protected:
  // `tacho offsets VERB JOB ...`.
  Outcome Offsets(const std::string& verb, const Arguments& extra = {}) {
    Arguments arguments = {"offsets", verb, job_path()};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    TachoProcess process(arguments,
                         Path("offsets-" + std::to_string(calls_++) + ".log"));
    const std::optional<int> code = process.WaitExit(seconds(60));
    return {code, process.Output()};
  }
  Outcome Reset(const std::string& to, const std::string& state,
                const Arguments& extra = {}) {
    Arguments arguments = {"--to", to, "--state", state};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    Outcome outcome = Offsets("reset", arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    return outcome;
  }

  // The text beside the committed offset of a partition.
  std::string Metadata(int32_t partition) {
    const auto committed = broker().CommittedOffsets(name(), name());
    EXPECT_TRUE(committed.ok());
    return committed->at(partition).metadata;
  }

  // How many outputs each partition of each topic holds.
  std::map<std::string, std::vector<size_t>> Sizes() {
    std::map<std::string, std::vector<size_t>> sizes;
    for (const std::string& topic : kOutputTopics) {
      for (const Log& log : Read(name() + "." + topic)) {
        sizes[topic].push_back(log.size());
      }
    }
    return sizes;
  }

  // What was written after `before` is what the model gives for the log, by
  // partition, from `from` on with empty state.
  void ExpectSince(const std::map<std::string, std::vector<size_t>>& before,
                   const std::vector<Offset>& from) {
    const std::vector<Log> input = Input();
    for (const std::string& topic : kOutputTopics) {
      const std::vector<Log> all = Read(name() + "." + topic);
      for (size_t p = 0; p < input.size(); ++p) {
        const Log since(
            all[p].begin() + static_cast<std::ptrdiff_t>(before.at(topic)[p]),
            all[p].end());
        const auto expected = ComputeExpected(input[p], name(), from[p], false);
        std::string why;
        EXPECT_EQ(CountRewinds(since, Of(expected, topic), why), 0)
            << topic << "-" << p << ": " << why;
      }
    }
  }

  bool Exists(const std::string& topic) {
    return broker().EndOffsets(topic).ok();
  }
  std::string Changelog(int generation) const {
    return ChangelogTopic(name(), name(), generation);
  }

 private:
  int calls_ = 0;
};

TEST_F(OffsetsTest, ShowSaysWhereEachPartitionStands) {
  Prepare("show", 2);
  Produce(Telemetry(600, 51));
  const Outcome fresh = Offsets("show");
  EXPECT_EQ(fresh.code, 0) << fresh.output;
  EXPECT_THAT(fresh.output, HasSubstr("changelog-g0 (missing)"));

  ASSERT_EQ(RunToEnd("host"), 0);
  const auto committed = Committed();
  Produce(Telemetry(100, 52));
  const Outcome shown = Offsets("show");

  EXPECT_EQ(shown.code, 0) << shown.output;
  EXPECT_THAT(shown.output, HasSubstr("group show of job show: Empty"));
  EXPECT_THAT(shown.output, HasSubstr(std::to_string(committed.at(0))));
  EXPECT_THAT(shown.output, HasSubstr("of worker "));
  EXPECT_THAT(shown.output, HasSubstr(Changelog(0) + " [0, "));
}

TEST_F(OffsetsTest, ADryRunChangesNothing) {
  Prepare("dry", 2);
  Produce(Telemetry(600, 53));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto committed = Committed();
  const std::string metadata = Metadata(0);

  const Outcome dry = Reset("earliest", "wipe", {"--dry-run"});

  EXPECT_THAT(dry.output, HasSubstr("create changelog " + Changelog(1)));
  EXPECT_THAT(dry.output, HasSubstr("nothing was changed"));
  EXPECT_EQ(Committed(), committed);
  EXPECT_EQ(Metadata(0), metadata);
  EXPECT_FALSE(Exists(Changelog(1)));
}

TEST_F(OffsetsTest, ALostChangelogIsWrittenAnewFromTheStateOfThisHost) {
  Prepare("rebuilt", 2);
  Produce(Telemetry(800, 61));
  ASSERT_EQ(RunToEnd("host"), 0);
  Produce(Telemetry(400, 62, 90));
  ASSERT_TRUE(DeleteTopic(broker().bootstrap(), Changelog(0)).ok());
  const auto committed = Committed();

  // 1. It stops, says what to do, and deletes nothing: twice the same.
  for (int run = 0; run < 2; ++run) {
    const auto worker = Start("host", {"--until-end"});
    ASSERT_EQ(worker->WaitExit(seconds(60)), 65) << worker->Output();
    EXPECT_THAT(worker->Output(), HasSubstr("offsets rebuild-changelog"));
  }
  EXPECT_EQ(Committed(), committed);

  // 2. On another host there is nothing to write it from.
  const Outcome elsewhere =
      Offsets("rebuild-changelog", {"--state-dir", Path("other")});
  EXPECT_EQ(elsewhere.code, 65) << elsewhere.output;
  EXPECT_THAT(elsewhere.output, HasSubstr("no copy on this host"));

  // 3. The advice is followed, as often as one likes.
  const Arguments here = {"--state-dir", Path("host")};
  Arguments dry = here;
  dry.push_back("--dry-run");
  const Outcome shown = Offsets("rebuild-changelog", dry);
  EXPECT_EQ(shown.code, 0) << shown.output;
  EXPECT_THAT(shown.output, HasSubstr("nothing was changed"));
  const Outcome rebuilt = Offsets("rebuild-changelog", here);
  EXPECT_EQ(rebuilt.code, 0) << rebuilt.output;
  EXPECT_THAT(rebuilt.output, HasSubstr("written: the changelog of rebuilt/1"));
  EXPECT_EQ(Committed(), committed);
  const Outcome again = Offsets("rebuild-changelog", here);
  EXPECT_EQ(again.code, 0) << again.output;
  EXPECT_THAT(again.output, Not(HasSubstr("written:")));
  EXPECT_THAT(again.output, HasSubstr("whole"));

  // 4. It goes on where it stood, here and from the changelog alone.
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
  Produce(Telemetry(400, 63, 60));
  ASSERT_EQ(RunToEnd("fresh"), 0);
  ExpectOutputs(/*closed=*/false);
}

TEST_F(OffsetsTest, AnUnchangedChangelogIsNotWrittenAnew) {
  Prepare("unlost", 2);
  Produce(Telemetry(400, 64));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto before = *broker().EndOffsets(Changelog(0));

  const Outcome outcome =
      Offsets("rebuild-changelog", {"--state-dir", Path("host")});

  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_EQ(*broker().EndOffsets(Changelog(0)), before);
}

TEST_F(OffsetsTest, AnActiveGroupIsRefusedAndItsMembersAreNamed) {
  Prepare("active", 1);
  Produce(Telemetry(300, 54));
  const auto worker = Start("host", {"--set", "group.instance_id=one"});
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  const auto committed = Committed();

  for (const char* state : {"keep", "wipe"}) {
    const Outcome refused =
        Offsets("reset", {"--to", "earliest", "--state", state});
    EXPECT_EQ(refused.code, 78) << refused.output;
    EXPECT_THAT(refused.output, HasSubstr("active members"));
    EXPECT_THAT(refused.output, HasSubstr("instance one"));
  }
  EXPECT_EQ(Committed(), committed);
  EXPECT_FALSE(Exists(Changelog(1)));
  EXPECT_THAT(Offsets("show").output, HasSubstr("  member "));
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->WaitExit(), 0);
}

TEST_F(OffsetsTest, WhatIsNotThereIsAnErrorOfTheConfiguration) {
  Prepare("wrong", 1);
  EXPECT_EQ(Offsets("show", {"--set", "input.topics=[no.such]"}).code, 78);
  EXPECT_EQ(
      Offsets("reset", {"--to", "1", "--state", "keep", "--partition", "1"})
          .code,
      78);
  EXPECT_EQ(Offsets("reset", {"--to", "soon", "--state", "keep"}).code, 64);
}

TEST_F(OffsetsTest, AWipeGivesTheResultsOfAnEmptyState) {
  Prepare("wipe", 2);
  Produce(Telemetry(1500, 55));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto before = Sizes();

  const Outcome wiped = Reset("earliest", "wipe");

  EXPECT_THAT(Committed(), ElementsAre(Pair(0, 0), Pair(1, 0)));
  EXPECT_EQ(Metadata(1), "tacho2;g=1;reset=wipe;j=" + name());
  EXPECT_TRUE(Exists(Changelog(1)));
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectSince(before, {0, 0});
  EXPECT_TRUE(AtEnd());
  EXPECT_THAT(Metadata(1), HasSubstr("g=1;e="));
  EXPECT_TRUE(Exists(Changelog(0)));  // Never deleted.

  // Once more, and on a host that has no state of any generation.
  const auto again = Sizes();
  const Offset to = 100;
  Reset(std::to_string(to), "wipe");
  ASSERT_EQ(RunToEnd("elsewhere"), 0);
  ExpectSince(again, {to, to});
  EXPECT_THAT(Metadata(0), HasSubstr("g=2;e="));
}

TEST_F(OffsetsTest, AWipeThatDiedHalfWayIsRunAgain) {
  Prepare("half", 1);
  Produce(Telemetry(800, 56));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto committed = Committed();
  const auto before = Sizes();
  ASSERT_EQ(setenv("TACHO_FAIL_POINT", "offsets.after_create:1", 1), 0);
  const Outcome killed =
      Offsets("reset", {"--to", "earliest", "--state", "wipe"});
  ASSERT_EQ(unsetenv("TACHO_FAIL_POINT"), 0);
  ASSERT_EQ(killed.code, 128 + SIGKILL) << killed.output;
  EXPECT_TRUE(Exists(Changelog(1)));
  EXPECT_EQ(Committed(), committed);

  // The group is as it was, and goes on.
  Produce(Telemetry(400, 57, 120));
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
  const auto gone_on = Sizes();
  EXPECT_NE(gone_on, before);

  const Outcome again = Reset("earliest", "wipe");
  EXPECT_THAT(again.output, HasSubstr("use changelog " + Changelog(1)));
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectSince(gone_on, {0});
}

TEST_F(OffsetsTest, APartOfATopicCanNotBeWiped) {
  Prepare("partly", 2);
  const Outcome refused = Offsets(
      "reset", {"--to", "earliest", "--state", "wipe", "--partition", "1"});
  EXPECT_EQ(refused.code, 78) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("whole topic"));
  EXPECT_FALSE(Exists(Changelog(1)));
}

// What was skipped never happened; the state goes on from where it was.
TEST_F(OffsetsTest, AKeepGoesOnWithTheState) {
  Prepare("keep", 1);
  Produce(Telemetry(800, 60));
  ASSERT_EQ(RunToEnd("host"), 0);
  const Offset end = Committed().at(0);
  Produce(Telemetry(300, 61));  // Skipped.
  Reset("latest", "keep");
  EXPECT_EQ(Committed().at(0), end + 300);
  EXPECT_EQ(Metadata(0), "tacho2;g=0;reset=keep;j=" + name());

  Produce(Telemetry(700, 62, 120));
  ASSERT_EQ(RunToEnd("elsewhere"), 0);

  EXPECT_TRUE(AtEnd());
  EXPECT_THAT(Metadata(0), HasSubstr("g=0;e="));
  EXPECT_FALSE(Exists(Changelog(1)));
  Log input = Input()[0];
  input.erase(input.begin() + end, input.begin() + end + 300);
  const auto expected = ComputeExpected(input, name(), 0, false);
  for (const std::string& topic : kOutputTopics) {
    std::string why;
    EXPECT_EQ(
        CountRewinds(Read(name() + "." + topic)[0], Of(expected, topic), why),
        0)
        << topic << ": " << why;
  }
}

// The state has closed the windows: what comes again is late, all of it that
// was counted before.
TEST_F(OffsetsTest, AKeepBackwardsMakesOldRecordsLate) {
  Prepare("back", 1);
  Produce(Telemetry(1000, 63));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto before = Sizes();

  Reset("0", "keep");
  ASSERT_EQ(RunToEnd("host"), 0);

  EXPECT_TRUE(AtEnd());
  const auto after = Sizes();
  EXPECT_GT(after.at("late")[0], before.at("late")[0] + 500);
  // Bad messages are bad again.
  EXPECT_EQ(after.at("rejects")[0], 2 * before.at("rejects")[0]);
}

TEST_F(OffsetsTest, PlacesOfEveryKind) {
  Prepare("places", 2);
  Produce(Telemetry(400, 64));
  ASSERT_TRUE(broker().DeleteRecords(name(), {{0, 5}, {1, 7}}).ok());
  const std::vector<Offset> ends = *broker().EndOffsets(name());

  // A group that does not exist yet gets its start.
  EXPECT_THAT(Reset("earliest", "keep").output, HasSubstr("moved 2 offsets"));
  EXPECT_THAT(Committed(), ElementsAre(Pair(0, 5), Pair(1, 7)));
  Reset("latest", "keep");
  EXPECT_THAT(Committed(), ElementsAre(Pair(0, ends[0]), Pair(1, ends[1])));
  EXPECT_THAT(Reset("6", "keep").output, HasSubstr("clamped"));
  EXPECT_THAT(Committed(), ElementsAre(Pair(0, 6), Pair(1, 7)));
  EXPECT_THAT(Reset("1999-01-01T00:00:00Z", "keep").output,
              Not(HasSubstr("no message")));
  EXPECT_THAT(Committed(), ElementsAre(Pair(0, 5), Pair(1, 7)));
  EXPECT_THAT(
      Reset("2999-01-01T01:00:00+01:00", "keep", {"--partition", "0"}).output,
      HasSubstr("no message of that time"));
  EXPECT_THAT(Committed(), ElementsAre(Pair(0, ends[0]), Pair(1, 7)));
}

TEST_F(OffsetsTest, ATimeIsTheFirstMessageThatIsNotBefore) {
  Prepare("by-time", 1);
  std::vector<KafkaRecord> records = Telemetry(100, 65);
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].timestamp_ms = 1769443200000 + static_cast<int64_t>(i) * 1000;
  }
  Produce(records);

  Reset("2026-01-26T16:00:41.5Z", "keep");

  EXPECT_THAT(Committed(), ElementsAre(Pair(0, 42)));
}

// State is local: the reset is obeyed by it, once.
TEST_F(OffsetsTest, AtLeastOnceObeysBothKinds) {
  Prepare("alo", 2);
  const Arguments alo = {"--set", "guarantee=at_least_once_local"};
  Produce(Telemetry(1000, 66));
  ASSERT_EQ(RunToEnd("host", alo), 0);
  auto before = Sizes();

  Reset("earliest", "wipe", alo);
  EXPECT_EQ(Metadata(0), "tacho2;g=1;reset=wipe;j=" + name());
  ASSERT_EQ(RunToEnd("host", alo), 0);
  ExpectSince(before, {0, 0});
  EXPECT_THAT(Metadata(0), HasSubstr("g=1;e="));
  EXPECT_FALSE(Exists(Changelog(1)));

  before = Sizes();
  Reset("earliest", "keep", alo);
  ASSERT_EQ(RunToEnd("host", alo), 0);
  EXPECT_THAT(Metadata(0), HasSubstr("g=2;e="));
  EXPECT_GT(Sizes().at("late")[0], before.at("late")[0] + 200);

  // A second look finds a state that has obeyed.
  Produce(Telemetry(200, 67, 30));
  const auto worker =
      Start("host", {"--until-end", "--set", "guarantee=at_least_once_local"});
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_EQ(worker->Events("stopped_lanes")[0]["messages"], 200);
}

}  // namespace
}  // namespace tacho
