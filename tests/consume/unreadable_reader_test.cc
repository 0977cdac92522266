// Batches that the client cannot unpack, over the embedded broker, which keeps
// them as they were sent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/consume/kafka_group_member.h"
#include "pipeline/demo/embedded_broker.h"
#include "pipeline/demo/kafka_feed.h"

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TopicPartition kLane{"in", 0};

bool WaitUntil(const std::function<bool()>& done) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class Listener final : public GroupListener {
 public:
  void OnAssign(std::vector<TopicPartition>, GroupMembership) override {
    const std::lock_guard lock(mutex_);
    assigned_ = true;
    changed_.notify_all();
  }
  void OnRevoke(std::vector<TopicPartition>, bool) override {}
  void OnFenced(Status status) override { ADD_FAILURE() << status.ToString(); }
  void OnSourceFailed(Status status) override {
    ADD_FAILURE() << status.ToString();
  }
  bool AwaitAssignment() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60),
                             [this] { return assigned_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool assigned_ = false;
};

class UnreadableReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto broker = EmbeddedBroker::Start();
    ASSERT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    ASSERT_TRUE(broker_->CreateTopic(kLane.topic, 1).ok());
  }
  void TearDown() override {
    reader_.reset();
    if (group_ != nullptr) group_->Close(false);
  }

  // One batch of `count` messages of `bytes` blanks.
  void Send(int count, size_t bytes, const std::string& codec = "zstd") {
    auto feed = KafkaFeed::Open({{"bootstrap.servers", broker_->bootstrap()},
                                 {"compression.codec", codec},
                                 {"message.max.bytes", "100000000"},
                                 {"batch.size", "100000000"},
                                 {"linger.ms", "500"}},
                                kLane.topic);
    ASSERT_TRUE(feed.ok()) << feed.status().ToString();
    const std::string blanks(bytes, ' ');
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE((*feed)->Send("k", blanks).ok());
    ASSERT_TRUE((*feed)->Flush(Millis(30000)).ok());
  }

  // Reads from the start; batches of more than 2 MB cannot be unpacked.
  void Join() {
    KafkaGroupMemberOptions options;
    options.properties = {{"bootstrap.servers", broker_->bootstrap()},
                          {"fetch.wait.max.ms", "10"},
                          {"fetch.max.bytes", "1000000"},
                          {"receive.message.max.bytes", "2000000"}};
    options.group_id = "g";
    options.topics = {kLane.topic};
    options.session_timeout = Millis(6000);
    options.heartbeat_interval = Millis(500);
    auto group = MakeKafkaGroupMember(options);
    ASSERT_TRUE(group.ok()) << group.status().ToString();
    group_ = std::move(*group);
    ASSERT_TRUE(group_->Start(listener_).ok());
    ASSERT_TRUE(listener_.AwaitAssignment());
    reader_ = group_->MakeReader(kLane);
    ASSERT_TRUE(group_->Assign({kLane}).ok());
    ASSERT_TRUE(WaitUntil([&] { return group_->Seek(kLane, 0).ok(); }));
  }

  // Drains until the log's end is reached, or an error. "3" is a message,
  // "4-6" what could not be read.
  Status ReadTo(Offset end, bool skip) {
    DrainLimits limits;
    limits.skip_unreadable = skip;
    SignalSchema schema;
    Batch batch{schema};
    Status error;
    EXPECT_TRUE(WaitUntil([&] {
      batch.Clear();
      Drained drained = reader_->Drain(batch, limits);
      size_t next = 0;
      for (const Message& m : batch.messages) {
        seen_.push_back(
            m.unreadable ? std::to_string(m.offset) + "-" +
                               std::to_string(batch.unreadable[next++].end - 1)
                         : std::to_string(m.offset));
      }
      limits.min_offset = std::max(limits.min_offset, drained.next_offset);
      error = drained.error;
      return !error.ok() || limits.min_offset == end;
    })) << "at "
        << limits.min_offset;
    return error;
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<GroupMember> group_;
  Listener listener_;
  std::unique_ptr<PartitionReader> reader_;
  std::vector<std::string> seen_;
};

TEST_F(UnreadableReaderTest, ItStopsThereWithTheOffsetAndTheRemedy) {
  Send(2, 10);
  Send(1, 3000000);
  Send(1, 10);
  Join();

  const Status error = ReadTo(4, /*skip=*/false);

  EXPECT_EQ(error.code(), StatusCode::kCorruption);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("in/0 offset 2: the batch here cannot be read"),
                    HasSubstr("receive.message.max.bytes (2000000 bytes)"),
                    HasSubstr("on_unreadable: skip"),
                    HasSubstr("--topic in --partition 0 --to 3")));
  EXPECT_THAT(seen_, ElementsAre("0", "1"));
}

// Single and many, one after another, and the last at the end of the log: each
// range is exact, and nothing beside it is lost or given twice.
TEST_F(UnreadableReaderTest, WhatIsSteppedOverIsTheBatchAndNothingElse) {
  Send(2, 10);
  Send(7, 500000);
  Send(1, 10);
  Send(2, 1500000);
  Send(1, 3000000);
  Send(2, 10);
  Send(5, 600000);
  Join();

  const Status error = ReadTo(20, /*skip=*/true);

  EXPECT_TRUE(error.ok()) << error.ToString();
  EXPECT_THAT(seen_, ElementsAre("0", "1", "2-8", "9", "10-11", "12-12", "13",
                                 "14", "15-19"));
}

}  // namespace
}  // namespace tacho
