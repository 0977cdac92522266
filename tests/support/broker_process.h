#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "pipeline/base/status.h"
#include "tests/support/temp_dir.h"

namespace tacho {

// The process of an Apache Kafka broker and controller in one (KRaft), on
// loopback, with its data in a temporary directory.
//
// The process dies with the thread that started it (PDEATHSIG): start it from
// the main thread. Its output goes to `broker.log` beside its data.
class BrokerProcess {
 public:
  static constexpr const char* kSaslJaas =
      "listener.name.sasl.plain.sasl.jaas.config";

  // Not Kafka's: a second listener without log-in, which clients are told to
  // reach at this port of loopback, where a proxy stands before it.
  static constexpr const char* kProxyPort = "tacho.test.proxy.port";

  // Not Kafka's: "NAME,PASSWORD" of a user who may log in by SCRAM-SHA-512 on
  // the listener that kSaslJaas makes.
  static constexpr const char* kScramUser = "tacho.test.scram.user";

  // `properties` are added to, or replace, those in broker_process.cc. With
  // kSaslJaas among them there is a second listener, SASL PLAIN, on which
  // clients are who they say; on the first they are User:ANONYMOUS.
  explicit BrokerProcess(std::map<std::string, std::string> properties);
  ~BrokerProcess() { Kill(); }
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // Where the jars are: $TACHO_KAFKA_LIBS, or build/kafka-libs.
  static std::string Libs();

  // Picks free ports and writes the directories and files that a broker needs.
  Status Format();
  // Runs the broker on the ports and data of the last Format.
  Status Start();
  // SIGTERM, and waits for the broker to end by itself.
  Status Stop();
  // SIGKILL.
  void Kill();
  // Neither dead nor answering, once Pause returns.
  void Pause() const;
  void Resume() const;

  bool running();  // False once the process has ended, for whatever reason.
  std::string bootstrap() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string sasl_bootstrap() const {
    return "127.0.0.1:" + std::to_string(sasl_port_);
  }
  // Where the broker listens behind kProxyPort.
  int proxied_port() const { return proxied_port_; }
  // The end of broker.log, for messages.
  std::string LogTail() const;

 private:
  Status WriteProperties();
  pid_t Spawn(const std::string& main_class, const std::string& arguments);

  std::map<std::string, std::string> properties_;
  TempDir dir_;
  int port_ = 0;
  int sasl_port_ = 0;
  int proxied_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace tacho
