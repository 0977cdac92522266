// What a worker asks a real broker before it starts: topics, settings, rights
// and sizes, and that the commands it answers with are right.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "pipeline/kafka/kafka_handle.h"
#include "state/changelog_name.h"
#include "tests/integration/worker_fixture.h"
#include "tests/support/tcp_proxy.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kPrincipal = "User:worker";

class PreflightTest : public WorkerOnKafka {
 protected:
  static void SetUpTestSuite() {
    // Whoever comes without a name may do all; `worker` what it is allowed.
    BrokerProperties() = {
        {"authorizer.class.name",
         "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
        {"super.users", "User:ANONYMOUS;User:scram"},
        {BrokerProcess::kScramUser, "scram,secret"},
        {BrokerProcess::kSaslJaas,
         "org.apache.kafka.common.security.plain.PlainLoginModule required "
         "user_worker=\"secret\";"},
        {BrokerProcess::kProxyPort, std::to_string(Proxy().port())}};
    setenv("TACHO_TEST_PASSWORD", "secret", 1);
  }

  void SetUp() override {
    WorkerOnKafka::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Proxy().SetUpstream(broker().proxied_port());
  }
  static TcpProxy& Proxy() {
    static TcpProxy proxy;
    return proxy;
  }
  static std::string ProxyBootstrap() {
    return "127.0.0.1:" + std::to_string(Proxy().port());
  }

  struct Outcome {
    std::optional<int> code;
    std::string output;
    std::vector<std::string> fixes;
    std::vector<std::string> warnings;
  };
  Outcome Run(const Arguments& extra) {
    Arguments arguments = {"--until-end"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    const auto worker = Start("host", arguments);
    Outcome outcome;
    outcome.code = worker->WaitExit(seconds(60));
    outcome.output = worker->Output();
    for (const auto& event : worker->Events("preflight_problem")) {
      outcome.fixes.push_back(event["fix"]);
    }
    for (const auto& event : worker->Events("preflight_warning")) {
      outcome.warnings.push_back(event["what"]);
    }
    return outcome;
  }
  // As the user that may do only what it is allowed.
  Outcome RunAsWorker() {
    return Run({"--bootstrap", broker().sasl_bootstrap(), "--set",
                "kafka.security.protocol=sasl_plaintext", "--set",
                "kafka.sasl.mechanism=PLAIN", "--set",
                "kafka.sasl.username=worker", "--set",
                "kafka.sasl.password={env: TACHO_TEST_PASSWORD}"});
  }

  // Runs a command of Kafka's as it was printed, as the super user.
  void Execute(std::string command) {
    const auto replace = [&](const std::string& from, const std::string& to) {
      const size_t at = command.find(from);
      if (at != std::string::npos) command.replace(at, from.size(), to);
    };
    replace(broker().sasl_bootstrap(), broker().bootstrap());
    replace("User:PRINCIPAL", kPrincipal);
    const std::string java = "java -Xmx128m -XX:TieredStopAtLevel=1 -cp '" +
                             BrokerProcess::Libs() + "/*' ";
    replace("kafka-acls.sh", java + "org.apache.kafka.tools.AclCommand");
    replace("kafka-topics.sh", java + "org.apache.kafka.tools.TopicCommand");
    replace("kafka-configs.sh", java + "kafka.admin.ConfigCommand");
    const std::string log = Path("command.log");
    EXPECT_EQ(std::system((command + " > " + log + " 2>&1").c_str()), 0)
        << command;
  }
  void Revoke(std::string grant) {
    const size_t at = grant.find("--add");
    grant.replace(at, 5, "--remove --force");
    Execute(grant);
  }

  std::string Changelog() const { return ChangelogTopic(name(), name(), 0); }
};

// ---- Topics and settings.

TEST_F(PreflightTest, EveryCommandThatIsNamedRepairsWhatItIsNamedFor) {
  Prepare("repair", 3);
  CreateTopic("repair.compacted", 3, {{"cleanup.policy", "compact"}});
  CreateTopic(Changelog(), 3, {{"delete.retention.ms", "1000"}});
  Produce(Telemetry(300, 71));
  const Arguments broken = {"--set", "late.topic=repair.none",
                            "--set", "streams.stats.output.topic=repair.no2",
                            "--set", "rejects.topic=repair.compacted"};

  const Outcome first = Run(broken);

  EXPECT_EQ(first.code, 78) << first.output;
  EXPECT_THAT(first.fixes, SizeIs(5)) << first.output;
  EXPECT_THAT(first.output, HasSubstr("5 problems: "));
  for (const std::string& fix : first.fixes) Execute(fix);
  const Outcome second = Run(broken);
  EXPECT_EQ(second.code, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr("message.timestamp.type=LogAppendTime"));
}

TEST_F(PreflightTest, MissingTopicsAreMadeWhereTheJobSaysSo) {
  Prepare("made", 2);
  Produce(Telemetry(300, 72));
  const Arguments make = {
      "--set", "late={topic: made.l2, create: {partitions: 3}}", "--set",
      "rejects={topic: made.r2, create: {partitions: 2}}"};
  for (int round = 0; round < 2; ++round) {  // "Exists" is success.
    const Outcome outcome = Run(make);
    ASSERT_EQ(outcome.code, 0) << outcome.output;
  }
  EXPECT_THAT(*broker().EndOffsets("made.l2"), SizeIs(3));
  EXPECT_THAT(Read("made.r2"), SizeIs(2));
  EXPECT_TRUE(AtEnd());
}

TEST_F(PreflightTest, LogTimesThatRetentionWillDeleteAreWarnedAbout) {
  Prepare("expires", 1);
  std::vector<KafkaRecord> records = Telemetry(20, 73);
  for (KafkaRecord& record : records) record.timestamp_ms -= 3600 * 1000;
  Produce(records);
  CreateTopic("expires.short", 1, {{"retention.ms", "1800000"}});
  const std::string stream = "streams.stats.output.";
  const Arguments log_time = {"--set", stream + "topic=expires.short", "--set",
                              stream + "timestamp=log_time"};

  EXPECT_THAT(
      Run(log_time).warnings,
      Contains(AllOf(HasSubstr("expires.short"), HasSubstr("retention.ms"))));
  // The group is past them.
  for (const std::string& warning : Run(log_time).warnings) {
    EXPECT_THAT(warning, ::testing::Not(HasSubstr("retention.ms")));
  }
}

// ---- Sizes.

// What the job says, and the topic must take.
TEST_F(PreflightTest, RejectsAreCutToWhatTheirTopicTakes) {
  Prepare("cut", 1);
  constexpr size_t kMax = 40000;
  CreateTopic("cut.small", 1, {{"max.message.bytes", std::to_string(kMax)}});
  // Bytes that no compression makes fewer.
  std::mt19937 random(1);
  std::vector<KafkaRecord> records;
  for (const size_t size : {size_t{100}, size_t{38000}, size_t{39900},
                            size_t{40000}, size_t{900000}}) {
    for (int i = 0; i < 20; ++i) {
      KafkaRecord record;
      record.key = "k";
      record.value.emplace(size, '\0');
      for (char& c : *record.value) c = static_cast<char>(random());
      records.push_back(std::move(record));
    }
  }
  Produce(records);

  const Outcome refused = Run({"--set", "rejects.topic=cut.small"});
  EXPECT_EQ(refused.code, 78) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("lower limits.reject_bytes"));
  const Outcome outcome = Run({"--set", "rejects.topic=cut.small", "--set",
                               "limits.reject_bytes=" + std::to_string(kMax)});

  ASSERT_EQ(outcome.code, 0) << outcome.output;
  const std::vector<Log> rejects = Read("cut.small");
  ASSERT_THAT(rejects[0], SizeIs(records.size()));
  size_t cut = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const KafkaRecord& reject = rejects[0][i];
    const std::string& whole = *records[i].value;
    EXPECT_EQ(*reject.value, whole.substr(0, reject.value->size()));
    const bool truncated = std::any_of(
        reject.headers.begin(), reject.headers.end(),
        [](const auto& header) { return header.first == "tacho.truncated"; });
    EXPECT_EQ(truncated, reject.value->size() < whole.size());
    // Not more than it must.
    if (truncated) {
      EXPECT_GT(reject.value->size(), kMax - 1200);
    }
    cut += truncated ? 1 : 0;
  }
  EXPECT_EQ(cut, 60u);
}

