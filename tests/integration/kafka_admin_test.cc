// The admin calls against a real broker.

#include "pipeline/kafka/kafka_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/plain_member.h"
#include "tests/support/real_broker.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Millis kTimeout{20000};

class KafkaAdminTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    admin_ = Open(broker().bootstrap());
  }

  static std::unique_ptr<KafkaAdmin> Open(const std::string& bootstrap) {
    auto admin = KafkaAdmin::Open({{"bootstrap.servers", bootstrap}});
    EXPECT_TRUE(admin.ok()) << admin.status().ToString();
    return std::move(admin).value();
  }

  void ProduceAt(const std::string& topic, const std::vector<int64_t>& times,
                 TransactionEnd transaction = TransactionEnd::kNone) {
    std::vector<KafkaRecord> records;
    for (const int64_t time : times) {
      records.emplace_back();
      records.back().value = "v";
      records.back().partition = 0;
      records.back().timestamp_ms = time;
    }
    const Status produced = broker().Produce(topic, records, transaction);
    ASSERT_TRUE(produced.ok()) << produced.ToString();
  }

  std::unique_ptr<KafkaAdmin> admin_;
};

TEST_F(KafkaAdminTest, ClusterIdIsTheSameForEveryHandle) {
  const Result<std::string> id = admin_->ClusterId(kTimeout);

  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_FALSE(id->empty());
  EXPECT_EQ(*Open(broker().bootstrap())->ClusterId(kTimeout), *id);
}

TEST_F(KafkaAdminTest, CreatesATopicWithItsSettings) {
  const Status created = admin_->CreateTopic(
      "admin-created", 3,
      {{"cleanup.policy", "compact"}, {"delete.retention.ms", "90000000"}},
      kTimeout);

  ASSERT_TRUE(created.ok()) << created.ToString();
  EXPECT_EQ(*admin_->PartitionCount("admin-created", kTimeout), 3);
  auto config = admin_->TopicConfig("admin-created", kTimeout);
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ((*config)["cleanup.policy"], "compact");
  EXPECT_EQ((*config)["delete.retention.ms"], "90000000");
  // The cluster's defaults are among them.
  EXPECT_EQ((*config)["max.message.bytes"], "1048588");
}

TEST_F(KafkaAdminTest, AddsPartitionsOnce) {
  ASSERT_TRUE(admin_->CreateTopic("admin-grown", 2, {}, kTimeout).ok());

  for (int i = 0; i < 2; ++i) {  // The second finds them there.
    const Status grown = admin_->CreatePartitions("admin-grown", 5, kTimeout);
    ASSERT_TRUE(grown.ok()) << grown.ToString();
    EXPECT_EQ(*admin_->PartitionCount("admin-grown", kTimeout), 5);
  }
  EXPECT_EQ(admin_->CreatePartitions("admin-nowhere", 5, kTimeout).code(),
            StatusCode::kNotFound);
}

TEST_F(KafkaAdminTest, NamesTheTopicsThatThereAre) {
  ASSERT_TRUE(admin_->CreateTopic("admin-named", 1, {}, kTimeout).ok());

  const auto topics = admin_->Topics(kTimeout);

  ASSERT_TRUE(topics.ok()) << topics.status().ToString();
  EXPECT_THAT(*topics, ::testing::Contains("admin-named"));
}

TEST_F(KafkaAdminTest, ATopicThatIsThereIsLeftAsItIs) {
  ASSERT_TRUE(admin_->CreateTopic("admin-there", 2, {}, kTimeout).ok());

  const Status again = admin_->CreateTopic(
      "admin-there", 5, {{"cleanup.policy", "compact"}}, kTimeout);

  EXPECT_TRUE(again.ok()) << again.ToString();
  EXPECT_EQ(*admin_->PartitionCount("admin-there", kTimeout), 2);
  EXPECT_EQ((*admin_->TopicConfig("admin-there", kTimeout))["cleanup.policy"],
            "delete");
}

TEST_F(KafkaAdminTest, AnImpossibleSettingIsNotWorthARetry) {
  const Status refused = admin_->CreateTopic(
      "admin-bad", 1, {{"cleanup.policy", "hoard"}}, kTimeout);

  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(refused.retryable());
  EXPECT_THAT(refused.message(), HasSubstr("admin-bad"));
  EXPECT_THAT(refused.message(), HasSubstr("hoard"));
}

