// The changelogs of a job on a real broker: how topics are made and judged,
// and what a reader makes of transactions, ends and gaps.

#include "pipeline/restore/kafka_changelog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/kafka/kafka_admin.h"
#include "tests/support/open_transaction.h"
#include "tests/support/outsider.h"
#include "tests/support/real_broker.h"
#include "tests/support/tacho_process.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Millis kTimeout{20000};
constexpr size_t kAll = SIZE_MAX;

// What a reader has given so far: offset, key, value; null as "(null)".
using Seen = std::vector<std::tuple<Offset, std::string, std::string>>;

class KafkaChangelogTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) log_ = Make();
  }

  std::unique_ptr<Changelog> Make(size_t queue_bytes = size_t{64} << 20,
                                  bool grows = false) {
    KafkaChangelogOptions options;
    options.properties = {{"bootstrap.servers", broker().bootstrap()}};
    options.group = "job";
    options.fetch = FetchLimitsFor(queue_bytes, 1);
    options.grows = grows;
    auto made = MakeKafkaChangelog(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return *std::move(made);
  }

  // The topic of input `name`, made outside.
  std::string Create(const std::string& name, int partitions,
                     const std::map<std::string, std::string>& config) {
    const std::string topic = ChangelogTopic("job", name, 0);
    const Status created = broker().CreateTopic(topic, partitions, config);
    EXPECT_TRUE(created.ok()) << created.ToString();
    return topic;
  }
  // A fit one; the name of the topic.
  std::string Prepare(const std::string& name, int partitions = 1) {
    const Status prepared = log_->Prepare(name, partitions, 0, kTimeout);
    EXPECT_TRUE(prepared.ok()) << prepared.ToString();
    return ChangelogTopic("job", name, 0);
  }

  static KafkaRecord Record(const std::string& key,
                            std::optional<std::string> value,
                            int32_t partition = 0) {
    KafkaRecord record;
    record.key = key;
    record.value = std::move(value);
    record.partition = partition;
    return record;
  }
  void Produce(const std::string& topic,
               const std::vector<KafkaRecord>& records,
               TransactionEnd transaction) {
    const Status produced = broker().Produce(topic, records, transaction);
    ASSERT_TRUE(produced.ok()) << produced.ToString();
  }

  std::unique_ptr<ChangelogReader> Open(const std::string& name, Offset from,
                                        int32_t partition = 0) {
    auto reader = log_->Open({name, partition}, 0, from);
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    return *std::move(reader);
  }
  // True if the position gets there; `seen` gets what comes.
  static bool ReadTo(ChangelogReader& reader, Offset end, Seen& seen,
                     Millis timeout = kTimeout) {
    ChangelogChunk chunk;
    return Eventually(
        [&] {
          const Status status = reader.Read(chunk, kAll);
          EXPECT_TRUE(status.ok()) << status.ToString();
          for (const auto& e : chunk.entries()) {
            const bool null = chunk.Value(e).data() == nullptr;
            seen.emplace_back(e.offset, chunk.Key(e),
                              null ? "(null)" : chunk.Value(e));
          }
          chunk.Clear();
          return reader.position() >= end || !status.ok();
        },
        timeout);
  }

  std::unique_ptr<Changelog> log_;
};

TEST_F(KafkaChangelogTest, AMissingTopicIsMadeWithItsSettings) {
  const std::string topic = Prepare("cl-made", 3);

  EXPECT_EQ(topic, "job-cl_2Dmade-changelog-g0");
  auto admin = *KafkaAdmin::Open({{"bootstrap.servers", broker().bootstrap()}});
  EXPECT_EQ(*admin->PartitionCount(topic, kTimeout), 3);
  auto config = *admin->TopicConfig(topic, kTimeout);
  for (const auto& [name, value] : ChangelogTopicConfig()) {
    EXPECT_EQ(config[name], value) << name;
  }
  EXPECT_EQ(log_->delete_retention("cl-made", 0), std::chrono::hours(24));
  // Another worker finds it.
  EXPECT_TRUE(Make()->Prepare("cl-made", 3, 0, kTimeout).ok());
  EXPECT_EQ(*log_->Range({"cl-made", 2}, 0, kTimeout),
            (std::pair<Offset, Offset>(0, 0)));
}

TEST_F(KafkaChangelogTest, EachGenerationIsATopicOfItsOwn) {
  ASSERT_TRUE(log_->Prepare("cl-generation", 1, 0, kTimeout).ok());
  ASSERT_TRUE(log_->Prepare("cl-generation", 2, 7, kTimeout).ok());

  EXPECT_EQ(broker().EndOffsets("job-cl_2Dgeneration-changelog-g0")->size(),
            1u);
  EXPECT_EQ(broker().EndOffsets("job-cl_2Dgeneration-changelog-g7")->size(),
            2u);
}

