#include "pipeline/kafka/kafka_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <string>
#include <vector>

#include "pipeline/kafka/kafka_groups.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const KafkaErrorRow* RowOf(int code) {
  for (const KafkaErrorRow& row : KafkaErrors()) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

// Of the librdkafka that runs: with a newer one the table may lack a row, and
// this test says which.
TEST(KafkaErrorsTest, EveryCodeOfTheLibraryIsDecidedUnderItsName) {
  const rd_kafka_err_desc* descriptions = nullptr;
  size_t count = 0;
  rd_kafka_get_err_descs(&descriptions, &count);
  std::vector<std::string> undecided;
  size_t seen = 0;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_err_desc& d = descriptions[i];
    const bool marker = d.code == RD_KAFKA_RESP_ERR__BEGIN ||
                        d.code == RD_KAFKA_RESP_ERR__END ||
                        d.code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (d.name == nullptr || marker) continue;
    ++seen;
    const KafkaErrorRow* const row = RowOf(d.code);
    if (row == nullptr) {
      undecided.push_back(std::to_string(d.code) + " " + d.name);
      continue;
    }
    EXPECT_STREQ(row->name, d.name);
  }
  EXPECT_THAT(undecided, IsEmpty());
  EXPECT_GT(seen, 150u);
}

TEST(KafkaErrorsTest, CodesAscendSoThatTheyAreFound) {
  int last = INT32_MIN;
  for (const KafkaErrorRow& row : KafkaErrors()) {
    EXPECT_GT(row.code, last) << row.name;
    last = row.code;
  }
}

// A newer broker's code is not taken for a refusal.
TEST(KafkaErrorsTest, WhatNobodyKnowsYetIsAskedAgain) {
  const Status status = FromKafka(9999, "context");

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_TRUE(status.retryable());
}

// A producer writes to what was there when it was opened; brokers that start
// learn of topics and partitions one by one.
TEST(KafkaErrorsTest, WhatIsWrittenToIsAskedForAgainAndKeepsItsCode) {
  for (const int error : {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                          RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                          RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION}) {
    const Status write = FromKafka(error, "topic t", KafkaTask::kWrite);
    EXPECT_EQ(write.code(), StatusCode::kNotFound) << write.ToString();
    EXPECT_TRUE(write.retryable()) << write.ToString();
    EXPECT_FALSE(FromKafka(error, "topic t").retryable()) << error;
  }
}

TEST(KafkaErrorsTest, ARefusedWriteStaysRefused) {
  for (const int error : {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                          RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION}) {
    EXPECT_FALSE(FromKafka(error, "topic t", KafkaTask::kWrite).retryable())
        << error;
  }
}

TEST(KafkaErrorsTest, TheMessageHasTheTextTheNameAndTheRemedy) {
  const Status own = FromKafka(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, "topic t");
  EXPECT_THAT(own.message(), HasSubstr("topic t: Broker: "));
  EXPECT_THAT(own.message(), HasSubstr("(INVALID_TIMESTAMP); raise"));

  const Status theirs = FromKafkaText(RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
                                      "names start with acme.", "topic t");
  EXPECT_THAT(theirs.message(),
              HasSubstr("topic t: names start with acme. (POLICY_VIOLATION)"));
}

// Computed by Java: Utils.abs("...".hashCode()) % n.
TEST(KafkaErrorsTest, TheOffsetsPartitionOfAGroupIsAsJavaHashesIt) {
  EXPECT_EQ(OffsetsPartition("", 50), 0);
  EXPECT_EQ(OffsetsPartition("a", 50), 97 % 50);
  EXPECT_EQ(OffsetsPartition("ab", 50), (97 * 31 + 98) % 50);
  // The least int: Math.abs leaves it negative, Kafka's own abs makes it 0.
  EXPECT_EQ(OffsetsPartition("polygenelubricants", 50), 0);
  // "\u00e9" is one unit (233), a smiley two (0xD83D, 0xDE00).
  EXPECT_EQ(OffsetsPartition("\xC3\xA9", 50), 233 % 50);
  EXPECT_EQ(OffsetsPartition("\xF0\x9F\x98\x80", 50),
            (0xD83D * 31 + 0xDE00) % 50);
  EXPECT_EQ(OffsetsPartition("a", 0), 0);
}

}  // namespace
}  // namespace tacho
