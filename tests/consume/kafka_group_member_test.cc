// A group member over the embedded broker.

#include "pipeline/consume/kafka_group_member.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/consume/kafka_partition_log.h"
#include "pipeline/demo/embedded_broker.h"
#include "pipeline/demo/kafka_feed.h"

namespace tacho {
namespace {

constexpr char kTopic[] = "in";
const TopicPartition kLane{kTopic, 0};

bool WaitUntil(const std::function<bool()>& done) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class Listener final : public GroupListener {
 public:
  void OnAssign(std::vector<TopicPartition> partitions,
                GroupMembership membership) override {
    const std::lock_guard lock(mutex_);
    membership_ = std::move(membership);
    assigned_ = std::move(partitions);
    changed_.notify_all();
  }
  void OnRevoke(std::vector<TopicPartition>, bool) override {}
  void OnFenced(Status status) override { ADD_FAILURE() << status.ToString(); }
  void OnSourceFailed(Status status) override {
    ADD_FAILURE() << status.ToString();
  }
  std::vector<TopicPartition> AwaitAssignment() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20),
                      [this] { return !assigned_.empty(); });
    return assigned_;
  }
  GroupMembership membership() {
    const std::lock_guard lock(mutex_);
    return membership_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TopicPartition> assigned_;
  GroupMembership membership_;
};

class KafkaGroupMemberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto broker = EmbeddedBroker::Start();
    ASSERT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    ASSERT_TRUE(broker_->CreateTopic(kTopic, 1).ok());
    KafkaGroupMemberOptions options;
    options.properties = {{"bootstrap.servers", broker_->bootstrap()},
                          {"fetch.wait.max.ms", "10"}};
    options.group_id = "g";
    options.topics = {kTopic};
    options.session_timeout = Millis(6000);
    options.heartbeat_interval = Millis(500);
    auto member = MakeKafkaGroupMember(options);
    ASSERT_TRUE(member.ok()) << member.status().ToString();
    member_ = std::move(*member);
  }

  void Send(int from, int to) {
    auto feed =
        KafkaFeed::Open({{"bootstrap.servers", broker_->bootstrap()}}, kTopic);
    ASSERT_TRUE(feed.ok());
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE((*feed)->Send("k", std::to_string(i)).ok());
    }
    ASSERT_TRUE((*feed)->Flush(Millis(10000)).ok());
  }

  // The assignment takes effect on librdkafka's own threads.
  void Seek(Offset offset) {
    ASSERT_TRUE(WaitUntil([&] { return member_->Seek(kLane, offset).ok(); }));
  }

  // Joins and is assigned the one partition, from `offset`.
  void Join(Offset offset) {
    ASSERT_TRUE(member_->Start(listener_).ok());
    ASSERT_THAT(listener_.AwaitAssignment(), ::testing::ElementsAre(kLane));
    reader_ = member_->MakeReader(kLane);
    ASSERT_TRUE(member_->Assign({kLane}).ok());
    Seek(offset);
  }

  // Drains once; values of all messages taken are added.
  Drained DrainOnce(const DrainLimits& limits = {}) {
    batch_.Clear();
    Drained drained = reader_->Drain(batch_, limits);
    EXPECT_TRUE(drained.error.ok()) << drained.error.ToString();
    for (const Message& m : batch_.messages) {
      values_.emplace_back(m.value);
      offsets_.push_back(m.offset);
    }
    if (drained.next_offset != kNoOffset) next_ = drained.next_offset;
    skipped_ += drained.repeated;
    return drained;
  }

  void TearDown() override {
    reader_.reset();
    if (member_ != nullptr) member_->Close(false);
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<GroupMember> member_;
  Listener listener_;
  std::unique_ptr<PartitionReader> reader_;
  SignalSchema schema_;
  Batch batch_{schema_};
  std::vector<std::string> values_;
  std::vector<Offset> offsets_;
  Offset next_ = kNoOffset;
  uint64_t skipped_ = 0;
};

TEST_F(KafkaGroupMemberTest, MessagesAreDrainedInOrderWithinTheLimits) {
  Send(0, 5000);
  Join(0);
  DrainLimits limits;
  limits.max_messages = 64;

  size_t largest = 0;
  ASSERT_TRUE(WaitUntil([&] {
    const Drained drained = DrainOnce(limits);
    largest = std::max(largest, batch_.messages.size());
    EXPECT_EQ(drained.more, batch_.messages.size() == 64);
    return next_ == 5000;
  }));

  EXPECT_EQ(largest, 64u);
  ASSERT_EQ(values_.size(), 5000u);
  for (size_t i = 0; i < values_.size(); ++i) {
    ASSERT_EQ(values_[i], std::to_string(i));
    ASSERT_EQ(offsets_[i], static_cast<Offset>(i));
  }
  EXPECT_EQ(reader_->EndOffset(), 5000);
}

TEST_F(KafkaGroupMemberTest, BytesEndADrainAsWell) {
  Send(0, 1000);
  Join(0);
  DrainLimits limits;
  limits.max_bytes = 100;

  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce(limits);
    // One message may pass the limit.
    EXPECT_LE(batch_.bytes(), 100u + 64u);
    return next_ == 1000;
  }));

  EXPECT_EQ(values_.size(), 1000u);
}

TEST_F(KafkaGroupMemberTest, ConsumptionStartsAtTheAssignedOffset) {
  Send(0, 100);
  Join(40);

  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 100;
  }));

  ASSERT_EQ(values_.size(), 60u);
  EXPECT_EQ(values_.front(), "40");
}