TEST_F(KafkaChangelogTest, ATopicThatLosesStateIsRefusedWithTheCommand) {
  const std::string alter = "kafka-configs.sh --bootstrap-server " +
                            broker().bootstrap() +
                            " --alter --entity-type topics --entity-name ";
  struct Case {
    std::string name;
    std::map<std::string, std::string> config;
    std::string what;
    std::string add;
  };
  const Case cases[] = {
      {"cl-delete", {}, "cleanup.policy is delete", "cleanup.policy=compact"},
      {"cl-both",
       {{"cleanup.policy", "compact,delete"}},
       "cleanup.policy is compact,delete",
       "cleanup.policy=compact"},
      {"cl-short",
       {{"cleanup.policy", "compact"}, {"delete.retention.ms", "3600000"}},
       "delete.retention.ms is 3600000",
       "delete.retention.ms=86400000"}};
  for (const Case& c : cases) {
    const std::string topic = Create(c.name, 1, c.config);

    const Status refused = log_->Prepare(c.name, 1, 0, kTimeout);

    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << c.name;
    EXPECT_FALSE(refused.retryable());
    EXPECT_THAT(refused.message(), HasSubstr(topic));
    EXPECT_THAT(refused.message(), HasSubstr(c.what));
    EXPECT_THAT(refused.message(),
                HasSubstr(alter + topic + " --add-config " + c.add));
  }
}

TEST_F(KafkaChangelogTest, AWrongPartitionCountAsksForANewGeneration) {
  Create("cl-count", 2, ChangelogTopicConfig());

  const Status refused = log_->Prepare("cl-count", 3, 0, kTimeout);

  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("it has 2 partitions"));
  EXPECT_THAT(refused.message(), HasSubstr("tacho offsets reset"));
  EXPECT_THAT(refused.message(), HasSubstr("--state wipe"));
  EXPECT_THAT(refused.message(), HasSubstr("partitions_added: continue"));
  EXPECT_TRUE(log_->Prepare("cl-count", 2, 0, kTimeout).ok());
}

TEST_F(KafkaChangelogTest, ATopicGrowsWithItsInputWhereThatIsAccepted) {
  Prepare("cl-grows", 2);
  const auto growing = Make(size_t{64} << 20, /*grows=*/true);

  for (int i = 0; i < 2; ++i) {
    const Status grown = growing->Prepare("cl-grows", 5, 0, kTimeout);
    EXPECT_TRUE(grown.ok()) << grown.ToString();
  }

  Result<std::pair<Offset, Offset>> range = std::pair<Offset, Offset>(-1, -1);
  EXPECT_TRUE(Eventually([&] {
    range = growing->Range({"cl-grows", 4}, 0, kTimeout);
    EXPECT_TRUE(range.ok() || range.status().retryable());
    return range.ok() && growing->Prepare("cl-grows", 5, 0, kTimeout).ok();
  })) << range.status().ToString();
  EXPECT_EQ(*range, (std::pair<Offset, Offset>(0, 0)));
  // Never smaller.
  EXPECT_FALSE(growing->Prepare("cl-grows", 3, 0, kTimeout).ok());
}

TEST_F(KafkaChangelogTest, ATopicThatIsGoneIsLookedForAgain) {
  const std::string topic = Prepare("cl-gone");
  ASSERT_TRUE(DeleteTopic(broker().bootstrap(), topic).ok());

  const Status gone = log_->Range({"cl-gone", 0}, 0, kTimeout).status();

  EXPECT_TRUE(gone.retryable()) << gone.ToString();
  EXPECT_TRUE(log_->Prepare("cl-gone", 1, 0, kTimeout).ok());
}

