// What the consumer is configured with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <map>
#include <string>

#include "pipeline/consume/kafka_group_member.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {
namespace {

// Later ones win, as in librdkafka.
std::map<std::string, std::string> Effective(
    const KafkaGroupMemberOptions& options) {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : KafkaConsumerProperties(options)) {
    all[name] = value;
  }
  return all;
}

TEST(KafkaConsumerPropertiesTest, OwnedOnesWinOverTheJobs) {
  KafkaGroupMemberOptions options;
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
  KafkaGroupMemberOptions options;
  options.fetch_wait = Millis(30);
  EXPECT_EQ(Effective(options).at("fetch.wait.max.ms"), "30");
  options.properties = {{"fetch.wait.max.ms", "7"},
                        {"fetch.min.bytes", "1"},
                        {"bootstrap.servers", "somewhere:9092"},
                        {"check.crcs", "false"}};

  const auto effective = Effective(options);

  EXPECT_EQ(effective.at("fetch.wait.max.ms"), "7");
  EXPECT_EQ(effective.at("fetch.min.bytes"), "1");
  EXPECT_EQ(effective.at("bootstrap.servers"), "somewhere:9092");
  EXPECT_EQ(effective.at("check.crcs"), "false");
}

// An answer that could never be full would wait each time.
TEST(KafkaConsumerPropertiesTest, AnswersAreHeldBackForAFractionOfTheInterval) {
  EXPECT_EQ(FetchWaitFor(Millis(200)), Millis(50));
  EXPECT_EQ(FetchWaitFor(Millis(10)), Millis(5));
  EXPECT_EQ(FetchWaitFor(Millis(60000)), Millis(100));
  KafkaGroupMemberOptions options;
  options.fetch.partition_bytes = 65536;
  EXPECT_EQ(Effective(options).at("fetch.min.bytes"), "65536");
  options.fetch.partition_bytes = size_t{4} << 20;
  EXPECT_EQ(Effective(options).at("fetch.min.bytes"), "1048576");
}

TEST(KafkaConsumerPropertiesTest, OnlyAStaticMemberHasAnInstanceId) {
  KafkaGroupMemberOptions options;
  EXPECT_FALSE(Effective(options).contains("group.instance.id"));
  options.instance_id = "worker-1";
  EXPECT_EQ(Effective(options).at("group.instance.id"), "worker-1");
}

TEST(KafkaConsumerPropertiesTest, TimeoutsAreTheJobs) {
  KafkaGroupMemberOptions options;
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
    KafkaGroupMemberOptions options;
    constexpr size_t kBytes = size_t{400} << 20;
    options.fetch = FetchLimitsFor(kBytes, partitions);
    const auto effective = Effective(options);
    const auto value = [&](const char* name) {
      return std::stoul(effective.at(name));
    };
    const size_t messages = value("queued.min.messages");
    const size_t kbytes = value("queued.max.messages.kbytes");
    // What a fetch adds unpacks to fifty times its size, in small messages.
    const size_t fetched = 100 * value("fetch.message.max.bytes");
    const auto n = static_cast<size_t>(partitions);
    EXPECT_LE(n * (messages * 430 + kbytes * 1024 + fetched), kBytes);
    EXPECT_GE(messages, 1000u);
    EXPECT_GE(kbytes, 1024u);
    EXPECT_LE(value("fetch.max.bytes"),
              n * value("fetch.message.max.bytes") + 65536);
  }
}

// It is meant for the producer, and would make every fetch that large.
TEST(KafkaConsumerPropertiesTest, TheSizeOfOutputsSaysNothingAboutFetches) {
  KafkaGroupMemberOptions options;
  options.group_id = "g";
  options.topics = {"t"};
  options.fetch = FetchLimitsFor(size_t{10} << 20, 4);
  options.properties = {{"bootstrap.servers", "localhost:1"},
                        {"message.max.bytes", "50000000"}};

  const auto effective = Effective(options);

  EXPECT_LE(std::stoul(effective.at("message.max.bytes")),
            std::stoul(effective.at("fetch.max.bytes")));
  EXPECT_TRUE(MakeKafkaGroupMember(options).ok());
}

TEST(KafkaConsumerPropertiesTest, ABadPropertyIsRefusedByName) {
  KafkaGroupMemberOptions options;
  options.group_id = "g";
  options.topics = {"t"};
  options.properties = {{"bootstrap.servers", "localhost:1"},
                        {"fetch.wait.max.ms", "soon"}};

  const auto group = MakeKafkaGroupMember(options);

  ASSERT_FALSE(group.ok());
  EXPECT_EQ(group.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(group.status().message(), ::testing::HasSubstr("fetch.wait"));
}

// As librdkafka has it after all were set.
std::string Configured(const KafkaProperties& properties, const char* name) {
  const auto conf = MakeKafkaConf(properties);
  char value[64] = "";
  size_t size = sizeof value;
  EXPECT_TRUE(conf.ok()) << conf.status().ToString();
  EXPECT_EQ(rd_kafka_conf_get(conf->get(), name, value, &size),
            RD_KAFKA_CONF_OK);
  return value;
}

TEST(KafkaConfTest, TriesALostBrokerEverySecondUnlessTheJobSaysOtherwise) {
  constexpr char kMax[] = "reconnect.backoff.max.ms";

  EXPECT_EQ(Configured({}, kMax), "1000");
  EXPECT_EQ(Configured({{kMax, "4000"}}, kMax), "4000");
  // Above a second it would contradict ours: the client's own default.
  EXPECT_EQ(Configured({{"reconnect.backoff.ms", "3000"}}, kMax), "10000");
}

}  // namespace
}  // namespace tacho
