// What brokers may answer to an epoch's requests, injected one by one: an
// outage is worth another try, a refusal that stays ends the worker with the
// exit code that says why. librdkafka's mock cluster knows no transactions, but
// it answers as it is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <string>
#include <vector>

#include "pipeline/cli/exit_code.h"
#include "pipeline/commit/kafka_exactly_once.h"
#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

enum Api : int16_t {
  kProduce = 0,
  kFindCoordinator = 10,
  kInitProducerId = 22,
  kAddPartitions = 24,
  kAddOffsets = 25,
  kEndTxn = 26,
  kTxnOffsetCommit = 28,
};

// What tacho does about it.
enum class Outcome { kRetries, kData, kUnavailable, kPermission, kConfig };

Outcome Of(const Status& status) {
  if (status.retryable()) return Outcome::kRetries;
  switch (ExitCodeFor(status)) {
    case 65:
      return Outcome::kData;
    case 69:
      return Outcome::kUnavailable;
    case 77:
      return Outcome::kPermission;
    default:
      return Outcome::kConfig;
  }
}

struct Case {
  Api api;
  int error;
  Outcome outcome;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << "api " << c.api << " "
       << rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(c.error));
}

class AlwaysOwner final : public EpochOwner {
 public:
  Status Apply(const LaneEpoch&) override { return Status::Ok(); }
  bool owned() const override { return true; }
};