TEST_F(PreflightTest, AResultThatItsTopicRefusesNamesTheTopicAndTheSetting) {
  Prepare("large", 1);
  CreateTopic("large.tiny", 1, {{"max.message.bytes", "300"}});
  Produce(Telemetry(500, 74));

  const Outcome outcome =
      Run({"--set", "streams.stats.output.topic=large.tiny"});

  EXPECT_EQ(outcome.code, 78) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("a result of stream stats can have"));
  EXPECT_THAT(outcome.output, HasSubstr("max.message.bytes is 300"));
  EXPECT_THAT(outcome.output, HasSubstr("kafka-configs.sh"));
}

// ---- Whoever is not reached.

// The code, and each of `texts`; and that no secret is told.
MATCHER_P2(EndsWith, code, texts, "") {
  *result_listener << arg.output;
  bool all = arg.code == code;
  for (const std::string& text : texts) {
    if (arg.output.find(text) == std::string::npos) {
      *result_listener << "\nlacks: " << text;
      all = false;
    }
  }
  return all && arg.output.find("not-the-secret") == std::string::npos;
}
using Texts = std::vector<std::string>;

TEST_F(PreflightTest, WhyNobodyAnswersIsToldWithTheAddressAndTheKey) {
  Prepare("reach", 1);
  setenv("TACHO_TEST_WRONG", "not-the-secret", 1);
  const std::string plain = broker().bootstrap();
  const std::string sasl = broker().sasl_bootstrap();
  const auto run = [&](Arguments extra) {
    extra.insert(extra.end(), {"--broker-timeout", "2"});
    return Run(extra);
  };
  const auto log_in = [](const std::string& protocol) {
    return Arguments{"--set", "kafka.security.protocol=" + protocol,
                     "--set", "kafka.sasl.mechanism=PLAIN",
                     "--set", "kafka.sasl.username=worker",
                     "--set", "kafka.sasl.password={env: TACHO_TEST_WRONG}"};
  };
  const auto at = [](const std::string& address, Arguments more = {}) {
    more.insert(more.end(), {"--bootstrap", address});
    return more;
  };

  EXPECT_THAT(run(at("127.0.0.1:1")),
              EndsWith(69, Texts{"kafka.bootstrap.servers=127.0.0.1:1",
                                 "Connection refused"}));
  EXPECT_THAT(run(at("no-such-host.invalid:9092")),
              EndsWith(69, Texts{"no-such-host.invalid:9092", "resolve"}));
  EXPECT_THAT(run(at("${BROKERS}:9092")),
              EndsWith(78, Texts{"kafka.bootstrap.servers", "{env: BROKERS}"}));
  EXPECT_THAT(run(at(sasl, log_in("sasl_plaintext"))),
              EndsWith(77, Texts{sasl, "kafka.sasl.password",
                                 "kafka.sasl.username=worker"}));
  EXPECT_THAT(run(at(sasl)), EndsWith(78, Texts{sasl, "kafka.security.protocol",
                                                "sasl_plaintext", "PLAIN"}));
  EXPECT_THAT(
      run(at(plain, {"--set", "kafka.security.protocol=ssl"})),
      EndsWith(78, Texts{plain, "kafka.security.protocol", "without TLS"}));
}

