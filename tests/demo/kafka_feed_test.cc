// What is fed into a topic comes out at its tail.

#include "pipeline/demo/kafka_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "pipeline/demo/embedded_broker.h"
#include "pipeline/demo/kafka_tail.h"

namespace tacho {
namespace {

struct Seen {
  int32_t partition;
  Offset offset;
  std::string key;
  std::string value;
};

std::vector<Seen> Tail(const std::string& bootstrap, const std::string& topic,
                       size_t count) {
  std::vector<Seen> seen;
  auto tail =
      KafkaTail::Open({{"bootstrap.servers", bootstrap}}, {topic}, 5000);
  EXPECT_TRUE(tail.ok()) << tail.status().ToString();
  if (!tail.ok()) return seen;
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (seen.size() < count && std::chrono::steady_clock::now() < deadline) {
    (*tail)->Poll(100, [&](const TailMessage& m) {
      EXPECT_EQ(m.topic, topic);
      seen.push_back(
          {m.partition, m.offset, std::string(m.key), std::string(m.value)});
    });
  }
  return seen;
}

TEST(KafkaFeedTest, WhatIsSentComesOutInOrderPerKey) {
  auto broker = EmbeddedBroker::Start();
  ASSERT_TRUE(broker.ok());
  ASSERT_TRUE((*broker)->CreateTopic("feed", 4).ok());
  auto feed =
      KafkaFeed::Open({{"bootstrap.servers", (*broker)->bootstrap()}}, "feed");
  ASSERT_TRUE(feed.ok()) << feed.status().ToString();
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "key " + std::to_string(i % 13);
    ASSERT_TRUE((*feed)->Send(key, std::to_string(i)).ok());
  }
  ASSERT_TRUE((*feed)->Flush(Millis(10000)).ok());
  EXPECT_EQ((*feed)->sent(), 2000u);

  const std::vector<Seen> seen = Tail((*broker)->bootstrap(), "feed", 2000);

  ASSERT_EQ(seen.size(), 2000u);
  std::map<std::string, int> last;
  std::map<std::string, int32_t> partition;
  for (const Seen& m : seen) {
    const int n = std::stoi(m.value);
    EXPECT_EQ(m.key, "key " + std::to_string(n % 13));
    EXPECT_EQ(n, last.contains(m.key) ? last[m.key] + 13 : n % 13);
    last[m.key] = n;
    EXPECT_EQ(partition.try_emplace(m.key, m.partition).first->second,
              m.partition);
  }
}

// murmur2("21") and its like are pinned in Kafka's own tests.
TEST(KafkaFeedTest, KeysGoWhereJavaClientsSendThem) {
  auto broker = EmbeddedBroker::Start();
  ASSERT_TRUE(broker.ok());
  ASSERT_TRUE((*broker)->CreateTopic("murmur", 1000).ok());
  auto feed = KafkaFeed::Open({{"bootstrap.servers", (*broker)->bootstrap()}},
                              "murmur");
  ASSERT_TRUE(feed.ok());
  // UtilsTest.testMurmur2 of Apache Kafka.
  const std::map<std::string, int32_t> hashes = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107}};
  for (const auto& [key, hash] : hashes) {
    ASSERT_TRUE((*feed)->Send(key, "v").ok());
  }
  ASSERT_TRUE((*feed)->Flush(Millis(10000)).ok());

  const std::vector<Seen> seen =
      Tail((*broker)->bootstrap(), "murmur", hashes.size());

  ASSERT_EQ(seen.size(), hashes.size());
  for (const Seen& m : seen) {
    EXPECT_EQ(m.partition, (hashes.at(m.key) & 0x7fffffff) % 1000) << m.key;
  }
}

TEST(KafkaFeedTest, MessagesWithoutAKeyKeepTheirOrder) {
  auto broker = EmbeddedBroker::Start();
  ASSERT_TRUE(broker.ok());
  ASSERT_TRUE((*broker)->CreateTopic("keyless", 4).ok());
  auto feed = KafkaFeed::Open({{"bootstrap.servers", (*broker)->bootstrap()}},
                              "keyless");
  ASSERT_TRUE(feed.ok());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE((*feed)->Send(std::nullopt, std::to_string(i)).ok());
  }
  ASSERT_TRUE((*feed)->Flush(Millis(10000)).ok());

  const std::vector<Seen> seen = Tail((*broker)->bootstrap(), "keyless", 100);

  ASSERT_EQ(seen.size(), 100u);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].partition, 0);
    EXPECT_EQ(seen[i].value, std::to_string(i));
  }
}

// Nothing is taken, and the client's queue is full.
TEST(KafkaFeedTest, AFeedThatNobodyTakesEndsWithWhatToDo) {
  auto feed = KafkaFeed::Open({{"bootstrap.servers", "127.0.0.1:1"},
                               {"queue.buffering.max.messages", "10"},
                               {"log_level", "0"}},
                              "feed", Millis(300));
  ASSERT_TRUE(feed.ok()) << feed.status().ToString();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE((*feed)->Send("key", "value").ok());
  }
  const auto start = std::chrono::steady_clock::now();

  const Status status = (*feed)->Send("key", "value");

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("topic feed"), std::string::npos)
      << status.message();
  EXPECT_GE(std::chrono::steady_clock::now() - start, Millis(300));
}

TEST(KafkaTailTest, AnAbsentBrokerIsAnError) {
  const auto tail =
      KafkaTail::Open({{"bootstrap.servers", "127.0.0.1:1"}}, {"t"}, 300);

  ASSERT_FALSE(tail.ok());
  EXPECT_EQ(tail.status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tacho
