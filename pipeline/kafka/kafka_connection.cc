#include "pipeline/kafka/kafka_connection.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "pipeline/kafka/port_speech.h"

namespace tacho {
namespace {

using std::chrono::steady_clock;

constexpr Millis kSlice{250};           // Between two looks at what was told.
constexpr Millis kListenTimeout{1500};  // For each address.
constexpr int kScramFixed = 0x020601ff;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string Property(const KafkaProperties& properties,
                     const std::string& name) {
  std::string value;
  for (const auto& [key, text] : properties) {
    if (key == name) value = text;
  }
  return value;
}

std::string Mechanism(const KafkaProperties& properties) {
  const std::string one = Property(properties, "sasl.mechanism");
  return one.empty() ? Property(properties, "sasl.mechanisms") : one;
}

// The NAME of a "${NAME}" in it.
std::string UnreplacedName(const std::string& value) {
  const size_t begin = value.find("${");
  const size_t end = value.find('}', begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return value.substr(begin + 2, end - begin - 2);
}

// What to write for values that a shell or another tool would have replaced.
std::string UnreplacedHint(const KafkaProperties& properties) {
  std::string hint;
  for (const auto& [key, value] : properties) {
    const std::string name = UnreplacedName(value);
    if (name.empty()) continue;
    hint += "; kafka." + key + " contains ${" + name +
            "}, which nothing replaces: write {env: " + name + "}";
  }
  return hint;
}

std::vector<std::string> Addresses(const KafkaProperties& properties) {
  std::vector<std::string> addresses;
  std::istringstream list(Property(properties, "bootstrap.servers"));
  for (std::string one; std::getline(list, one, ',');) {
    std::erase_if(one, [](unsigned char c) { return std::isspace(c) != 0; });
    if (!one.empty()) addresses.push_back(one);
  }
  return addresses;
}

// The first thing that was told of each kind.
struct Told {
  std::map<int, std::string> first;

  static void OnError(rd_kafka_t* /*handle*/, int error, const char* reason,
                      void* opaque) {
    static_cast<Told*>(opaque)->first.emplace(error, reason);
  }
  static void OnLog(const rd_kafka_t* /*handle*/, int /*level*/,
                    const char* /*facility*/, const char* /*text*/) {}
  const std::string* Find(rd_kafka_resp_err_t error) const {
    const auto found = first.find(error);
    return found == first.end() ? nullptr : &found->second;
  }
};

bool Answers(rd_kafka_t* handle, Millis timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(
      handle, 0, nullptr, &metadata,
      static_cast<int>(std::max<int64_t>(1, timeout.count())));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const bool any = metadata->broker_cnt > 0;
  rd_kafka_metadata_destroy(metadata);
  return any;
}

Status Denied(const KafkaProperties& properties, const std::string& cause) {
  const std::string user = Property(properties, "sasl.username");
  std::string text = "the brokers refuse the log-in";
  if (!user.empty()) text += " of kafka.sasl.username=" + user;
  text += ": " + cause +
          "; check kafka.sasl.mechanism, kafka.sasl.username and "
          "kafka.sasl.password";
  const std::string scram = ScramNote(properties, KafkaClientVersionNumber());
  if (!scram.empty()) text += "; " + scram;
  return {StatusCode::kPermission, text + UnreplacedHint(properties)};
}

// What an address that gives our client no answer speaks, if that explains it.
Status Mismatch(const KafkaProperties& properties, const std::string& address) {
  const std::string protocol = Lower(Property(properties, "security.protocol"));
  const bool tls = protocol == "ssl" || protocol == "sasl_ssl";
  const bool sasl = protocol.starts_with("sasl_");
  const PortSpeech speech = ListenAt(address, kListenTimeout);
  const std::string key = "kafka.security.protocol is " +
                          (protocol.empty() ? "plaintext" : protocol) +
                          ", and " + address;
  switch (speech.kind) {
    case PortSpeech::Kind::kTls:
      if (tls) break;
      return InvalidArgument(key +
                             " (kafka.bootstrap.servers) speaks TLS; "
                             "write ssl, or sasl_ssl with a log-in");
    case PortSpeech::Kind::kKafka:
      if (!tls && !sasl) break;
      return InvalidArgument(key +
                             " (kafka.bootstrap.servers) speaks Kafka without "
                             "TLS or log-in; write plaintext");
    case PortSpeech::Kind::kSasl: {
      if (!tls && sasl) break;
      std::string names;
      for (const std::string& name : speech.mechanisms) {
        names += (names.empty() ? "" : ", ") + name;
      }
      return InvalidArgument(
          key +
          " (kafka.bootstrap.servers) wants a log-in without "
          "TLS; write sasl_plaintext, and "
          "kafka.sasl.mechanism as one of: " +
          names);
    }
    case PortSpeech::Kind::kNothing:
      break;
  }
  return Status::Ok();
}

Status Explain(const KafkaProperties& properties, const Told& told,
               Millis waited) {
  using Kafka = rd_kafka_resp_err_t;
  constexpr Kafka kAuthentication = RD_KAFKA_RESP_ERR__AUTHENTICATION;
  if (const auto* cause = told.Find(kAuthentication)) {
    return Denied(properties, *cause);
  }
  for (const std::string& address : Addresses(properties)) {
    RETURN_IF_ERROR(Mismatch(properties, address));
  }
  if (const auto* cause = told.Find(RD_KAFKA_RESP_ERR__SSL)) {
    return InvalidArgument(
        "no TLS connection: " + *cause +
        "; check kafka.ssl.ca.location (who is trusted), "
        "kafka.ssl.certificate.location and kafka.ssl.key.location (who we "
        "are), and the names in kafka.bootstrap.servers" +
        UnreplacedHint(properties));
  }
  const std::string servers = Property(properties, "bootstrap.servers");
  std::string text = "no broker of kafka.bootstrap.servers=" + servers +
                     " answers within " + std::to_string(waited.count()) +
                     " ms";
  for (const Kafka code :
       {RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__TIMED_OUT}) {
    if (const auto* cause = told.Find(code)) {
      text += ": " + *cause;
      break;
    }
  }
  return {StatusCode::kUnavailable, text + UnreplacedHint(properties),
          /*retryable=*/true};
}

}  // namespace

std::string ScramNote(const KafkaProperties& properties, int client_version) {
  if (client_version >= kScramFixed) return {};
  if (!Lower(Mechanism(properties)).starts_with("scram-")) return {};
  return "librdkafka " + KafkaClientVersion() +
         " cannot log in by SCRAM to Kafka 4 and later (it repeats the nonce, "
         "which they refuse; fixed in 2.6.1). What works there: PLAIN over "
         "TLS, client certificates (mTLS), OAUTHBEARER, or a newer librdkafka "
         "(README, \"A newer librdkafka\")";
}

Status CheckKafkaConnection(const KafkaProperties& properties, Millis timeout) {
  for (const std::string& address : Addresses(properties)) {
    if (UnreplacedName(address).empty()) continue;
    return InvalidArgument("kafka.bootstrap.servers: '" + address +
                           "' is no address" + UnreplacedHint(properties));
  }
  Told told;
  KafkaProperties all = {{"client.id", "tacho-connection"}};
  all.insert(all.end(), properties.begin(), properties.end());
  all.emplace_back("allow.auto.create.topics", "false");
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  rd_kafka_conf_set_opaque(conf.get(), &told);
  rd_kafka_conf_set_error_cb(conf.get(), &Told::OnError);
  rd_kafka_conf_set_log_cb(conf.get(), &Told::OnLog);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_t> handle,
                   MakeKafkaProducer(std::move(conf)));
  const auto deadline = steady_clock::now() + timeout;
  while (steady_clock::now() < deadline) {
    if (Answers(handle.get(), kSlice)) return Status::Ok();
    rd_kafka_poll(handle.get(), 0);
    // These do not pass by waiting.
    if (told.Find(RD_KAFKA_RESP_ERR__AUTHENTICATION) != nullptr ||
        told.Find(RD_KAFKA_RESP_ERR__SSL) != nullptr) {
      break;
    }
  }
  return Explain(properties, told, timeout);
}

}  // namespace tacho