// A5: librdkafka before 2.6.1 and Kafka 4 do not agree on SCRAM.
TEST_F(PreflightTest, ScramIsToldApartByTheClientsVersion) {
  Prepare("scram", 1);
  Produce(Telemetry(300, 78));
  const auto run = [&] {
    return Run({"--bootstrap", broker().sasl_bootstrap(), "--set",
                "kafka.security.protocol=sasl_plaintext", "--set",
                "kafka.sasl.mechanism=SCRAM-SHA-512", "--set",
                "kafka.sasl.username=scram", "--set",
                "kafka.sasl.password={env: TACHO_TEST_PASSWORD}"});
  };
  if (KafkaClientVersionNumber() < 0x020601ff) {
    EXPECT_THAT(run(), EndsWith(77, Texts{"2.6.1", "PLAIN over TLS", "mTLS",
                                          "OAUTHBEARER", "scram"}));
  } else {
    EXPECT_EQ(run().code, 0);
  }
  const char* const newer = std::getenv("TACHO_NEW_RDKAFKA");
  if (newer == nullptr) {
    GTEST_SKIP() << "not tried with a newer librdkafka: set TACHO_NEW_RDKAFKA "
                    "to a folder with a librdkafka.so.1 of 2.6.1 or later";
  }
  setenv("LD_LIBRARY_PATH", newer, 1);
  const Outcome outcome = run();
  unsetenv("LD_LIBRARY_PATH");
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  ExpectOutputs(/*closed=*/false);
}

