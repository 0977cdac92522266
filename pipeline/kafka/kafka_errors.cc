#include "pipeline/kafka/kafka_errors.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>

namespace tacho {
namespace {

constexpr KafkaVerdict kPasses = KafkaVerdict::kPasses;
constexpr KafkaVerdict kDenied = KafkaVerdict::kDenied;
constexpr KafkaVerdict kMisset = KafkaVerdict::kMisset;
constexpr KafkaVerdict kAbsent = KafkaVerdict::kAbsent;
constexpr KafkaVerdict kDamaged = KafkaVerdict::kDamaged;
constexpr KafkaVerdict kTaken = KafkaVerdict::kTaken;
constexpr KafkaVerdict kBug = KafkaVerdict::kBug;

// Numbers, not librdkafka's enumerators: 2.0.2 lacks some that later ones
// answer with.
constexpr KafkaErrorRow kErrors[] = {
    {-199, "_BAD_MSG", kDamaged, ""},
    {-198, "_BAD_COMPRESSION", kDamaged, ""},
    {-197, "_DESTROY", kPasses, ""},
    {-196, "_FAIL", kPasses, ""},
    {-195, "_TRANSPORT", kPasses, ""},
    {-194, "_CRIT_SYS_RESOURCE", kPasses, ""},
    {-193, "_RESOLVE", kPasses, ""},
    {-192, "_MSG_TIMED_OUT", kPasses, ""},
    {-191, "_PARTITION_EOF", kBug, ""},
    {-190, "_UNKNOWN_PARTITION", kAbsent, ""},
    {-189, "_FS", kMisset, ""},
    {-188, "_UNKNOWN_TOPIC", kAbsent, ""},
    {-187, "_ALL_BROKERS_DOWN", kPasses, ""},
    {-186, "_INVALID_ARG", kMisset, ""},
    {-185, "_TIMED_OUT", kPasses, ""},
    {-184, "_QUEUE_FULL", kPasses, ""},
    {-183, "_ISR_INSUFF", kPasses, ""},
    {-182, "_NODE_UPDATE", kPasses, ""},
    {-181, "_SSL", kMisset,
     "check kafka.security.protocol and the kafka.ssl.* keys"},
    {-180, "_WAIT_COORD", kPasses, ""},
    {-179, "_UNKNOWN_GROUP", kBug, ""},
    {-178, "_IN_PROGRESS", kPasses, ""},
    {-177, "_PREV_IN_PROGRESS", kPasses, ""},
    {-176, "_EXISTING_SUBSCRIPTION", kBug, ""},
    {-175, "_ASSIGN_PARTITIONS", kBug, ""},
    {-174, "_REVOKE_PARTITIONS", kBug, ""},
    {-173, "_CONFLICT", kPasses, ""},
    {-172, "_STATE", kPasses, ""},
    {-171, "_UNKNOWN_PROTOCOL", kMisset, ""},
    {-170, "_NOT_IMPLEMENTED", kMisset, ""},
    {-169, "_AUTHENTICATION", kDenied,
     "check kafka.security.protocol and the kafka.sasl.* keys"},
    {-168, "_NO_OFFSET", kBug, ""},
    {-167, "_OUTDATED", kPasses, ""},
    {-166, "_TIMED_OUT_QUEUE", kPasses, ""},
    {-165, "_UNSUPPORTED_FEATURE", kMisset, ""},
    {-164, "_WAIT_CACHE", kPasses, ""},
    {-163, "_INTR", kPasses, ""},
    {-162, "_KEY_SERIALIZATION", kBug, ""},
    {-161, "_VALUE_SERIALIZATION", kBug, ""},
    {-160, "_KEY_DESERIALIZATION", kBug, ""},
    {-159, "_VALUE_DESERIALIZATION", kBug, ""},
    {-158, "_PARTIAL", kPasses, ""},
    {-157, "_READ_ONLY", kBug, ""},
    {-156, "_NOENT", kBug, ""},
    {-155, "_UNDERFLOW", kPasses, ""},
    {-154, "_INVALID_TYPE", kBug, ""},
    {-153, "_RETRY", kPasses, ""},
    {-152, "_PURGE_QUEUE", kPasses, ""},
    {-151, "_PURGE_INFLIGHT", kPasses, ""},
    {-150, "_FATAL", kBug, ""},
    {-149, "_INCONSISTENT", kPasses, ""},
    {-148, "_GAPLESS_GUARANTEE", kPasses, ""},
    {-147, "_MAX_POLL_EXCEEDED", kPasses, ""},
    {-146, "_UNKNOWN_BROKER", kPasses, ""},
    {-145, "_NOT_CONFIGURED", kBug, ""},
    {-144, "_FENCED", kPasses, ""},
    {-143, "_APPLICATION", kBug, ""},
    {-142, "_ASSIGNMENT_LOST", kPasses, ""},
    {-141, "_NOOP", kBug, ""},
    {-140, "_AUTO_OFFSET_RESET", kDamaged, ""},
    {-139, "_LOG_TRUNCATION", kDamaged, ""},
    {-138, "_INVALID_DIFFERENT_RECORD", kMisset, ""},
    {-1, "UNKNOWN", kPasses, ""},
    {1, "OFFSET_OUT_OF_RANGE", kDamaged, ""},
    {2, "INVALID_MSG", kDamaged, ""},
    {3, "UNKNOWN_TOPIC_OR_PART", kAbsent, ""},
    {4, "INVALID_MSG_SIZE", kMisset, ""},
    {5, "LEADER_NOT_AVAILABLE", kPasses, ""},
    {6, "NOT_LEADER_FOR_PARTITION", kPasses, ""},
    {7, "REQUEST_TIMED_OUT", kPasses, ""},
    {8, "BROKER_NOT_AVAILABLE", kPasses, ""},
    {9, "REPLICA_NOT_AVAILABLE", kPasses, ""},
    {10, "MSG_SIZE_TOO_LARGE", kMisset, "raise max.message.bytes of the topic"},
    {11, "STALE_CTRL_EPOCH", kPasses, ""},
    {12, "OFFSET_METADATA_TOO_LARGE", kMisset,
     "raise offset.metadata.max.bytes of the brokers"},
    {13, "NETWORK_EXCEPTION", kPasses, ""},
    {14, "COORDINATOR_LOAD_IN_PROGRESS", kPasses, ""},
    {15, "COORDINATOR_NOT_AVAILABLE", kPasses, ""},
    {16, "NOT_COORDINATOR", kPasses, ""},
    {17, "TOPIC_EXCEPTION", kMisset, ""},
    {18, "RECORD_LIST_TOO_LARGE", kMisset,
     "raise segment.bytes of the topic, or lower kafka.batch.size"},
    {19, "NOT_ENOUGH_REPLICAS", kPasses, ""},
    {20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", kPasses, ""},
    {21, "INVALID_REQUIRED_ACKS", kMisset, ""},
    {22, "ILLEGAL_GENERATION", kPasses, ""},
    {23, "INCONSISTENT_GROUP_PROTOCOL", kMisset,
     "all members of a group need the same group.assignment"},
    {24, "INVALID_GROUP_ID", kMisset, ""},
    {25, "UNKNOWN_MEMBER_ID", kPasses, ""},
    {26, "INVALID_SESSION_TIMEOUT", kMisset,
     "group.session_timeout must lie between the brokers' "
     "group.min.session.timeout.ms and group.max.session.timeout.ms"},
    {27, "REBALANCE_IN_PROGRESS", kPasses, ""},
    {28, "INVALID_COMMIT_OFFSET_SIZE", kMisset,
     "raise offset.metadata.max.bytes and max.message.bytes of "
     "__consumer_offsets"},
    {29, "TOPIC_AUTHORIZATION_FAILED", kDenied,
     "grant the right with kafka-acls.sh"},
    {30, "GROUP_AUTHORIZATION_FAILED", kDenied,
     "grant the right with kafka-acls.sh"},
    {31, "CLUSTER_AUTHORIZATION_FAILED", kDenied,
     "grant the right with kafka-acls.sh"},
    {32, "INVALID_TIMESTAMP", kMisset,
     "raise message.timestamp.after.max.ms and message.timestamp.before.max.ms "
     "of the topic, set this host's clock right, or write output.timestamp: "
     "now"},
    {33, "UNSUPPORTED_SASL_MECHANISM", kMisset,
     "set kafka.sasl.mechanism to one that the brokers offer"},
    {34, "ILLEGAL_SASL_STATE", kMisset,
     "the listener takes no SASL log-in; check kafka.security.protocol"},
    {35, "UNSUPPORTED_VERSION", kMisset, "tacho needs brokers of 2.5 or later"},
    {36, "TOPIC_ALREADY_EXISTS", kMisset, ""},
    {37, "INVALID_PARTITIONS", kMisset, ""},
    {38, "INVALID_REPLICATION_FACTOR", kMisset, ""},
    {39, "INVALID_REPLICA_ASSIGNMENT", kMisset, ""},
    {40, "INVALID_CONFIG", kMisset, ""},
    {41, "NOT_CONTROLLER", kPasses, ""},
    {42, "INVALID_REQUEST", kMisset, ""},
    {43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", kMisset,
     "the topic's message format is older than Kafka 0.11; convert it"},
    {44, "POLICY_VIOLATION", kMisset,
     "a policy of the cluster refuses it; its operators know which"},
    {45, "OUT_OF_ORDER_SEQUENCE_NUMBER", kPasses, ""},
    {46, "DUPLICATE_SEQUENCE_NUMBER", kPasses, ""},
    {47, "INVALID_PRODUCER_EPOCH", kPasses, ""},
    {48, "INVALID_TXN_STATE", kPasses, ""},
    {49, "INVALID_PRODUCER_ID_MAPPING", kPasses, ""},
    {50, "INVALID_TRANSACTION_TIMEOUT", kMisset,
     "set transaction.max.timeout.ms of the brokers to at least 10000"},
    {51, "CONCURRENT_TRANSACTIONS", kPasses, ""},
    {52, "TRANSACTION_COORDINATOR_FENCED", kPasses, ""},
    {53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", kDenied,
     "grant the right with kafka-acls.sh"},
    {54, "SECURITY_DISABLED", kMisset, ""},
    {55, "OPERATION_NOT_ATTEMPTED", kPasses, ""},
    {56, "KAFKA_STORAGE_ERROR", kPasses, ""},
    {57, "LOG_DIR_NOT_FOUND", kPasses, ""},
    {58, "SASL_AUTHENTICATION_FAILED", kDenied,
     "check kafka.sasl.username and kafka.sasl.password"},
    {59, "UNKNOWN_PRODUCER_ID", kPasses, ""},
    {60, "REASSIGNMENT_IN_PROGRESS", kPasses, ""},
    {61, "DELEGATION_TOKEN_AUTH_DISABLED", kMisset, ""},
    {62, "DELEGATION_TOKEN_NOT_FOUND", kDenied, ""},
    {63, "DELEGATION_TOKEN_OWNER_MISMATCH", kDenied, ""},
    {64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", kDenied, ""},
    {65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", kDenied, ""},
    {66, "DELEGATION_TOKEN_EXPIRED", kDenied, ""},
    {67, "INVALID_PRINCIPAL_TYPE", kMisset, ""},
    {68, "NON_EMPTY_GROUP", kMisset, "stop the group's members first"},
    {69, "GROUP_ID_NOT_FOUND", kAbsent, ""},
    {70, "FETCH_SESSION_ID_NOT_FOUND", kPasses, ""},
    {71, "INVALID_FETCH_SESSION_EPOCH", kPasses, ""},
    {72, "LISTENER_NOT_FOUND", kPasses, ""},
    {73, "TOPIC_DELETION_DISABLED", kMisset, ""},
    {74, "FENCED_LEADER_EPOCH", kPasses, ""},
    {75, "UNKNOWN_LEADER_EPOCH", kPasses, ""},
    {76, "UNSUPPORTED_COMPRESSION_TYPE", kMisset,
     "set kafka.compression.type to one that the brokers know"},
    {77, "STALE_BROKER_EPOCH", kPasses, ""},
    {78, "OFFSET_NOT_AVAILABLE", kPasses, ""},
    {79, "MEMBER_ID_REQUIRED", kPasses, ""},
    {80, "PREFERRED_LEADER_NOT_AVAILABLE", kPasses, ""},
    {81, "GROUP_MAX_SIZE_REACHED", kMisset,
     "raise group.max.size of the brokers, or run fewer workers"},
    {82, "FENCED_INSTANCE_ID", kTaken,
     "another process is a member with the same group.instance_id; give each "
     "worker an id of its own"},
    {83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", kPasses, ""},
    {84, "ELECTION_NOT_NEEDED", kBug, ""},
    {85, "NO_REASSIGNMENT_IN_PROGRESS", kBug, ""},
    {86, "GROUP_SUBSCRIBED_TO_TOPIC", kMisset, ""},
    {87, "INVALID_RECORD", kMisset,
     "the topic's settings refuse the message; a compacted topic takes none "
     "without a key"},
    {88, "UNSTABLE_OFFSET_COMMIT", kPasses, ""},
    {89, "THROTTLING_QUOTA_EXCEEDED", kPasses, ""},
    {90, "PRODUCER_FENCED", kPasses, ""},
    {91, "RESOURCE_NOT_FOUND", kAbsent, ""},
    {92, "DUPLICATE_RESOURCE", kMisset, ""},
    {93, "UNACCEPTABLE_CREDENTIAL", kDenied, ""},
    {94, "INCONSISTENT_VOTER_SET", kBug, ""},
    {95, "INVALID_UPDATE_VERSION", kBug, ""},
    {96, "FEATURE_UPDATE_FAILED", kBug, ""},
    {97, "PRINCIPAL_DESERIALIZATION_FAILURE", kDenied, ""},
    {100, "UNKNOWN_TOPIC_ID", kPasses, ""},
    {110, "FENCED_MEMBER_EPOCH", kPasses, ""},
    {111, "UNRELEASED_INSTANCE_ID", kTaken,
     "another process is a member with the same group.instance_id; give each "
     "worker an id of its own"},
    {112, "UNSUPPORTED_ASSIGNOR", kMisset, ""},
    {113, "STALE_MEMBER_EPOCH", kPasses, ""},
    {117, "UNKNOWN_SUBSCRIPTION_ID", kPasses, ""},
    {118, "TELEMETRY_TOO_LARGE", kPasses, ""},
};

const KafkaErrorRow* FindRow(int error) {
  const auto* const found = std::lower_bound(
      std::begin(kErrors), std::end(kErrors), error,
      [](const KafkaErrorRow& row, int code) { return row.code < code; });
  return found == std::end(kErrors) || found->code != error ? nullptr : found;
}

StatusCode CodeOf(KafkaVerdict verdict) {
  switch (verdict) {
    case KafkaVerdict::kPasses:
    case KafkaVerdict::kTaken:
      return StatusCode::kUnavailable;
    case KafkaVerdict::kDenied:
      return StatusCode::kPermission;
    case KafkaVerdict::kMisset:
      return StatusCode::kInvalidArgument;
    case KafkaVerdict::kAbsent:
    case KafkaVerdict::kHidden:
      return StatusCode::kNotFound;
    case KafkaVerdict::kDamaged:
      return StatusCode::kCorruption;
    case KafkaVerdict::kBug:
      return StatusCode::kInternal;
  }
  return StatusCode::kInternal;
}

}  // namespace

std::span<const KafkaErrorRow> KafkaErrors() { return kErrors; }

KafkaVerdict KafkaVerdictOf(int error, KafkaTask task) {
  const KafkaErrorRow* const row = FindRow(error);
  if (row == nullptr) return kPasses;
  const KafkaVerdict verdict = row->verdict;
  switch (task) {
    case KafkaTask::kAsk:
      return verdict;
    case KafkaTask::kPartition:
      return error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ? kPasses : verdict;
    case KafkaTask::kKnown:
      return verdict == kAbsent ? kPasses : verdict;
    case KafkaTask::kWrite:
      // A broker that has just started, or is cut off from its controller,
      // says so of what is there.
      if (verdict == kAbsent) return KafkaVerdict::kHidden;
      // What is wrong with the handle, or was lost on the way, a new handle
      // repairs: a checksum, a fatal error. Whether somebody else is who we
      // are is the consumer's to find out.
      return verdict == kDamaged || verdict == kBug || verdict == kTaken
                 ? kPasses
                 : verdict;
  }
  return verdict;
}

bool IsRetryable(KafkaVerdict verdict) {
  return verdict == kPasses || verdict == KafkaVerdict::kHidden;
}

Status FromKafka(int error, const std::string& context, KafkaTask task) {
  return FromKafkaText(error, nullptr, context, task);
}

Status FromKafkaText(int error, const char* text, const std::string& context,
                     KafkaTask task) {
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  const KafkaVerdict verdict = KafkaVerdictOf(error, task);
  const bool own = text == nullptr || *text == '\0';
  std::string message = context + ": " + (own ? rd_kafka_err2str(code) : text) +
                        " (" + rd_kafka_err2name(code) + ")";
  const KafkaErrorRow* const row = FindRow(error);
  if (row != nullptr && *row->remedy != '\0') {
    message += std::string("; ") + row->remedy;
  }
  return {CodeOf(verdict), std::move(message), IsRetryable(verdict)};
}

bool IsProducerFence(int error) {
  return error == RD_KAFKA_RESP_ERR__FENCED ||
         error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

}  // namespace tacho