// What was fetched for the place before is outdated, wherever the seek goes:
// neither a gap nor a repetition may come of it.
TEST_F(KafkaGroupMemberTest, EverySeekGivesExactlyWhatFollowsIt) {
  Send(0, 2000);
  Join(0);
  for (const int from : {1500, 0, 1999, 700, 3, 1000, 0}) {
    Seek(from);
    values_.clear();
    next_ = kNoOffset;
    ASSERT_TRUE(WaitUntil([&] {
      DrainOnce();
      return next_ == 2000;
    })) << from;
    ASSERT_EQ(values_.size(), static_cast<size_t>(2000 - from));
    for (size_t i = 0; i < values_.size(); ++i) {
      ASSERT_EQ(values_[i], std::to_string(from + static_cast<int>(i)));
    }
  }
}

// Nothing is fetched between Assign and Seek, and what Assign puts in the place
// of an offset is never looked up: an answer that came late would move the
// lane.
TEST_F(KafkaGroupMemberTest, MessagesFetchedBeforeTheFirstSeekAreNotSeen) {
  Send(0, 1000);
  ASSERT_TRUE(member_->Start(listener_).ok());
  ASSERT_THAT(listener_.AwaitAssignment(), ::testing::ElementsAre(kLane));
  reader_ = member_->MakeReader(kLane);
  ASSERT_TRUE(member_->Assign({kLane}).ok());
  std::atomic<int> readable{0};
  reader_->EnableReadable([&] { ++readable; });
  Send(1000, 1100);
  // They are in the queue, undrained, or will never be.
  const auto until = std::chrono::steady_clock::now() + Millis(300);
  while (readable == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }

  Seek(0);
  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 1100;
  }));

  ASSERT_EQ(values_.size(), 1100u);
  for (size_t i = 0; i < values_.size(); ++i) {
    ASSERT_EQ(values_[i], std::to_string(i));
  }
}

TEST_F(KafkaGroupMemberTest, AnAssignmentComesWithTheMembershipThatFencesIt) {
  Join(0);

  const GroupMembership membership = listener_.membership();

  EXPECT_TRUE(membership.valid());
  EXPECT_EQ(membership.group_id, "g");
  EXPECT_EQ(membership.instance_id, "");
}

TEST_F(KafkaGroupMemberTest, SeekBeforeAnAssignmentIsRetryable) {
  ASSERT_TRUE(member_->Start(listener_).ok());
  ASSERT_THAT(listener_.AwaitAssignment(), ::testing::ElementsAre(kLane));
  reader_ = member_->MakeReader(kLane);

  const Status status = member_->Seek(kLane, 0);

  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(status.retryable()) << status.ToString();
}

TEST_F(KafkaGroupMemberTest, MessagesBeforeMinOffsetAreSkippedAndCounted) {
  Send(0, 100);
  Join(0);
  DrainLimits limits;
  limits.min_offset = 30;

  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce(limits);
    return next_ == 100;
  }));

  EXPECT_EQ(skipped_, 30u);
  ASSERT_EQ(values_.size(), 70u);
  EXPECT_EQ(values_.front(), "30");
}

// Nothing was drained, but the end says where the log goes on.
TEST_F(KafkaGroupMemberTest, TheEndMovesTheNextOffset) {
  Send(0, 10);
  Join(10);

  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 10;
  }));

  EXPECT_THAT(values_, ::testing::IsEmpty());
}

TEST_F(KafkaGroupMemberTest, AnEmptyQueueThatGetsAMessageCalls) {
  Join(0);
  std::atomic<int> calls{0};
  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 0;  // The end of an empty log.
  }));
  reader_->EnableReadable([&] { ++calls; });
  Send(0, 100);
  ASSERT_TRUE(WaitUntil([&] { return calls > 0; }));

  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 100;
  }));
  const int before = calls;
  Send(100, 200);
  ASSERT_TRUE(WaitUntil([&] { return calls > before; }));
  reader_->DisableReadable();
  const int after = calls;
  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 200;
  }));
  Send(200, 300);
  ASSERT_TRUE(WaitUntil([&] {
    DrainOnce();
    return next_ == 300;
  }));

  EXPECT_EQ(calls, after);
  EXPECT_EQ(values_.size(), 300u);
}

TEST_F(KafkaGroupMemberTest, CommittedOffsetsAreWhatWasCommitted) {
  Send(0, 10);
  Join(0);
  auto log = MakeKafkaPartitionLog(
      {{{"bootstrap.servers", broker_->bootstrap()}}, "g", {kTopic}});
  ASSERT_TRUE(log.ok()) << log.status().ToString();
  const auto before = (*log)->Committed({kLane}, Millis(5000));
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  EXPECT_EQ((*before)[0].offset, kNoOffset);

  const Status status =
      member_->CommitOffsets({{kLane, 7, "beside it"}}, Millis(5000));

  ASSERT_TRUE(status.ok()) << status.ToString();
  const auto after = (*log)->Committed({kLane}, Millis(5000));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ((*after)[0], (PartitionOffset{kLane, 7, "beside it"}));
}

TEST_F(KafkaGroupMemberTest, CloseWithoutAnAssignmentReturns) {
  ASSERT_TRUE(member_->Start(listener_).ok());

  member_->Close(false);
  member_->Close(false);
}

}  // namespace
}  // namespace tacho
