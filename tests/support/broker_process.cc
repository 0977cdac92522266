#include "tests/support/broker_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

constexpr auto kStopDeadline = std::chrono::seconds(30);
constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr size_t kTailBytes = 4000;
constexpr char kClusterId[] = "dGFjaG8tdGVzdC1icm9rZQ";

// Ports that were free a moment ago; held together so that they differ.
std::array<int, 4> FreePorts() {
  std::array<int, 4> ports;
  std::array<int, 4> sockets;
  for (size_t i = 0; i < ports.size(); ++i) {
    sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    CHECK(bind(sockets[i], raw, size) == 0);
    CHECK(getsockname(sockets[i], raw, &size) == 0);
    ports[i] = ntohs(address.sin_port);
  }
  for (const int one : sockets) close(one);
  return ports;
}

}  // namespace

BrokerProcess::BrokerProcess(std::map<std::string, std::string> properties)
    : properties_(std::move(properties)) {}

std::string BrokerProcess::Libs() {
  const char* const from_env = std::getenv("TACHO_KAFKA_LIBS");
  return from_env != nullptr ? from_env : SourceDir() + "/build/kafka-libs";
}

Status BrokerProcess::WriteProperties() {
  const auto [port, controller_port, sasl_port, proxied_port] = FreePorts();
  port_ = port;
  sasl_port_ = sasl_port;
  proxied_port_ = proxied_port;
  const std::string broker = "127.0.0.1:" + std::to_string(port);
  const std::string controller = "127.0.0.1:" + std::to_string(controller_port);
  std::map<std::string, std::string> all = {
      {"process.roles", "broker,controller"},
      {"node.id", "1"},
      {"controller.quorum.voters", "1@" + controller},
      {"listeners", "PLAINTEXT://" + broker + ",CONTROLLER://" + controller},
      {"advertised.listeners", "PLAINTEXT://" + broker},
      {"controller.listener.names", "CONTROLLER"},
      {"listener.security.protocol.map",
       "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"},
      {"log.dirs", dir_ / "data"},
      {"auto.create.topics.enable", "false"},
      {"num.partitions", "1"},
      {"log.retention.ms", "-1"},
      // One node: nothing can be replicated.
      {"offsets.topic.replication.factor", "1"},
      {"transaction.state.log.replication.factor", "1"},
      {"transaction.state.log.min.isr", "1"},
      {"share.coordinator.state.topic.replication.factor", "1"},
      {"share.coordinator.state.topic.min.isr", "1"},
      // What makes tests wait: joins, session time-outs, dead transactions,
      // and the session of a killed broker, which keeps its successor out.
      {"group.initial.rebalance.delay.ms", "0"},
      {"group.min.session.timeout.ms", "1000"},
      {"broker.session.timeout.ms", "3000"},
      {"broker.heartbeat.interval.ms", "500"},
      {"transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"},
      {"offsets.topic.num.partitions", "4"},
      {"transaction.state.log.num.partitions", "4"},
  };
  if (properties_.contains(kSaslJaas)) {
    all["listeners"] += ",SASL://" + sasl_bootstrap();
    all["advertised.listeners"] += ",SASL://" + sasl_bootstrap();
    all["listener.security.protocol.map"] += ",SASL:SASL_PLAINTEXT";
    all["listener.name.sasl.sasl.enabled.mechanisms"] = "PLAIN";
    all["inter.broker.listener.name"] = "PLAINTEXT";
  }
  if (properties_.contains(kProxyPort)) {
    all["listeners"] += ",PROXIED://127.0.0.1:" + std::to_string(proxied_port_);
    all["advertised.listeners"] +=
        ",PROXIED://127.0.0.1:" + properties_.at(kProxyPort);
    all["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT";
    all["inter.broker.listener.name"] = "PLAINTEXT";
  }
  if (properties_.contains(kScramUser)) {
    all["listener.name.sasl.sasl.enabled.mechanisms"] += ",SCRAM-SHA-512";
    all["listener.name.sasl.scram-sha-512.sasl.jaas.config"] =
        "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  }
  for (const auto& [name, value] : properties_) {
    if (name != kProxyPort && name != kScramUser) all[name] = value;
  }
  std::ofstream file(dir_ / "server.properties");
  for (const auto& [name, value] : all) file << name << '=' << value << '\n';
  return file.flush() ? Status::Ok() : IoError(dir_ / "server.properties");
}

Status BrokerProcess::Format() {
  CHECK(!running());
  std::filesystem::remove_all(dir_ / "data");
  RETURN_IF_ERROR(WriteProperties());
  std::string arguments = std::string("format -t ") + kClusterId;
  if (const auto user = properties_.find(kScramUser);
      user != properties_.end()) {
    const size_t comma = user->second.find(',');
    arguments +=
        " --add-scram SCRAM-SHA-512=[name=" + user->second.substr(0, comma) +
        ",password=" + user->second.substr(comma + 1) + "]";
  }
  const pid_t pid = Spawn("kafka.tools.StorageTool", arguments + " -c");
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Status::Ok();
  return {StatusCode::kUnavailable, "formatting failed:\n" + LogTail()};
}

Status BrokerProcess::Start() {
  CHECK(!running());
  pid_ = Spawn("kafka.Kafka", "");
  return Status::Ok();
}

// `arguments` are separated by blanks; the path of server.properties follows.
pid_t BrokerProcess::Spawn(const std::string& main_class,
                           const std::string& arguments) {
  std::vector<std::string> argv = {"java",
                                   "-Xmx512m",
                                   "-XX:+UseSerialGC",
                                   "-XX:TieredStopAtLevel=1",
                                   "-Dorg.apache.logging.log4j.level=WARN",
                                   "-cp",
                                   Libs() + "/*",
                                   main_class};
  std::istringstream words(arguments);
  argv.insert(argv.end(), std::istream_iterator<std::string>(words), {});
  argv.push_back(dir_ / "server.properties");
  std::vector<char*> raw;
  for (std::string& arg : argv) raw.push_back(arg.data());
  raw.push_back(nullptr);
  const std::string log = dir_ / "broker.log";

  const pid_t parent = getpid();
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // It died before prctl.
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execvp(raw[0], raw.data());
  _exit(127);
}

bool BrokerProcess::running() {
  if (pid_ < 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return true;
  pid_ = -1;
  return false;
}

Status BrokerProcess::Stop() {
  if (!running()) return Status::Ok();
  kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopDeadline;
  while (running()) {
    if (std::chrono::steady_clock::now() > deadline) {
      Kill();
      return {StatusCode::kUnavailable,
              "the broker did not stop:\n" + LogTail()};
    }
    std::this_thread::sleep_for(kPoll);
  }
  return Status::Ok();
}

void BrokerProcess::Pause() const {
  if (pid_ <= 0) return;
  kill(pid_, SIGSTOP);
  // Its threads stop one after the other; until the last has, it may answer.
  waitpid(pid_, nullptr, WUNTRACED);
}

void BrokerProcess::Resume() const {
  if (pid_ > 0) kill(pid_, SIGCONT);
}

void BrokerProcess::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string BrokerProcess::LogTail() const {
  std::ifstream file(dir_ / "broker.log");
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  return log.substr(log.size() - std::min(log.size(), kTailBytes));
}

}  // namespace tacho