TEST_F(PreflightTest, ABrokerThatDiesUnderAQuestionIsAskedAgainWhenItIsBack) {
  Prepare("dies", 1);
  Produce(Telemetry(300, 76));
  Proxy().KeepNext(TcpProxy::kCreateTopics);  // Whether it would be let.
  const auto worker =
      Start("host", {"--until-end", "--bootstrap", ProxyBootstrap()});
  ASSERT_TRUE(Proxy().AwaitKept(seconds(20))) << worker->Output();

  broker().Kill();
  Proxy().CutAll();
  ASSERT_TRUE(worker->WaitFor("retry")) << worker->Output();
  ASSERT_TRUE(broker().Restart().ok());

  EXPECT_EQ(worker->WaitExit(seconds(60)), 0) << worker->Output();
  EXPECT_THAT(worker->Events("preflight_problem"), IsEmpty());
  ExpectOutputs(/*closed=*/false);
}

// ---- Sizes and stamps.

// A stamp that the broker refuses would be refused again after every restart.
TEST_F(PreflightTest, LogTimesThatTheirTopicRefusesAreMovedToWhereItDoesNot) {
  Prepare("ahead", 1);
  std::vector<KafkaRecord> records = Telemetry(60, 77);
  for (KafkaRecord& record : records) record.timestamp_ms = 0;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  records.back().timestamp_ms = now.count() + 50 * 60 * 1000;
  records.front().timestamp_ms = now.count() - 30 * 60 * 1000;
  Produce(records);
  CreateTopic("ahead.near", 1,
              {{"message.timestamp.after.max.ms", "60000"},
               {"message.timestamp.before.max.ms", "600000"}});
  const std::string stream = "streams.stats.output.";

  const Outcome outcome = Run({"--set", stream + "topic=ahead.near", "--set",
                               stream + "timestamp=log_time", "--close-at-end",
                               "--set", "input.event_time.clock_guard=off"});

  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_TRUE(AtEnd());
  EXPECT_FALSE(Read("ahead.near")[0].empty());
}

// ---- Rights.

TEST_F(PreflightTest, EachRightIsMissedByNameAndGrantedByItsCommand) {
  Prepare("acl", 1);
  Produce(Telemetry(300, 75));
  const std::map<std::string, std::vector<Offset>> before = {
      {"out", *broker().EndOffsets("acl.stats")}};

  // 1. No right at all: every one is named, and the commands are enough.
  Outcome none = RunAsWorker();
  EXPECT_EQ(none.code, 77) << none.output;
  const std::set<std::string> grants(none.fixes.begin(), none.fixes.end());
  EXPECT_THAT(grants, SizeIs(8)) << none.output;
  EXPECT_THAT(grants, Contains(HasSubstr("--group acl")));
  EXPECT_THAT(grants, Contains(HasSubstr("--transactional-id acl-acl-")));
  EXPECT_EQ(*broker().EndOffsets("acl.stats"), before.at("out"));
  for (const std::string& grant : grants) Execute(grant);
  Outcome all;
  ASSERT_TRUE(
      Eventually([&] { return (all = RunAsWorker()).code == 0; }, seconds(20)))
      << all.output;
  ExpectOutputs(/*closed=*/false);

  // 2. Each in turn.
  const std::string add = "kafka-acls.sh --bootstrap-server " +
                          broker().sasl_bootstrap() +
                          " --add --allow-principal User:PRINCIPAL";
  for (const std::string& right :
       {std::string(" --operation Read --topic acl"),
        std::string(" --operation Read --group acl"),
        std::string(" --operation Write --topic acl.stats"),
        " --operation Read --topic " + Changelog(),
        " --operation Write --topic " + Changelog(),
        " --operation DescribeConfigs --topic " + Changelog()}) {
    Revoke(add + right);
    Outcome outcome;
    EXPECT_TRUE(Eventually([&] { return (outcome = RunAsWorker()).code == 77; },
                           seconds(10)))
        << right << outcome.output;
    EXPECT_THAT(outcome.fixes, SizeIs(1)) << right;
    EXPECT_THAT(outcome.fixes, Contains(add + right));
    Execute(add + right);
  }
  EXPECT_TRUE(Eventually([&] { return RunAsWorker().code == 0; }, seconds(20)));
}

}  // namespace
}  // namespace tacho