TEST_F(KafkaChangelogTest, RangeTellsStartAndEndOfWhatIsThere) {
  // Compacted topics refuse DeleteRecords.
  const std::string topic = Create("cl-range", 1, {});
  Produce(topic, {Record("a", "1"), Record("b", "2"), Record("c", "3")},
          TransactionEnd::kNone);
  ASSERT_TRUE(broker().DeleteRecords(topic, {{0, 2}}).ok());

  EXPECT_EQ(*log_->Range({"cl-range", 0}, 0, kTimeout),
            (std::pair<Offset, Offset>(2, 3)));
  // Of an open transaction as well.
  const auto open =
      *OpenTransaction::Begin(broker().bootstrap(), "cl-range-txn");
  ASSERT_TRUE(open->Produce(topic, {Record("d", "4")}).ok());
  EXPECT_EQ(*log_->Range({"cl-range", 0}, 0, kTimeout),
            (std::pair<Offset, Offset>(2, 4)));
  ASSERT_TRUE(open->Abort().ok());
  // One broker's word: it is no input that is missing.
  const Status nowhere = log_->Range({"cl-nowhere", 0}, 0, kTimeout).status();
  EXPECT_EQ(nowhere.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(nowhere.retryable());
}

TEST_F(KafkaChangelogTest, ReadsPastControlRecordsAndAbortedTransactions) {
  const std::string topic = Prepare("cl-aborted");
  Produce(topic, {Record("a", "1"), Record("b", "")}, TransactionEnd::kCommit);
  Produce(topic, {Record("a", "never")}, TransactionEnd::kAbort);
  Produce(topic, {Record("b", std::nullopt)}, TransactionEnd::kCommit);
  // Ends with what no reader is given.
  Produce(topic, {Record("c", "never")}, TransactionEnd::kAbort);
  const Offset end = 9;  // 5 records, 4 control records.
  ASSERT_TRUE(Eventually([&] {
    return log_->Range({"cl-aborted", 0}, 0, kTimeout)->second == end;
  }));
  Seen seen;

  ASSERT_TRUE(ReadTo(*Open("cl-aborted", 0), end, seen));

  EXPECT_THAT(seen, ElementsAre(std::tuple(0, "a", "1"), std::tuple(1, "b", ""),
                                std::tuple(5, "b", "(null)")));
  seen.clear();
  ASSERT_TRUE(ReadTo(*Open("cl-aborted", 2), end, seen));
  EXPECT_THAT(seen, ElementsAre(std::tuple(5, "b", "(null)")));
  seen.clear();
  ASSERT_TRUE(ReadTo(*Open("cl-aborted", end), end, seen));
  EXPECT_THAT(seen, IsEmpty());
}

TEST_F(KafkaChangelogTest, WaitsBeforeAnOpenTransactionAndGoesOnAfterIt) {
  const std::string topic = Prepare("cl-open");
  Produce(topic, {Record("a", "1")}, TransactionEnd::kCommit);
  const auto open =
      *OpenTransaction::Begin(broker().bootstrap(), "cl-open-txn");
  ASSERT_TRUE(open->Produce(topic, {Record("a", "2")}).ok());
  Produce(topic, {Record("b", "behind it")}, TransactionEnd::kNone);
  const Offset end = log_->Range({"cl-open", 0}, 0, kTimeout)->second;
  ASSERT_EQ(end, 4);
  const auto reader = Open("cl-open", 0);
  Seen seen;
  ASSERT_TRUE(ReadTo(*reader, 2, seen));

  EXPECT_FALSE(ReadTo(*reader, end, seen, Millis(500)));

  EXPECT_EQ(reader->position(), 2);
  EXPECT_THAT(seen, SizeIs(1));
  ASSERT_TRUE(open->Commit().ok());
  EXPECT_TRUE(ReadTo(*reader, end, seen));
  EXPECT_THAT(seen,
              ElementsAre(std::tuple(0, "a", "1"), std::tuple(2, "a", "2"),
                          std::tuple(3, "b", "behind it")));
}

TEST_F(KafkaChangelogTest, AnOffsetThatTheLogHasLostIsCorruption) {
  const std::string topic = Create("cl-lost", 1, {});
  Produce(topic, {Record("a", "1"), Record("b", "2"), Record("c", "3")},
          TransactionEnd::kNone);
  ASSERT_TRUE(broker().DeleteRecords(topic, {{0, 2}}).ok());
  for (const Offset from : {Offset{0}, Offset{1}, Offset{100}}) {
    const auto reader = Open("cl-lost", from);
    ChangelogChunk chunk;
    Status status;

    EXPECT_TRUE(Eventually([&] {
      status = reader->Read(chunk, kAll);
      return !status.ok();
    })) << from;

    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
    EXPECT_THAT(status.message(),
                HasSubstr("no longer has offset " + std::to_string(from)));
    EXPECT_TRUE(chunk.empty());
  }
}

TEST_F(KafkaChangelogTest, ManyPartitionsAreReadSideBySide) {
  constexpr int kPartitions = 32;
  const std::string topic = Prepare("cl-many", kPartitions);
  std::vector<KafkaRecord> records;
  for (int i = 0; i < 3200; ++i) {
    records.push_back(
        Record(std::to_string(i), std::to_string(i), i % kPartitions));
  }
  Produce(topic, records, TransactionEnd::kNone);
  std::vector<std::unique_ptr<ChangelogReader>> readers;
  std::vector<Seen> seen(kPartitions);
  for (int p = 0; p < kPartitions; ++p) {
    readers.push_back(Open("cl-many", 0, p));
  }
  // One that goes in the middle does not disturb the others.
  readers[5].reset();

  for (int p = 0; p < kPartitions; ++p) {
    const auto at = static_cast<size_t>(p);
    if (readers[at] == nullptr) readers[at] = Open("cl-many", 90, p);
    ASSERT_TRUE(ReadTo(*readers[at], 100, seen[at])) << p;
    EXPECT_THAT(seen[at], SizeIs(p == 5 ? 10 : 100));
    for (const auto& [offset, key, value] : seen[at]) {
      EXPECT_EQ(key, std::to_string(offset * kPartitions + p));
    }
  }
}

size_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    size_t kb = 0;
    if (word == "VmRSS:" && status >> kb) return kb * 1024;
  }
  return 0;
}

