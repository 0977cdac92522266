#include "pipeline/job/kafka_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The small job with one more property, on line 2, column 41.
std::string WithProperty(const std::string& property) {
  return SmallJob("localhost:9092}", "localhost:9092, " + property + "}");
}

TEST(KafkaPropertiesTest, RulesAreUniqueAndSayWhatToDo) {
  std::set<std::string_view> names;
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    const bool passed = rule.policy == KafkaPolicy::kPassed ||
                        rule.policy == KafkaPolicy::kSecret;
    EXPECT_EQ(rule.remedy.empty(), passed) << rule.name;
  }
}

TEST(KafkaPropertiesTest, AllowedOnesArePassedOnAsWritten) {
  const ParsedJob parsed =
      Parse(WithProperty("security.protocol: sasl_ssl, linger.ms: 20"));
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  EXPECT_THAT(
      *ResolveKafkaProperties(parsed.job.kafka),
      testing::ElementsAre(
          std::pair<std::string, std::string>("bootstrap.servers",
                                              "localhost:9092"),
          std::pair<std::string, std::string>("security.protocol", "sasl_ssl"),
          std::pair<std::string, std::string>("linger.ms", "20")));
}

TEST(KafkaPropertiesTest, OwnedOnesAreRefusedWithTheKeyToWrite) {
  const std::pair<const char*, const char*> owned[] = {
      {"auto.offset.reset", "write group.offset_reset"},
      {"group.id", "write it as group.id at the top level"},
      {"group.instance.id", "write group.instance_id"},
      {"session.timeout.ms", "write group.session_timeout"},
      {"heartbeat.interval.ms", "write group.heartbeat_interval"},
      {"max.poll.interval.ms", "write group.max_poll_interval"},
      {"enable.auto.commit", "see commit.interval"},
      {"isolation.level", "committed records only"},
      {"transactional.id", "tacho makes it"},
      {"transaction.timeout.ms", "nothing is lost"},
      {"enable.idempotence", "nothing is lost"},
      {"acks", "nothing is lost"},
      {"max.in.flight.requests.per.connection", "nothing is lost"},
      {"message.timeout.ms", "nothing is lost"},
      {"partition.assignment.strategy", "write group.assignment"},
      {"enable.partition.eof", "tacho needs it"},
      {"allow.auto.create.topics", "create topics yourself"}};
  for (const auto& [name, remedy] : owned) {
    const std::string error = Complain(WithProperty(std::string(name) + ": 1"));
    EXPECT_THAT(error, StartsWith("j:2:44: error: kafka." + std::string(name) +
                                  ": tacho owns this property; "));
    EXPECT_THAT(error, HasSubstr(remedy));
  }
}

TEST(KafkaPropertiesTest, CodeIsNeverLoaded) {
  for (const char* name : {"plugin.library.paths", "interceptors",
                           "ssl.engine.location", "ssl.providers"}) {
    EXPECT_THAT(Complain(WithProperty(std::string(name) + ": x")),
                HasSubstr("refused: it loads code into the process"));
  }
}

TEST(KafkaPropertiesTest, UnknownOnesAreCorrected) {
  EXPECT_EQ(Complain(WithProperty("sasl.pasword: {env: A}")),
            "j:2:44: error: kafka.sasl.pasword: unknown client property; did "
            "you mean 'sasl.password'?\n");
  EXPECT_EQ(Complain(WithProperty("zzz: 1")),
            "j:2:44: error: kafka.zzz: unknown client property\n");
}

TEST(KafkaPropertiesTest, ASecretOnTheCommandLineIsRefused) {
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    if (rule.policy != KafkaPolicy::kSecret) continue;
    const std::string path = "kafka." + std::string(rule.name);
    JobOverrides overrides;
    overrides.set = {{path, "hunter2"}};
    EXPECT_EQ(Complain(std::string(kSmallJob), overrides),
              "--set " + path +
                  ": error: every user of this host can read a command line; "
                  "write '" +
                  path + "={file: PATH}' or '" + path + "={env: NAME}'\n");
    overrides.set = {{"kafka", "{bootstrap.servers: h:1, " +
                                   std::string(rule.name) + ": hunter2}"}};
    EXPECT_THAT(Complain(std::string(kSmallJob), overrides),
                HasSubstr("every user of this host can read"));
    overrides.set = {{path, "{env: SECRET}"}};
    EXPECT_TRUE(Parse(std::string(kSmallJob), overrides).ok()) << path;
  }
}

TEST(KafkaPropertiesTest, ASecretInTheFileIsWarnedAbout) {
  const ParsedJob parsed = Parse(WithProperty("sasl.password: hunter2"));
  EXPECT_TRUE(parsed.ok());
  const std::string said = FormatDiagnostics("j", parsed.errors);
  EXPECT_EQ(said,
            "j:2:59: warning: kafka.sasl.password: a secret in the job file; "
            "write {file: PATH} or {env: NAME}\n");
}

TEST(KafkaPropertiesTest, APasswordWithoutTlsIsWarnedAbout) {
  EXPECT_THAT(Complain(WithProperty(
                  "security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN")),
              HasSubstr("j:2:1: warning: kafka: the password crosses"));
}

TEST(KafkaPropertiesTest, AReferenceIsAFileOrAVariable) {
  for (const char* value :
       {"{path: a}", "{}", "{file: a, env: b}", "{file: [a]}", "{env: ''}"}) {
    EXPECT_EQ(Complain(WithProperty("sasl.password: " + std::string(value))),
              "j:2:59: error: kafka.sasl.password: a value from elsewhere is "
              "{file: PATH} or {env: NAME}\n");
  }
  EXPECT_THAT(Complain(WithProperty("linger.ms: [1]")),
              HasSubstr("expected a single value, found a list"));
}

TEST(KafkaPropertiesTest, SecretsAreReadWhenTheJobStarts) {
  const std::string path = testing::TempDir() + "tacho_secret_test";
  std::ofstream(path) << "hunter2\n";
  ASSERT_EQ(setenv("TACHO_SECRET_TEST", "from env", 1), 0);
  const auto resolved =
      ResolveKafkaProperties({{"a", KafkaProperty::Source::kFile, Secret(path)},
                              {"b", KafkaProperty::Source::kEnvironment,
                               Secret("TACHO_SECRET_TEST")}});
  ASSERT_TRUE(resolved.ok()) << resolved.status().ToString();
  EXPECT_EQ((*resolved)[0].second, "hunter2");
  EXPECT_EQ((*resolved)[1].second, "from env");
}

TEST(KafkaPropertiesTest, AMissingSecretIsNamedByItsPlace) {
  const auto file = ResolveKafkaProperties(
      {{"sasl.password", KafkaProperty::Source::kFile, Secret("/no/such")}});
  EXPECT_EQ(file.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(file.status().message(),
              StartsWith("kafka.sasl.password: cannot read '/no/such'"));
  ASSERT_EQ(unsetenv("TACHO_NO_SUCH"), 0);
  const auto variable = ResolveKafkaProperties(
      {{"sasl.password", KafkaProperty::Source::kEnvironment,
        Secret("TACHO_NO_SUCH")}});
  EXPECT_EQ(variable.status().message(),
            "kafka.sasl.password: environment variable 'TACHO_NO_SUCH' is not "
            "set");
}

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(KafkaPropertiesTest, ASecretCannotBePrinted) {
  EXPECT_TRUE(Printable<std::string>);
  EXPECT_FALSE(Printable<Secret>);
}

}  // namespace
}  // namespace tacho
