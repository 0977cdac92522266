#include "pipeline/job/kafka_properties.h"

namespace tacho {
namespace {

constexpr KafkaPolicy kPassed = KafkaPolicy::kPassed;
constexpr KafkaPolicy kSecret = KafkaPolicy::kSecret;
constexpr KafkaPolicy kOwned = KafkaPolicy::kOwned;
constexpr KafkaPolicy kRefused = KafkaPolicy::kRefused;

constexpr std::string_view kByCommit =
    "offsets are committed with the results; see commit.interval";
constexpr std::string_view kDelivery =
    "tacho sets it so that nothing is lost or reordered";
constexpr std::string_view kEvents = "tacho needs it as it is";
constexpr std::string_view kLoadsCode =
    "it loads code into the process and is never allowed";
constexpr std::string_view kNotText = "it is not a setting for a file";
constexpr std::string_view kOldBrokers =
    "brokers that need it are older than the supported 2.5";

}  // namespace

const std::vector<KafkaPropertyRule>& KafkaPropertyRules() {
  static const std::vector<KafkaPropertyRule> rules = {
      // Who and where.
      {"bootstrap.servers", kPassed, ""},
      {"metadata.broker.list", kOwned, "write bootstrap.servers"},
      {"client.id", kPassed, ""},
      {"client.rack", kPassed, ""},
      {"client.dns.lookup", kPassed, ""},
      {"broker.address.family", kPassed, ""},
      {"broker.address.ttl", kPassed, ""},

      // Security.
      {"security.protocol", kPassed, ""},
      {"sasl.mechanism", kPassed, ""},
      {"sasl.mechanisms", kPassed, ""},
      {"sasl.username", kPassed, ""},
      {"sasl.password", kSecret, ""},
      {"sasl.kerberos.service.name", kPassed, ""},
      {"sasl.kerberos.principal", kPassed, ""},
      {"sasl.kerberos.keytab", kPassed, ""},
      {"sasl.kerberos.min.time.before.relogin", kPassed, ""},
      {"sasl.kerberos.kinit.cmd", kRefused,
       "it runs a shell command; run kinit beside tacho"},
      {"sasl.oauthbearer.method", kPassed, ""},
      {"sasl.oauthbearer.config", kSecret, ""},
      {"sasl.oauthbearer.client.id", kPassed, ""},
      {"sasl.oauthbearer.client.secret", kSecret, ""},
      {"sasl.oauthbearer.scope", kPassed, ""},
      {"sasl.oauthbearer.extensions", kPassed, ""},
      {"sasl.oauthbearer.token.endpoint.url", kPassed, ""},
      {"enable.sasl.oauthbearer.unsecure.jwt", kRefused,
       "unsigned tokens are for the client's own tests"},
      {"ssl.cipher.suites", kPassed, ""},
      {"ssl.curves.list", kPassed, ""},
      {"ssl.sigalgs.list", kPassed, ""},
      {"ssl.ca.location", kPassed, ""},
      {"ssl.ca.pem", kPassed, ""},
      {"ssl.ca.certificate.stores", kPassed, ""},
      {"ssl.certificate.location", kPassed, ""},
      {"ssl.certificate.pem", kPassed, ""},
      {"ssl.key.location", kPassed, ""},
      {"ssl.key.pem", kSecret, ""},
      {"ssl.key.password", kSecret, ""},
      {"ssl.keystore.location", kPassed, ""},
      {"ssl.keystore.password", kSecret, ""},
      {"ssl.crl.location", kPassed, ""},
      {"ssl.endpoint.identification.algorithm", kPassed, ""},
      {"enable.ssl.certificate.verification", kPassed, ""},
      {"https.ca.location", kPassed, ""},
      {"https.ca.pem", kPassed, ""},
      {"ssl.providers", kRefused, kLoadsCode},
      {"ssl.engine.location", kRefused, kLoadsCode},
      {"ssl.engine.id", kRefused, kLoadsCode},
      {"plugin.library.paths", kRefused, kLoadsCode},
      {"interceptors", kRefused, kLoadsCode},

      // Connections and metadata.
      {"socket.timeout.ms", kPassed, ""},
      {"socket.connection.setup.timeout.ms", kPassed, ""},
      {"socket.send.buffer.bytes", kPassed, ""},
      {"socket.receive.buffer.bytes", kPassed, ""},
      {"socket.keepalive.enable", kPassed, ""},
      {"socket.nagle.disable", kPassed, ""},
      {"socket.max.fails", kPassed, ""},
      {"connections.max.idle.ms", kPassed, ""},
      {"reconnect.backoff.ms", kPassed, ""},
      {"reconnect.backoff.max.ms", kPassed, ""},
      {"retry.backoff.ms", kPassed, ""},
      {"retry.backoff.max.ms", kPassed, ""},
      {"metadata.max.age.ms", kPassed, ""},
      {"metadata.recovery.strategy", kPassed, ""},
      {"metadata.recovery.rebootstrap.trigger.ms", kPassed, ""},
      {"topic.metadata.refresh.interval.ms", kPassed, ""},
      {"topic.metadata.refresh.fast.interval.ms", kPassed, ""},
      {"topic.metadata.refresh.sparse", kPassed, ""},
      {"topic.metadata.propagation.max.ms", kPassed, ""},
      {"message.max.bytes", kPassed, ""},
      {"receive.message.max.bytes", kPassed, ""},
      {"request.timeout.ms", kPassed, ""},
      {"debug", kPassed, ""},
      {"log_level", kPassed, ""},
      {"log.connection.close", kPassed, ""},
      {"statistics.interval.ms", kPassed, ""},
      {"enable.metrics.push", kPassed, ""},
      {"topic.blacklist", kRefused, "list the topics in input.topics"},
      {"api.version.request", kRefused, kOldBrokers},
      {"api.version.request.timeout.ms", kPassed, ""},
      {"api.version.fallback.ms", kRefused, kOldBrokers},
      {"broker.version.fallback", kRefused, kOldBrokers},
      {"allow.auto.create.topics", kOwned,
       "a misspelt topic must not come into being; create topics yourself"},

      // Consuming.
      {"group.id", kOwned, "write it as group.id at the top level"},
      {"group.instance.id", kOwned, "write group.instance_id"},
      {"session.timeout.ms", kOwned, "write group.session_timeout"},
      {"heartbeat.interval.ms", kOwned, "write group.heartbeat_interval"},
      {"max.poll.interval.ms", kOwned, "write group.max_poll_interval"},
      {"auto.offset.reset", kOwned, "write group.offset_reset"},
      {"partition.assignment.strategy", kOwned, "write group.assignment"},
      {"group.protocol", kOwned, "tacho uses the classic group protocol"},
      {"group.protocol.type", kOwned, "tacho uses the classic group protocol"},
      {"group.remote.assignor", kOwned,
       "tacho uses the classic group protocol"},
      {"coordinator.query.interval.ms", kPassed, ""},
      {"isolation.level", kOwned, "tacho reads committed records only"},
      {"enable.auto.commit", kOwned, kByCommit},
      {"auto.commit.enable", kOwned, kByCommit},
      {"auto.commit.interval.ms", kOwned, kByCommit},
      {"enable.auto.offset.store", kOwned, kByCommit},
      {"offset.store.method", kOwned, kByCommit},
      {"offset.store.path", kOwned, kByCommit},
      {"offset.store.sync.interval.ms", kOwned, kByCommit},
      {"enable.partition.eof", kOwned, kEvents},
      {"queued.min.messages", kPassed, ""},
      {"queued.max.messages.kbytes", kPassed, ""},
      {"fetch.wait.max.ms", kPassed, ""},
      {"fetch.queue.backoff.ms", kPassed, ""},
      {"fetch.message.max.bytes", kPassed, ""},
      {"max.partition.fetch.bytes", kPassed, ""},
      {"fetch.max.bytes", kPassed, ""},
      {"fetch.min.bytes", kPassed, ""},
      {"fetch.error.backoff.ms", kPassed, ""},
      {"check.crcs", kPassed, ""},
      {"consume.callback.max.messages", kOwned, kEvents},

      // Producing.
      {"linger.ms", kPassed, ""},
      {"queue.buffering.max.ms", kPassed, ""},
      {"queue.buffering.max.messages", kPassed, ""},
      {"queue.buffering.max.kbytes", kPassed, ""},
      {"queue.buffering.backpressure.threshold", kPassed, ""},
      {"batch.size", kPassed, ""},
      {"batch.num.messages", kPassed, ""},
      {"message.copy.max.bytes", kPassed, ""},
      {"compression.type", kPassed, ""},
      {"compression.codec", kPassed, ""},
      {"compression.level", kPassed, ""},
      {"sticky.partitioning.linger.ms", kPassed, ""},
      {"acks", kOwned, kDelivery},
      {"request.required.acks", kOwned, kDelivery},
      {"enable.idempotence", kOwned, kDelivery},
      {"enable.gapless.guarantee", kOwned, kDelivery},
      {"max.in.flight", kOwned, kDelivery},
      {"max.in.flight.requests.per.connection", kOwned, kDelivery},
      {"message.timeout.ms", kOwned, kDelivery},
      {"delivery.timeout.ms", kOwned, kDelivery},
      {"retries", kOwned, kDelivery},
      {"message.send.max.retries", kOwned, kDelivery},
      {"queuing.strategy", kOwned, kDelivery},
      {"delivery.report.only.error", kOwned, kEvents},
      {"produce.offset.report", kOwned, kEvents},
      {"transactional.id", kOwned, "tacho makes it from job, group and worker"},
      {"transaction.timeout.ms", kOwned, kDelivery},
      {"partitioner", kOwned,
       "outputs go to the input's partition number, else by murmur2"},

      // Not for a file.
      {"builtin.features", kRefused, kNotText},
      {"enabled_events", kOwned, kEvents},
      {"enable.random.seed", kRefused, kNotText},
      {"log.queue", kOwned, kEvents},
      {"log.thread.name", kPassed, ""},
      {"internal.termination.signal", kOwned, kEvents},
      {"opaque", kRefused, kNotText},
  };
  return rules;
}

}  // namespace tacho
