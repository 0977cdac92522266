// That the broker fixture does what tests rely on.

#include "tests/support/real_broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/tacho_process.h"

namespace tacho {
namespace {

using RealBrokerTest = BrokerTest;

std::vector<KafkaRecord> Numbered(int count) {
  std::vector<KafkaRecord> records;
  for (int i = 0; i < count; ++i) {
    KafkaRecord record;
    record.key = "key " + std::to_string(i % 17);
    record.value = std::to_string(i);
    record.timestamp_ms = 1700000000000 + i;
    record.headers = {{"n", std::to_string(i)}, {"empty", ""}};
    records.push_back(record);
  }
  return records;
}

// Every number once, in order within each partition, with all that came along.
void ExpectNumbered(const std::vector<KafkaRecord>& records, int count) {
  std::set<int> seen;
  std::map<int32_t, int> last;
  for (const KafkaRecord& record : records) {
    const int n = std::stoi(*record.value);
    EXPECT_EQ(record.key, "key " + std::to_string(n % 17));
    EXPECT_EQ(record.timestamp_ms, 1700000000000 + n);
    ASSERT_EQ(record.headers.size(), 2u);
    EXPECT_EQ(record.headers[0].second, std::to_string(n));
    EXPECT_TRUE(seen.insert(n).second) << n << " twice";
    EXPECT_LE(last.try_emplace(record.partition, n).first->second, n);
    last[record.partition] = n;
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(count));
  EXPECT_GT(last.size(), 1u);
}

TEST_F(RealBrokerTest, KeepsAThousandMessagesOverStopAndKill) {
  ASSERT_TRUE(broker().CreateTopic("restart", 4).ok());
  const Status produced = broker().Produce("restart", Numbered(1000));
  ASSERT_TRUE(produced.ok()) << produced.ToString();
  ExpectNumbered(*broker().ConsumeAll("restart", Isolation::kUncommitted),
                 1000);
  const std::string bootstrap = broker().bootstrap();

  ASSERT_TRUE(broker().Stop().ok());
  const Status restarted = broker().Restart();
  ASSERT_TRUE(restarted.ok()) << restarted.ToString();

  EXPECT_EQ(broker().bootstrap(), bootstrap);
  ExpectNumbered(*broker().ConsumeAll("restart", Isolation::kCommitted), 1000);

  broker().Kill();
  ASSERT_TRUE(broker().Restart().ok());

  // It says so before it leads its partitions again.
  Result<std::vector<Offset>> ends = broker().EndOffsets("restart");
  EXPECT_TRUE(Eventually([&] {
    if (!ends.ok()) ends = broker().EndOffsets("restart");
    return ends.ok();
  })) << ends.status().ToString();
  ASSERT_TRUE(ends.ok());
  EXPECT_EQ((*ends)[0] + (*ends)[1] + (*ends)[2] + (*ends)[3], 1000);
}

TEST_F(RealBrokerTest, TellsCommittedFromAborted) {
  ASSERT_TRUE(broker().CreateTopic("isolation", 1).ok());
  KafkaRecord kept;
  kept.value = "kept";
  KafkaRecord dropped;
  dropped.value = "dropped";
  ASSERT_TRUE(
      broker().Produce("isolation", {dropped}, TransactionEnd::kAbort).ok());
  ASSERT_TRUE(
      broker().Produce("isolation", {kept}, TransactionEnd::kCommit).ok());

  const auto committed =
      broker().ConsumeAll("isolation", Isolation::kCommitted);
  const auto all = broker().ConsumeAll("isolation", Isolation::kUncommitted);

  ASSERT_TRUE(committed.ok() && all.ok());
  ASSERT_EQ(committed->size(), 1u);
  EXPECT_EQ((*committed)[0].value, "kept");
  EXPECT_FALSE((*committed)[0].key.has_value());
  EXPECT_EQ(all->size(), 2u);
}

TEST_F(RealBrokerTest, AddsPartitionsAndRefusesWhatIsNotThere) {
  ASSERT_TRUE(broker().CreateTopic("grows", 1).ok());
  EXPECT_FALSE(broker().CreateTopic("grows", 1).ok());
  EXPECT_FALSE(broker().CreateTopic("bad config", 1).ok());

  ASSERT_TRUE(broker().AddPartitions("grows", 3).ok());

  EXPECT_EQ(broker().EndOffsets("grows")->size(), 3u);
  EXPECT_FALSE(broker().EndOffsets("never created").ok());
  EXPECT_TRUE(broker().CommittedOffsets("nobody", "grows")->empty());
}

}  // namespace
}  // namespace tacho