TEST_F(KafkaAdminTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(admin_->PartitionCount("admin-none", kTimeout).status().code(),
            StatusCode::kNotFound);
  const auto config = admin_->TopicConfig("admin-none", kTimeout);
  EXPECT_EQ(config.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(config.status().message(), HasSubstr("admin-none"));
  EXPECT_EQ(admin_->LogRange({"admin-none", 0}, kTimeout).status().code(),
            StatusCode::kNotFound);
}

TEST_F(KafkaAdminTest, LogRangeCountsWhatIsNotCommitted) {
  ASSERT_TRUE(broker().CreateTopic("admin-range", 1).ok());
  ProduceAt("admin-range", {1000, 2000, 3000});
  ProduceAt("admin-range", {4000}, TransactionEnd::kAbort);
  ASSERT_TRUE(broker().DeleteRecords("admin-range", {{0, 1}}).ok());

  const auto range = admin_->LogRange({"admin-range", 0}, kTimeout);

  ASSERT_TRUE(range.ok()) << range.status().ToString();
  EXPECT_EQ(range->first, 1);
  // The aborted message is in it; its marker may take a moment.
  EXPECT_GE(range->second, 4);
}

TEST_F(KafkaAdminTest, OffsetForTimeIsTheFirstThatIsNotBefore) {
  ASSERT_TRUE(broker().CreateTopic("admin-time", 1).ok());
  const int64_t base = 1700000000000;
  ProduceAt("admin-time", {base, base + 1000, base + 2000});
  const auto at = [&](int64_t ms) {
    return *admin_->OffsetForTime({"admin-time", 0}, FromEpochMillis(ms),
                                  kTimeout);
  };

  EXPECT_EQ(at(base - 5), 0);
  EXPECT_EQ(at(base + 1000), 1);
  EXPECT_EQ(at(base + 1001), 2);
  EXPECT_EQ(at(base + 2001), 3);  // The end.
  EXPECT_EQ(at(-1), 0);           // Not the broker's "latest".
}

TEST_F(KafkaAdminTest, OffsetsOfAGroupComeBackWithTheirMetadata) {
  ASSERT_TRUE(broker().CreateTopic("admin-offsets", 2).ok());
  const std::vector<PartitionOffset> offsets = {
      {{"admin-offsets", 0}, 7, "tacho2;g=2;reset=wipe;j=job"},
      {{"admin-offsets", 1}, 0, ""}};

  const Status moved =
      admin_->AlterGroupOffsets("admin-group", offsets, kTimeout);

  ASSERT_TRUE(moved.ok()) << moved.ToString();
  const auto found = admin_->GroupOffsets("admin-group", kTimeout);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(*found, offsets);
}

TEST_F(KafkaAdminTest, AGroupThatNobodyKnowsIsDeadAndEmpty) {
  const auto offsets = admin_->GroupOffsets("admin-nobody", kTimeout);
  ASSERT_TRUE(offsets.ok()) << offsets.status().ToString();
  EXPECT_THAT(*offsets, IsEmpty());

  const auto group = admin_->DescribeGroup("admin-nobody", kTimeout);
  ASSERT_TRUE(group.ok()) << group.status().ToString();
  EXPECT_EQ(group->state, "Dead");
  EXPECT_THAT(group->members, IsEmpty());
}

TEST_F(KafkaAdminTest, OffsetsOfAnActiveGroupStayWhereTheyAre) {
  ASSERT_TRUE(broker().CreateTopic("admin-active", 1).ok());
  const auto member = PlainMember::Join(
      broker().bootstrap(), "admin-active-group", "admin-active", "the-worker");
  ASSERT_TRUE(member.ok()) << member.status().ToString();

  const auto group = admin_->DescribeGroup("admin-active-group", kTimeout);
  const Status moved = admin_->AlterGroupOffsets(
      "admin-active-group", {{{"admin-active", 0}, 0, ""}}, kTimeout);

  ASSERT_TRUE(group.ok()) << group.status().ToString();
  EXPECT_THAT(group->members, ElementsAre(HasSubstr("the-worker on")));
  EXPECT_EQ(moved.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(moved.message(), HasSubstr("active members"));
  EXPECT_THAT(*admin_->GroupOffsets("admin-active-group", kTimeout), IsEmpty());
}

// librdkafka would end the process (eonce->refcnt) some time after a group
// request of its own has timed out and the coordinator is back.
TEST_F(KafkaAdminTest, RequestsThatNobodyAnswersAreSurvivedAndAskedAgain) {
  ASSERT_TRUE(broker().CreateTopic("admin-asleep", 1).ok());
  ASSERT_TRUE(admin_
                  ->AlterGroupOffsets("admin-asleep",
                                      {{{"admin-asleep", 0}, 3, ""}}, kTimeout)
                  .ok());
  for (int i = 0; i < 4; ++i) {
    broker().Pause();
    const Status described =
        admin_->DescribeGroup("admin-asleep", Millis(300)).status();
    const Status offsets =
        admin_->GroupOffsets("admin-asleep", Millis(300)).status();
    broker().Resume();

    EXPECT_TRUE(described.retryable()) << described.ToString();
    EXPECT_TRUE(offsets.retryable()) << offsets.ToString();
    // Long enough for what was asked to be answered.
    const auto group = admin_->DescribeGroup("admin-asleep", kTimeout);
    EXPECT_TRUE(group.ok()) << group.status().ToString();
    const auto found = admin_->GroupOffsets("admin-asleep", kTimeout);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_EQ(found->front().offset, 3);
  }
}

TEST_F(KafkaAdminTest, AnAbsentBrokerIsUnavailableAndRetryable) {
  const auto admin = Open("127.0.0.1:1");

  for (const Status& status :
       {admin->ClusterId(Millis(200)).status(),
        admin->TopicConfig("t", Millis(200)).status(),
        admin->CreateTopic("t", 1, {}, Millis(200)),
        admin->DescribeGroup("g", Millis(200)).status(),
        admin->GroupOffsets("g", Millis(200)).status(),
        admin->LogRange({"t", 0}, Millis(200)).status()}) {
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
    EXPECT_TRUE(status.retryable()) << status.ToString();
  }
}

}  // namespace
}  // namespace tacho