// One mock cluster for all: it is quick, and cases use ids of their own.
class KafkaRefusalTest : public ::testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    auto conf = MakeKafkaConf(
        {{"bootstrap.servers", "127.0.0.1:1"}, {"log_level", "0"}});
    host_ = *MakeKafkaProducer(*std::move(conf));
    cluster_ = rd_kafka_mock_cluster_new(host_.get(), 1);
    for (const std::string& topic : {std::string("in"), std::string("out"),
                                     ChangelogTopic("g", "in", 0)}) {
      rd_kafka_mock_topic_create(cluster_, topic.c_str(), 1, 1);
    }
  }
  static void TearDownTestSuite() {
    rd_kafka_mock_cluster_destroy(cluster_);
    host_.reset();
  }

  void SetUp() override {
    static int number = 0;
    options_.group = "g";
    options_.transactional_id = "refused-" + std::to_string(++number);
    options_.output.properties = {
        {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
        {"retry.backoff.ms", "10"},
        {"log_level", "0"}};
    options_.output.sinks = {{"out"}};
    options_.transaction_timeout = Millis(1000);
    epoch_.membership = {"g", 1, "member", ""};
    epoch_.parts = {{&part_, &owner_}};
    part_.tp = {"in", 0};
    part_.marker.lane.input_partitions = 1;
    part_.marker.lane.job = "job";
  }
  void TearDown() override {
    Clear();
    ShowTopic(RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  // What metadata says of the output topic.
  static void ShowTopic(rd_kafka_resp_err_t error) {
    rd_kafka_mock_topic_set_error(cluster_, "out", error);
  }
  // A writer whose producer has to be made anew.
  std::unique_ptr<EpochWriter> MakeBroken() {
    auto made = MakeKafkaExactlyOnce(options_, SystemClock());
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    if (!made.ok()) return nullptr;
    Inject({kEndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, Outcome::kRetries});
    EXPECT_FALSE(CommitOne(**made).ok());
    (*made)->Abort();
    Clear();
    return *std::move(made);
  }

  void Clear() {
    for (const Api api :
         {kProduce, kFindCoordinator, kInitProducerId, kAddPartitions,
          kAddOffsets, kEndTxn, kTxnOffsetCommit}) {
      rd_kafka_mock_clear_request_errors(cluster_, api);
    }
  }

  // For as long as the client may ask.
  void Inject(const Case& c) {
    const std::vector<rd_kafka_resp_err_t> errors(
        1000, static_cast<rd_kafka_resp_err_t>(c.error));
    rd_kafka_mock_push_request_errors_array(cluster_, c.api, errors.size(),
                                            errors.data());
  }

  void Fill() {
    part_.Clear();
    part_.outputs.Begin(0, 0, kNoLogTime);
    part_.outputs.Append("car");
    part_.outputs.EndKey();
    part_.outputs.Append("value");
    part_.outputs.EndValue();
    part_.outputs.End();
    part_.changed = true;
    ++part_.marker.epoch;
  }

  Status CommitOne(EpochWriter& writer) {
    Fill();
    RETURN_IF_ERROR(writer.Begin());
    RETURN_IF_ERROR(writer.Produce(part_));
    RETURN_IF_ERROR(writer.Flush());
    RETURN_IF_ERROR(writer.SendOffsets(epoch_));
    return writer.Commit(epoch_);
  }

  static KafkaPtr<rd_kafka_t> host_;
  static rd_kafka_mock_cluster_t* cluster_;
  KafkaExactlyOnceOptions options_;
  AlwaysOwner owner_;
  LaneEpoch part_;
  Epoch epoch_;
};
KafkaPtr<rd_kafka_t> KafkaRefusalTest::host_;
rd_kafka_mock_cluster_t* KafkaRefusalTest::cluster_ = nullptr;

TEST_P(KafkaRefusalTest, IsDecidedAndWhatPassesLeavesAWorkingProducer) {
  const Case& c = GetParam();
  const bool at_open = c.api == kInitProducerId || c.api == kFindCoordinator;
  if (at_open) Inject(c);
  auto made = MakeKafkaExactlyOnce(options_, SystemClock());
  Status status = made.status();
  if (!at_open) {
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    Inject(c);
    status = CommitOne(**made);
  }

  ASSERT_FALSE(status.ok());
  EXPECT_EQ(Of(status), c.outcome) << status.ToString();

  if (c.outcome != Outcome::kRetries || at_open) return;
  (*made)->Abort();
  Clear();
  const Status settled = (*made)->Settle();
  ASSERT_TRUE(settled.ok()) << settled.ToString();
  const Status again = CommitOne(**made);
  EXPECT_TRUE(again.ok()) << again.ToString();
}

constexpr Outcome kRetries = Outcome::kRetries;
constexpr Outcome kDenied = Outcome::kPermission;
constexpr Outcome kConfig = Outcome::kConfig;

INSTANTIATE_TEST_SUITE_P(
    Produce, KafkaRefusalTest,
    ::testing::Values(
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_RECORD, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_POLICY_VIOLATION, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
             kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, kConfig},
        Case{kProduce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, kDenied},
        Case{kProduce, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, kDenied},
        Case{kProduce, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
             kDenied},
        Case{kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
             kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNKNOWN, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_MSG, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
             kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, kRetries},
        Case{kProduce, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, kRetries}));

INSTANTIATE_TEST_SUITE_P(
    Transaction, KafkaRefusalTest,
    ::testing::Values(
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
             kDenied},
        Case{kAddPartitions,
             RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, kDenied},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, kConfig},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, kRetries},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
             kRetries},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, kRetries},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, kRetries},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
             kRetries},
        Case{kAddPartitions, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, kRetries},
        Case{kAddOffsets, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
             kDenied},
        Case{kAddOffsets,
             RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, kDenied},
        Case{kAddOffsets, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, kRetries},
        Case{kAddOffsets, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
             kDenied},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
             kDenied},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE,
             kConfig},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE,
             kConfig},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
             kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
             kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, kRetries},
        Case{kTxnOffsetCommit, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
             kRetries},
        Case{kEndTxn, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
             kDenied},
        Case{kEndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, kRetries},
        Case{kEndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, kRetries},
        Case{kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, kRetries},
        Case{kEndTxn, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, kRetries}));

INSTANTIATE_TEST_SUITE_P(
    Init, KafkaRefusalTest,
    ::testing::Values(
        Case{kInitProducerId,
             RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, kDenied},
        Case{kInitProducerId, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
             kDenied},
        Case{kInitProducerId, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
             kConfig},
        Case{kInitProducerId, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
             kRetries},
        Case{kFindCoordinator,
             RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, kDenied},
        Case{kFindCoordinator, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
             kDenied},
        Case{kFindCoordinator, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
             kRetries}));

