// What the consumer is configured with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "pipeline/consume/kafka_group.h"

namespace tacho {
namespace {

// Later ones win, as in librdkafka.
std::map<std::string, std::string> Effective(const KafkaGroupOptions& options) {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : KafkaConsumerProperties(options)) {
    all[name] = value;
  }
  return all;
}

TEST(KafkaConsumerPropertiesTest, OwnedOnesWinOverTheJobs) {
  KafkaGroupOptions options;
  options.group_id = "g";
  const std::map<std::string, std::string> owned = {
      {"group.id", "g"},
      {"session.timeout.ms", "45000"},
      {"heartbeat.interval.ms", "3000"},
      {"max.poll.interval.ms", "300000"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"isolation.level", "read_committed"},
      {"allow.auto.create.topics", "false"},
      {"partition.assignment.strategy", "range"}};
  for (const auto& [name, value] : owned) {
    options.properties.emplace_back(name, "the job's");
  }

  const auto effective = Effective(options);

  for (const auto& [name, value] : owned) {
    EXPECT_EQ(effective.at(name), value) << name;
  }
}

TEST(KafkaConsumerPropertiesTest, TheJobsWinOverDefaults) {
  KafkaGroupOptions options;
  EXPECT_EQ(Effective(options).at("fetch.wait.max.ms"), "100");
  options.properties = {{"fetch.wait.max.ms", "7"},
                        {"bootstrap.servers", "somewhere:9092"},
                        {"check.crcs", "false"}};

  const auto effective = Effective(options);

  EXPECT_EQ(effective.at("fetch.wait.max.ms"), "7");
  EXPECT_EQ(effective.at("bootstrap.servers"), "somewhere:9092");
  EXPECT_EQ(effective.at("check.crcs"), "false");
}

TEST(KafkaConsumerPropertiesTest, OnlyAStaticMemberHasAnInstanceId) {
  KafkaGroupOptions options;
  EXPECT_FALSE(Effective(options).contains("group.instance.id"));
  options.instance_id = "worker-1";
  EXPECT_EQ(Effective(options).at("group.instance.id"), "worker-1");
}

TEST(KafkaConsumerPropertiesTest, TimeoutsAreTheJobs) {
  KafkaGroupOptions options;
  options.session_timeout = Millis(6000);
  options.heartbeat_interval = Millis(500);
  options.max_poll_interval = Millis(70000);

  const auto effective = Effective(options);

  EXPECT_EQ(effective.at("session.timeout.ms"), "6000");
  EXPECT_EQ(effective.at("heartbeat.interval.ms"), "500");
  EXPECT_EQ(effective.at("max.poll.interval.ms"), "70000");
}

// What all partitions' queues may take together is the memory given.
TEST(KafkaConsumerPropertiesTest, QueuesStayWithinTheirMemory) {
  for (const int partitions : {1, 8, 50}) {
    KafkaGroupOptions options;
    options.queue_bytes = size_t{400} << 20;
    options.partitions_per_worker = partitions;
    const auto effective = Effective(options);
    const size_t messages = std::stoul(effective.at("queued.min.messages"));
    const size_t kbytes =
        std::stoul(effective.at("queued.max.messages.kbytes"));
    const auto n = static_cast<size_t>(partitions);
    EXPECT_LE(n * (messages * 430 + kbytes * 1024), options.queue_bytes);
    EXPECT_GE(messages, 1000u);
    EXPECT_GE(kbytes, 1024u);
  }
}

TEST(KafkaConsumerPropertiesTest, ABadPropertyIsRefusedByName) {
  KafkaGroupOptions options;
  options.group_id = "g";
  options.topics = {"t"};
  options.properties = {{"bootstrap.servers", "localhost:1"},
                        {"fetch.wait.max.ms", "soon"}};

  const auto group = MakeKafkaGroup(options);

  ASSERT_FALSE(group.ok());
  EXPECT_EQ(group.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(group.status().message(), ::testing::HasSubstr("fetch.wait"));
}

}  // namespace
}  // namespace tacho
