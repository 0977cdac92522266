// EndTxn requests that reach the broker late: after the client has asked again
// over another connection, was told yes, and has begun the next transaction.
// With these clients' protocol (no KIP-890) such a request would commit it half
// written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/exactly_once_fixture.h"
#include "tests/support/tcp_proxy.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class LateEndTxnTest : public ExactlyOnceOnKafka {
 protected:
  static void SetUpTestSuite() {
    BrokerProperties()[BrokerProcess::kProxyPort] =
        std::to_string(Proxy().port());
  }
  void SetUp() override {
    ExactlyOnceOnKafka::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Proxy().SetUpstream(broker().proxied_port());
  }
  static TcpProxy& Proxy() {
    static TcpProxy proxy;
    return proxy;
  }
  void OpenBehindProxy(const std::string& name) {
    Prepare(name);
    options_.output.properties = {
        {"bootstrap.servers", "127.0.0.1:" + std::to_string(Proxy().port())},
        {"reconnect.backoff.ms", "10"},
        {"reconnect.backoff.max.ms", "50"}};
    // Only what was cut is to be noticed, not how long it took.
    options_.slow_commit = Millis(60000);
    Open();
  }
  uint64_t Renewals() const { return writer_->metrics()->renewals.value(); }
};

// librdkafka tells of an error once in 30 s if it stays the same, so that from
// the third cut on a client that listens to errors hears nothing.
TEST_F(LateEndTxnTest, EveryOneOfTenWithinHalfAMinuteMeetsAnotherEpoch) {
  OpenBehindProxy("late-end-txn");
  ASSERT_NE(writer_, nullptr);
  std::vector<std::string> visible;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    // 1. The commit's EndTxn gets lost on the way; the client asks again.
    visible.push_back("commit " + std::to_string(i));
    const Status written = Write(visible.back());
    ASSERT_TRUE(written.ok()) << written.ToString();
    Proxy().KeepNext(TcpProxy::kEndTxn);
    const Status committed = writer_->Commit(epoch_);
    ASSERT_TRUE(committed.ok()) << committed.ToString();
    ASSERT_TRUE(Proxy().AwaitKept(seconds(1)));

    // 2. It arrives when the next transaction is half written.
    Fill("half " + std::to_string(i));
    ASSERT_TRUE(writer_->Begin().ok());
    ASSERT_TRUE(writer_->Produce(part_).ok());
    ASSERT_TRUE(writer_->Flush().ok());
    const int answer = Proxy().DeliverKept();

    EXPECT_NE(answer, 0) << "the broker took the late EndTxn " << i;
    EXPECT_EQ(Renewals(), static_cast<uint64_t>(i + 1));
    writer_->Abort();
    ASSERT_TRUE(writer_->Settle().ok());
    --part_.marker.epoch;
    part_.marker.next_offset = part_.marker.epoch * 10;
    ExpectVisible(visible);
    if (HasFailure()) break;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(30));
}

TEST_F(LateEndTxnTest, ConnectionsThatCloseBetweenTransactionsRenewNothing) {
  OpenBehindProxy("late-idle");
  ASSERT_NE(writer_, nullptr);
  const std::string log = StderrOf([&] {
    for (int i = 0; i < 5; ++i) {
      const Status committed = WriteAndCommit("quiet");
      EXPECT_TRUE(committed.ok()) << committed.ToString();
      EXPECT_TRUE(Proxy().EndAll(seconds(10)));
    }
  });

  EXPECT_EQ(Renewals(), 0u) << log;
}

TEST_F(LateEndTxnTest, WhatWasClosedIsCountedAndLogged) {
  OpenBehindProxy("late-told");
  ASSERT_NE(writer_, nullptr);
  const std::string log = StderrOf([&] {
    ASSERT_TRUE(Write("told").ok());
    Proxy().KeepNext(TcpProxy::kEndTxn);
    ASSERT_TRUE(writer_->Commit(epoch_).ok());
  });

  EXPECT_THAT(log, HasSubstr("producer_renewed"));
  EXPECT_THAT(log, HasSubstr("closed_connections=1"));
  EXPECT_EQ(writer_->metrics()->closed_connections.value(), 1u);
  EXPECT_EQ(writer_->metrics()->precautions.value(), 1u);
}

}  // namespace
}  // namespace tacho
