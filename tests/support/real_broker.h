#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "tests/support/broker_process.h"

namespace tacho {

// A message as a test writes or reads it.
struct KafkaRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;
  int32_t partition = -1;     // Produce: -1 leaves it to the partitioner.
  int64_t timestamp_ms = 0;   // Produce: 0 is now.
  Offset offset = kNoOffset;  // Consume only.
};

enum class Isolation { kCommitted, kUncommitted };
// kOpen: left open, as by a producer that dies; the next one on the topic ends
// it.
enum class TransactionEnd { kNone, kCommit, kAbort, kOpen };

// A real Kafka to test against: the process, and the calls that a test makes
// to set the stage and to look at the outcome. Every call waits, with a
// deadline, until it is done.
//
// Threading: one thread at a time, and Start from the main thread.
class RealBroker {
 public:
  struct Committed {
    Offset offset = kNoOffset;
    std::string metadata;
    bool operator==(const Committed&) const = default;
  };

  explicit RealBroker(std::map<std::string, std::string> properties = {})
      : process_(std::move(properties)) {}

  // True if Java and the jars are there (tests/support/kafka/fetch).
  static bool Available();

  // Formats and starts, and waits until the broker answers.
  Status Start();
  Status Stop() { return process_.Stop(); }
  void Kill() { process_.Kill(); }
  // Neither dead nor answering.
  void Pause() { process_.Pause(); }
  void Resume() { process_.Resume(); }
  // Starts a stopped or killed broker on the same ports and data.
  Status Restart();

  std::string bootstrap() const { return process_.bootstrap(); }
  std::string sasl_bootstrap() const { return process_.sasl_bootstrap(); }
  int proxied_port() const { return process_.proxied_port(); }

  Status CreateTopic(const std::string& name, int partitions,
                     const std::map<std::string, std::string>& configs = {});
  Status DeleteTopic(const std::string& name);
  // `total` is the new number of partitions.
  Status AddPartitions(const std::string& name, int total);
  // Messages before `offsets`, by partition, are gone.
  Status DeleteRecords(const std::string& name,
                       const std::map<int32_t, Offset>& offsets);
  // In order, keys to partitions by murmur2; returns when all are acknowledged.
  // `properties` of the producer are added to, or replace, the usual ones.
  Status Produce(const std::string& topic,
                 const std::vector<KafkaRecord>& records,
                 TransactionEnd transaction = TransactionEnd::kNone,
                 const std::map<std::string, std::string>& properties = {});
  // All that the topic holds, in offset order within each partition. With
  // kCommitted, up to the first open transaction.
  Result<std::vector<KafkaRecord>> ConsumeAll(const std::string& topic,
                                              Isolation isolation);
  // By partition; a partition without a committed offset is left out.
  Result<std::map<int32_t, Committed>> CommittedOffsets(
      const std::string& group, const std::string& topic);
  // By partition: high watermarks or, with kCommitted, last stable offsets,
  // which stay behind while a transaction is open.
  Result<std::vector<Offset>> EndOffsets(
      const std::string& topic, Isolation isolation = Isolation::kUncommitted);

 private:
  Status AwaitReady();
  Status AwaitPartitions(const std::string& name, int count);
  Result<int32_t> PartitionCount(const std::string& topic);

  BrokerProcess process_;
};

// Tests of one binary share a broker, because it takes seconds to start.
// Topics and groups are not cleaned up: use names of the test's own.
//
// Without Java or the jars the tests are skipped; with TACHO_REQUIRE_BROKER=1
// they fail.
class BrokerTest : public ::testing::Test {
 protected:
  // Of the broker that the binary's tests share; set before the first SetUp.
  static std::map<std::string, std::string>& BrokerProperties();

  void SetUp() override;
  RealBroker& broker() { return *broker_; }

 private:
  RealBroker* broker_ = nullptr;
};

}  // namespace tacho