// Brokers that start learn of topics one by one.
TEST_F(KafkaRefusalTest, ATopicThatANewProducerDoesNotSeeYetIsAskedForAgain) {
  const auto writer = MakeBroken();
  ASSERT_NE(writer, nullptr);
  ShowTopic(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);

  const Status hidden = writer->Settle();

  EXPECT_EQ(Of(hidden), kRetries) << hidden.ToString();
  // If it stays so, what to do about it is still told.
  EXPECT_EQ(hidden.code(), StatusCode::kNotFound);
  EXPECT_THAT(hidden.message(), HasSubstr("create it: "));
  ShowTopic(RD_KAFKA_RESP_ERR_NO_ERROR);
  const Status again = CommitOne(*writer);
  EXPECT_TRUE(again.ok()) << again.ToString();
}

TEST_F(KafkaRefusalTest, ATopicThatANewProducerMayNotSeeIsRefused) {
  const auto writer = MakeBroken();
  ASSERT_NE(writer, nullptr);
  ShowTopic(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);

  const Status denied = writer->Settle();

  EXPECT_EQ(Of(denied), kDenied) << denied.ToString();
}

// A start has looked for it before.
TEST_F(KafkaRefusalTest, ATopicThatTheFirstProducerDoesNotSeeIsNotThere) {
  ShowTopic(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);

  const auto made = MakeKafkaExactlyOnce(options_, SystemClock());

  EXPECT_EQ(Of(made.status()), kConfig) << made.status().ToString();
  EXPECT_THAT(made.status().message(), HasSubstr("create it: "));
}

// A message is purged when its transaction is refused: what is told is why.
TEST_F(KafkaRefusalTest, TheRefusalOfATransactionIsNotTakenForItsMessages) {
  auto made = MakeKafkaExactlyOnce(options_, SystemClock());
  ASSERT_TRUE(made.ok());
  Inject(
      {kAddPartitions, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, kDenied});

  const Status status = CommitOne(**made);

  EXPECT_THAT(status.message(), HasSubstr("TOPIC_AUTHORIZATION_FAILED"));
}

// The broker takes nothing, and the client's queue holds less than the epoch.
TEST_F(KafkaRefusalTest, AFullQueueEndsWithTheCommitsTime) {
  options_.output.queue_bytes = 64 << 10;
  auto made = MakeKafkaExactlyOnce(options_, SystemClock());
  ASSERT_TRUE(made.ok());
  Inject({kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, kRetries});
  Fill();
  const std::string value(1000, 'v');
  for (int i = 0; i < 200; ++i) {
    part_.outputs.Begin(0, 0, kNoLogTime);
    part_.outputs.Append("car");
    part_.outputs.EndKey();
    part_.outputs.Append(value);
    part_.outputs.EndValue();
    part_.outputs.End();
  }
  ASSERT_TRUE((*made)->Begin().ok());
  const auto start = std::chrono::steady_clock::now();

  const Status status = (*made)->Produce(part_);

  EXPECT_EQ(Of(status), kRetries) << status.ToString();
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            options_.transaction_timeout * 5);
  (*made)->Abort();
}

TEST_F(KafkaRefusalTest, WhatNoQueueHoldsIsRefusedAtOnce) {
  options_.output.queue_bytes = 64 << 10;
  auto made = MakeKafkaExactlyOnce(options_, SystemClock());
  ASSERT_TRUE(made.ok());
  part_.Clear();
  part_.outputs.Begin(0, 0, kNoLogTime);
  part_.outputs.Append("car");
  part_.outputs.EndKey();
  part_.outputs.Append(std::string(100000, 'v'));
  part_.outputs.EndValue();
  part_.outputs.End();
  ASSERT_TRUE((*made)->Begin().ok());

  const Status status = (*made)->Produce(part_);

  EXPECT_EQ(Of(status), kConfig) << status.ToString();
  (*made)->Abort();
}

}  // namespace
}  // namespace tacho
