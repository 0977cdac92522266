// What the brokers know, over the embedded broker.

#include "pipeline/consume/kafka_partition_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "pipeline/demo/embedded_broker.h"
#include "pipeline/demo/kafka_feed.h"

namespace tacho {
namespace {

constexpr char kTopic[] = "in";
const TopicPartition kLane{kTopic, 0};

class KafkaPartitionLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto broker = EmbeddedBroker::Start();
    ASSERT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    ASSERT_TRUE(broker_->CreateTopic(kTopic, 2).ok());
  }

  std::unique_ptr<PartitionLog> Open() {
    auto log = MakeKafkaPartitionLog(
        {{{"bootstrap.servers", broker_->bootstrap()}}, "g", {kTopic}});
    EXPECT_TRUE(log.ok()) << log.status().ToString();
    return std::move(*log);
  }

  std::unique_ptr<EmbeddedBroker> broker_;
};

TEST_F(KafkaPartitionLogTest, TopicsAndLogsAreAskedOfTheBroker) {
  auto feed =
      KafkaFeed::Open({{"bootstrap.servers", broker_->bootstrap()}}, kTopic);
  ASSERT_TRUE(feed.ok());
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE((*feed)->Send("k", std::to_string(i)).ok());
  }
  ASSERT_TRUE((*feed)->Flush(Millis(10000)).ok());
  const auto log = Open();

  const auto counts = log->PartitionCounts(Millis(5000));
  const auto id = log->ClusterId(Millis(5000));
  ASSERT_TRUE(counts.ok()) << counts.status().ToString();
  EXPECT_EQ(counts->at(kTopic), 2);
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_NE(*id, "");
  Offset messages = 0;
  for (int32_t p = 0; p < 2; ++p) {
    const auto range = log->LogRange({kTopic, p}, Millis(5000));
    ASSERT_TRUE(range.ok()) << range.status().ToString();
    EXPECT_EQ(range->first, 0);
    messages += range->second;
    const auto end = log->End({kTopic, p}, Millis(5000));
    ASSERT_TRUE(end.ok()) << end.status().ToString();
    EXPECT_EQ(end->last_stable, range->second);
    EXPECT_EQ(end->high_watermark, range->second);
  }
  EXPECT_EQ(messages, 25);
}

TEST_F(KafkaPartitionLogTest, AGroupThatHasCommittedNothingHasNoOffset) {
  const auto log = Open();

  const auto offsets = log->Committed({kLane, {kTopic, 1}}, Millis(5000));

  ASSERT_TRUE(offsets.ok()) << offsets.status().ToString();
  EXPECT_THAT(*offsets, ::testing::ElementsAre(PartitionOffset{kLane},
                                               PartitionOffset{{kTopic, 1}}));
}

// State that belongs to no cluster could be taken for another's.
TEST(KafkaPartitionLogAloneTest, AClusterThatNobodyNamesIsAnError) {
  const auto log =
      MakeKafkaPartitionLog({{{"bootstrap.servers", "127.0.0.1:1"}}, "g", {}});
  ASSERT_TRUE(log.ok()) << log.status().ToString();

  const Result<std::string> id = (*log)->ClusterId(Millis(50));

  EXPECT_EQ(id.status().code(), StatusCode::kUnavailable)
      << (id.ok() ? "the id is '" + *id + "'" : id.status().ToString());
  EXPECT_TRUE(id.status().retryable());
}

}  // namespace
}  // namespace tacho