TEST_F(KafkaChangelogTest, ALargeOneIsReadInBoundedMemory) {
  constexpr int kRecords = 200000;
  constexpr size_t kChunk = 64 << 10;
  const std::string topic = Prepare("cl-large");
  {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < kRecords; ++i) {
      records.push_back(Record(std::to_string(i), std::string(400, 'x')));
    }
    Produce(topic, records, TransactionEnd::kNone);
  }
  log_ = Make(size_t{8} << 20);
  const auto reader = Open("cl-large", 0);
  const size_t before = ResidentBytes();
  size_t most = 0;
  Offset next = 0;
  ChangelogChunk chunk;

  ASSERT_TRUE(Eventually([&] {
    const Status status = reader->Read(chunk, kChunk);
    EXPECT_TRUE(status.ok()) << status.ToString();
    while (!chunk.empty()) {
      EXPECT_LT(chunk.used_bytes(), kChunk + 1000);
      for (const auto& e : chunk.entries()) {
        if (e.offset != next++) return true;
      }
      chunk.Clear();
      most = std::max(most, ResidentBytes());
      EXPECT_TRUE(reader->Read(chunk, kChunk).ok());
    }
    return reader->position() == kRecords;
  }));

  EXPECT_EQ(next, kRecords);
  // 80 MB of values, and nearly as much again as messages of librdkafka.
  EXPECT_LT(most, before + (size_t{32} << 20));
}

TEST_F(KafkaChangelogTest, SeesWhatWasChangedUnderIt) {
  const std::string topic = Prepare("changed");
  auto faults = log_->Recheck(kTimeout);
  ASSERT_TRUE(faults.ok()) << faults.status().ToString();
  EXPECT_THAT(*faults, IsEmpty());

  ASSERT_TRUE(
      AlterTopic(broker().bootstrap(), topic, {{"cleanup.policy", "delete"}})
          .ok());

  faults = log_->Recheck(kTimeout);
  ASSERT_TRUE(faults.ok()) << faults.status().ToString();
  ASSERT_THAT(*faults, SizeIs(1));
  EXPECT_THAT(faults->front().message(), HasSubstr("cleanup.policy=compact"));
  EXPECT_THAT(faults->front().message(), HasSubstr(topic));
}

// What take-over rests on: a log that begins after 0 has lost records.
TEST_F(KafkaChangelogTest, CompactionDoesNotMoveTheStart) {
  const std::string topic = Create("cl-compacted", 1,
                                   {{"cleanup.policy", "compact"},
                                    {"segment.ms", "100"},
                                    {"min.cleanable.dirty.ratio", "0.01"},
                                    {"max.compaction.lag.ms", "100"}});
  const auto records = [&] {
    return broker().ConsumeAll(topic, Isolation::kCommitted)->size();
  };
  size_t written = 0;
  const bool compacted = Eventually(
      [&] {
        Produce(topic, {Record("a", "1"), Record("b", "2")},
                TransactionEnd::kNone);
        written += 2;
        return records() < written;
      },
      std::chrono::seconds(90));

  EXPECT_TRUE(compacted);
  EXPECT_EQ(log_->Range({"cl-compacted", 0}, 0, kTimeout)->first, 0);
  EXPECT_EQ(log_->Range({"cl-compacted", 0}, 0, kTimeout)->second,
            static_cast<Offset>(written));
}

}  // namespace
}  // namespace tacho
