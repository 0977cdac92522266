#include "pipeline/kafka/port_speech.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "pipeline/kafka/kafka_connection.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Answers the first bytes of each connection with the same bytes; of an answer
// that is empty, hangs up.
class Answerer {
 public:
  explicit Answerer(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, raw, size), 0);
    EXPECT_EQ(getsockname(listener_, raw, &size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Answerer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void Run() {
    for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
      char buffer[512];
      if (recv(client, buffer, sizeof buffer, 0) > 0) {
        (void)!send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(client);
    }
  }

  const std::string answer_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

using Kind = PortSpeech::Kind;
constexpr Millis kTimeout{2000};

TEST(PortSpeechTest, KnowsTlsByItsAlert) {
  const Answerer tls(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));

  EXPECT_EQ(ListenAt(tls.address(), kTimeout).kind, Kind::kTls);
  EXPECT_EQ(ListenAt("SSL://" + tls.address(), kTimeout).kind, Kind::kTls);
}

// SaslHandshake's answers: size, correlation id 42, error, mechanisms.
TEST(PortSpeechTest, KnowsAListenerThatWantsALogInAndBywhat) {
  const Answerer sasl(
      std::string("\0\0\0\x13"
                  "\0\0\0\x2A"
                  "\0\x21"
                  "\0\0\0\1"
                  "\0\7GSSAPI?",
                  23));
  const PortSpeech speech = ListenAt(sasl.address(), kTimeout);

  EXPECT_EQ(speech.kind, Kind::kSasl);
  EXPECT_THAT(speech.mechanisms, ElementsAre("GSSAPI?"));
}

TEST(PortSpeechTest, KnowsAListenerWithoutLogIn) {
  const Answerer plain(
      std::string("\0\0\0\x0A"
                  "\0\0\0\x2A"
                  "\0\x22"
                  "\0\0\0\0",
                  14));

  EXPECT_EQ(ListenAt(plain.address(), kTimeout).kind, Kind::kKafka);
}

TEST(PortSpeechTest, MakesNothingOfOthersAndOfNobody) {
  const Answerer web("HTTP/1.1 400 Bad Request\r\n\r\n");
  const Answerer silent("");

  EXPECT_EQ(ListenAt(web.address(), kTimeout).kind, Kind::kNothing);
  EXPECT_EQ(ListenAt(silent.address(), kTimeout).kind, Kind::kNothing);
  EXPECT_EQ(ListenAt("127.0.0.1:1", kTimeout).kind, Kind::kNothing);
  EXPECT_EQ(ListenAt("", kTimeout).kind, Kind::kNothing);
  EXPECT_EQ(ListenAt("::::", kTimeout).kind, Kind::kNothing);
}

TEST(PortSpeechTest, APlainClientAtATlsPortIsToldSo) {
  const Answerer tls(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));

  const Status status = CheckKafkaConnection(
      {{"bootstrap.servers", tls.address()}, {"log_level", "0"}}, Millis(500));

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr(tls.address()));
  EXPECT_THAT(status.message(), HasSubstr("speaks TLS"));
}

TEST(KafkaConfTest, WhatCannotBeReadOrWasNotReplacedIsNamed) {
  const auto conf = [](const char* name, const char* value) {
    return MakeKafkaConf({{name, value}}).status();
  };
  EXPECT_THAT(conf("ssl.ca.location", "/no/such.pem").message(),
              HasSubstr("kafka.ssl.ca.location: cannot read '/no/such.pem': No "
                        "such file"));
  EXPECT_TRUE(conf("ssl.ca.location", "probe").ok());
  EXPECT_THAT(conf("security.protocol", "${PROTO}").message(),
              HasSubstr("{env: NAME}"));
}

TEST(ScramNoteTest, IsForOldClientsThatUseIt) {
  const KafkaProperties scram = {{"sasl.mechanism", "SCRAM-SHA-512"}};

  EXPECT_THAT(ScramNote(scram, 0x020002ff), HasSubstr("2.6.1"));
  EXPECT_THAT(ScramNote({{"sasl.mechanisms", "scram-sha-256"}}, 0x020600ff),
              HasSubstr("PLAIN over TLS"));
  EXPECT_THAT(ScramNote(scram, 0x020601ff), IsEmpty());
  EXPECT_THAT(ScramNote({{"sasl.mechanism", "PLAIN"}}, 0x020002ff), IsEmpty());
  EXPECT_THAT(ScramNote({}, 0x020002ff), IsEmpty());
}

}  // namespace
}  // namespace tacho
