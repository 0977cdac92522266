// What brokers may answer to a group member, injected one by one: what stays
// ends the worker with the exit code that says why, and is not waited out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/cli/exit_code.h"
#include "pipeline/consume/kafka_group_member.h"
#include "pipeline/consume/kafka_partition_log.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {
namespace {

enum Api : int16_t {
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kSyncGroup = 14,
};

class Listener final : public GroupListener {
 public:
  void OnAssign(std::vector<TopicPartition>, GroupMembership) override {}
  void OnRevoke(std::vector<TopicPartition>, bool) override {}
  void OnSourceFailed(Status status) override {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(status);
    changed_.notify_all();
  }
  void OnFenced(Status status) override { OnSourceFailed(std::move(status)); }
  std::optional<Status> AwaitFailure(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return failure_.has_value(); });
    return failure_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Status> failure_;
};

class GroupRefusalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    host_ = *MakeKafkaProducer(*MakeKafkaConf(
        {{"bootstrap.servers", "127.0.0.1:1"}, {"log_level", "0"}}));
    cluster_ = rd_kafka_mock_cluster_new(host_.get(), 1);
    rd_kafka_mock_topic_create(cluster_, "in", 1, 1);
  }
  void TearDown() override {
    group_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
  }

  void Inject(Api api, int error) {
    const std::vector<rd_kafka_resp_err_t> errors(
        1000, static_cast<rd_kafka_resp_err_t>(error));
    rd_kafka_mock_push_request_errors_array(cluster_, api, errors.size(),
                                            errors.data());
  }
  GroupMember& Open(const std::string& instance = "") {
    KafkaGroupMemberOptions options;
    options.properties = {
        {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
        {"retry.backoff.ms", "10"},
        {"log_level", "0"}};
    options.group_id = "g";
    options.instance_id = instance;
    options.topics = {"in"};
    options.session_timeout = Millis(6000);
    options.close_timeout = Millis(2000);
    auto group = MakeKafkaGroupMember(options);
    EXPECT_TRUE(group.ok()) << group.status().ToString();
    group_ = *std::move(group);
    return *group_;
  }

  // What becomes of a member that is answered so; 0: it goes on trying.
  int ExitOf(Api api, int error, const std::string& instance = "",
             std::chrono::seconds timeout = std::chrono::seconds(3)) {
    Inject(api, error);
    Listener listener;
    EXPECT_TRUE(Open(instance).Start(listener).ok());
    const auto failure = listener.AwaitFailure(timeout);
    group_->Close(false);
    group_.reset();
    rd_kafka_mock_clear_request_errors(cluster_, api);
    return failure ? ExitCodeFor(*failure) : 0;
  }

  KafkaPtr<rd_kafka_t> host_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::unique_ptr<GroupMember> group_;
};

TEST_F(GroupRefusalTest, ARefusalToJoinEndsTheWorker) {
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL),
            78);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT), 78);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED), 78);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_INVALID_GROUP_ID), 78);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
            77);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "one"),
            69);
  EXPECT_EQ(
      ExitOf(kFindCoordinator, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
      77);
}

// A coordinator that is killed while a static member joins takes the id that it
// gave with it; its successor refuses that id.
TEST_F(GroupRefusalTest, AMemberThatIsFencedWhileItJoinsWasNotReplaced) {
  std::vector<rd_kafka_resp_err_t> joins(1000,
                                         RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
  joins.front() = RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_mock_push_request_errors_array(cluster_, kJoinGroup, joins.size(),
                                          joins.data());

  // The mock lets the first join wait for three seconds.
  EXPECT_EQ(ExitOf(kSyncGroup, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, "one",
                   std::chrono::seconds(20)),
            69);
}

TEST_F(GroupRefusalTest, AnOutageIsWaitedOut) {
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), 0);
  EXPECT_EQ(ExitOf(kJoinGroup, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
            0);
  EXPECT_EQ(
      ExitOf(kFindCoordinator, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), 0);
}

TEST_F(GroupRefusalTest, CommittedOffsetsTellRefusalsFromOutages) {
  const auto log = MakeKafkaPartitionLog(
      {{{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
        {"retry.backoff.ms", "10"},
        {"log_level", "0"}},
       "g",
       {"in"}});
  ASSERT_TRUE(log.ok()) << log.status().ToString();
  const auto ask = [&](int error) {
    Inject(kOffsetFetch, error);
    const Status status = (*log)->Committed({{"in", 0}}, Millis(500)).status();
    rd_kafka_mock_clear_request_errors(cluster_, kOffsetFetch);
    return status;
  };

  EXPECT_EQ(ask(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED).code(),
            StatusCode::kPermission);
  EXPECT_TRUE(ask(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS).retryable());
  EXPECT_TRUE(ask(RD_KAFKA_RESP_ERR_NOT_COORDINATOR).retryable());
}

}  // namespace
}  // namespace tacho
