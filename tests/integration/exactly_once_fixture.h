#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/commit/kafka_exactly_once.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/restore/changelog.h"
#include "tests/support/open_transaction.h"
#include "tests/support/plain_member.h"
#include "tests/support/real_broker.h"
#include "tests/support/tacho_process.h"

namespace tacho {

class AlwaysOwner final : public EpochOwner {
 public:
  Status Apply(const LaneEpoch&) override { return Status::Ok(); }
  bool owned() const override { return true; }
};

inline std::vector<std::string> Values(
    const std::vector<KafkaRecord>& records) {
  std::vector<std::string> values;
  for (const KafkaRecord& r : records) values.push_back(r.value.value_or(""));
  return values;
}

// One lane of one group: its topics, a real member whose generation fences,
// and epochs to commit.
class ExactlyOnceOnKafka : public BrokerTest {
 protected:
  void Prepare(const std::string& name) {
    name_ = name;
    options_.group = name;
    options_.transactional_id = name + "-group-worker";
    options_.output.properties = {{"bootstrap.servers", broker().bootstrap()}};
    options_.output.sinks = {{Output()}};
    for (const std::string& topic : {name, Output(), Log()}) {
      const Status created = broker().CreateTopic(topic, 1);
      ASSERT_TRUE(created.ok()) << created.ToString();
    }
    auto member = PlainMember::Join(broker().bootstrap(), Group(), name, "m");
    ASSERT_TRUE(member.ok()) << member.status().ToString();
    member_ = *std::move(member);
    epoch_.membership = *member_->membership();
    ASSERT_TRUE(epoch_.membership.valid());
    epoch_.parts = {{&part_, &owner_}};
    part_.tp = {name, 0};
    part_.marker.lane.input_partitions = 1;
    part_.marker.writer_id = "writer";
    part_.marker.lane.job = name;
  }

  std::string Output() const { return name_ + ".out"; }
  std::string Group() const { return name_ + "-group"; }
  std::string Log() const { return ChangelogTopic(name_, name_, 0); }

  void Open() {
    if (HasFatalFailure()) return;
    auto made = MakeKafkaExactlyOnce(options_, SystemClock());
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    writer_ = *std::move(made);
  }

  // The next epoch: one output and one state change that say `text`.
  void Fill(const std::string& text) {
    part_.Clear();
    part_.outputs.Begin(0, 0, kNoLogTime);
    part_.outputs.Append("car");
    part_.outputs.EndKey();
    part_.outputs.Append(text);
    part_.outputs.EndValue();
    part_.outputs.AddHeader("h", text);
    part_.outputs.End();
    part_.changes.Begin(0, TableTag("table"));
    Append("key");
    part_.changes.EndKey();
    Append(text);
    part_.changes.EndValue();
    part_.changed = true;
    ++part_.marker.epoch;
    part_.marker.next_offset = part_.marker.epoch * 10;
  }

  // Up to, but without, the commit.
  Status Write(const std::string& text, bool begins_log = false) {
    if (writer_ == nullptr) return {StatusCode::kInternal, "not open"};
    Fill(text);
    part_.begins_log = begins_log;
    RETURN_IF_ERROR(writer_->Begin());
    RETURN_IF_ERROR(writer_->Produce(part_));
    RETURN_IF_ERROR(writer_->Flush());
    return writer_->SendOffsets(epoch_);
  }
  Status WriteAndCommit(const std::string& text, bool begins_log = false) {
    RETURN_IF_ERROR(Write(text, begins_log));
    return writer_->Commit(epoch_);
  }

  std::vector<KafkaRecord> Read(const std::string& topic,
                                Isolation isolation = Isolation::kCommitted) {
    const auto records = broker().ConsumeAll(topic, isolation);
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    return records.ok() ? *records : std::vector<KafkaRecord>();
  }
  // The coordinator says yes before the last marker is in the log.
  void ExpectVisible(const std::vector<std::string>& texts) {
    EXPECT_TRUE(Eventually([&] { return Values(Read(Output())) == texts; }))
        << ::testing::PrintToString(Values(Read(Output())));
    EXPECT_TRUE(
        Eventually([&] { return Read(Log()).size() == 2 * texts.size(); }));
    const auto committed = broker().CommittedOffsets(Group(), name_);
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
    if (texts.empty()) {
      EXPECT_THAT(*committed, ::testing::IsEmpty());
    } else {
      EXPECT_EQ(committed->at(0).offset, part_.marker.next_offset);
    }
  }

  // As the transaction coordinator keeps it; it grows with every
  // init_transactions of the id.
  std::pair<int64_t, int> ProducerEpoch() {
    std::pair<int64_t, int> found{-1, -1};
    for (const KafkaRecord& r :
         Read("__transaction_state", Isolation::kUncommitted)) {
      // Key: i16 version, i16 size, id. Value: i16 version, i64 producer,
      // i16 epoch. Big-endian.
      if (!r.key || r.key->size() < 4 || !r.value || r.value->size() < 12) {
        continue;
      }
      if (r.key->substr(4) != options_.transactional_id) continue;
      const auto number = [&](size_t at, size_t size) {
        int64_t n = 0;
        for (size_t i = at; i < at + size; ++i) {
          n = n << 8 | static_cast<unsigned char>((*r.value)[i]);
        }
        return n;
      };
      found = {number(2, 8), static_cast<int>(number(10, 2))};
    }
    return found;
  }

  // Somebody with the same transactional.id, as broker and client see it.
  void Fence() {
    const auto other =
        OpenTransaction::Begin(broker().bootstrap(), options_.transactional_id);
    ASSERT_TRUE(other.ok()) << other.status().ToString();
    ASSERT_TRUE((*other)->Abort().ok());
  }

  static std::string StderrOf(const std::function<void()>& work) {
    testing::internal::CaptureStderr();
    work();
    return testing::internal::GetCapturedStderr();
  }

  void Append(const std::string& text) {
    part_.changes.bytes().insert(part_.changes.bytes().end(), text.begin(),
                                 text.end());
  }

  std::string name_;
  KafkaExactlyOnceOptions options_;
  std::unique_ptr<PlainMember> member_;
  AlwaysOwner owner_;
  LaneEpoch part_;
  Epoch epoch_;
  std::unique_ptr<EpochWriter> writer_;
};

}  // namespace tacho
