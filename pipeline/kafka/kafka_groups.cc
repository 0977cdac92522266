#include "pipeline/kafka/kafka_groups.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "pipeline/base/utf8.h"
#include "pipeline/kafka/admin_handle.h"
#include "pipeline/kafka/kafka_commands.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {
namespace {

constexpr size_t kErrorSize = 512;
constexpr int kCountTimeoutMs = 1000;

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};
template <typename T, void (*destroy)(T*)>
using Owned = std::unique_ptr<T, Destroy<T, destroy>>;
using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using ListOffsetsRequest = Owned<rd_kafka_ListConsumerGroupOffsets_t,
                                 rd_kafka_ListConsumerGroupOffsets_destroy>;
using AlterOffsetsRequest = Owned<rd_kafka_AlterConsumerGroupOffsets_t,
                                  rd_kafka_AlterConsumerGroupOffsets_destroy>;

// Its own time limit is never reached: AdminHandle keeps the real one.
Options MakeOptions(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
  Options options(rd_kafka_AdminOptions_new(handle, operation));
  char error[kErrorSize];
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), ToKafkaMs(AdminHandle::kRequestTimeout), error,
      sizeof error);
  return options;
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

GroupDescription ToDescription(
    const rd_kafka_ConsumerGroupDescription_t* group) {
  GroupDescription description;
  description.state = rd_kafka_consumer_group_state_name(
      rd_kafka_ConsumerGroupDescription_state(group));
  const size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
  for (size_t i = 0; i < count; ++i) {
    const auto* const member =
        rd_kafka_ConsumerGroupDescription_member(group, i);
    std::string text = Text(rd_kafka_MemberDescription_client_id(member));
    const std::string instance =
        Text(rd_kafka_MemberDescription_group_instance_id(member));
    if (!instance.empty()) text += " (instance " + instance + ")";
    text += " on " + Text(rd_kafka_MemberDescription_host(member));
    description.members.push_back(std::move(text));
  }
  return description;
}

// Nothing while a transaction that holds offsets of the group is open.
Result<std::optional<std::vector<PartitionOffset>>> Stable(
    const rd_kafka_topic_partition_list_t& list, const std::string& context) {
  std::vector<PartitionOffset> offsets;
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& e = list.elems[i];
    if (e.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
      return std::optional<std::vector<PartitionOffset>>();
    }
    RETURN_IF_ERROR(FromKafka(e.err, context));
    if (e.offset < 0) continue;
    offsets.push_back(OffsetOf(e));
  }
  std::sort(offsets.begin(), offsets.end(),
            [](const PartitionOffset& a, const PartitionOffset& b) {
              return a.tp < b.tp;
            });
  return std::optional(std::move(offsets));
}

// The one group that was asked about. The answer owns it.
template <typename T>
Result<const T*> OnlyResult(const T** results, size_t count,
                            const std::string& context) {
  if (count != 1) {
    return Status(StatusCode::kInternal,
                  context + ": the client answered with " +
                      std::to_string(count) + " results, not one");
  }
  return results[0];
}

const Status& StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const Result<T>& result) {
  return result.status();
}

// Asks again while the answer is one that passes: a coordinator is found late
// on a broker that has just started, and moves when one stops.
template <typename Ask>
auto UntilAnswered(const AdminHandle& handle, const Deadline& deadline,
                   const Ask& ask) {
  while (true) {
    auto answer = ask();
    const Status status = StatusOf(answer);
    if (status.ok() || !status.retryable() || !handle.Pause(deadline)) {
      return answer;
    }
  }
}

// Java's Math.abs of a hash: of the least number, which has no counterpart, 0.
int32_t AbsoluteHash(uint32_t hash) {
  if (hash == 0x80000000U) return 0;
  const auto number = static_cast<int32_t>(hash);
  return number < 0 ? -number : number;
}

}  // namespace

int32_t OffsetsPartition(const std::string& group, int32_t partitions) {
  // String.hashCode: over UTF-16 code units, modulo 2^32.
  uint32_t hash = 0;
  const auto add = [&](uint32_t unit) { hash = hash * 31 + unit; };
  std::string_view rest = group;
  while (!rest.empty()) {
    const CodePoint first = FirstCodePoint(rest);
    rest.remove_prefix(first.size);
    if (first.code >= 0x10000) {
      add(0xD800 + ((first.code - 0x10000) >> 10));
      add(0xDC00 + ((first.code - 0x10000) & 0x3FF));
    } else {
      add(first.code);
    }
  }
  return partitions <= 0 ? 0 : AbsoluteHash(hash) % partitions;
}

Result<GroupDescription> KafkaGroups::Describe(const std::string& group,
                                               Millis timeout) {
  const Deadline deadline(timeout);
  return UntilAnswered(handle_, deadline,
                       [&] { return DescribeOnce(group, deadline.left()); });
}

Result<GroupDescription> KafkaGroups::DescribeOnce(const std::string& group,
                                                   Millis timeout) {
  const std::string context = "group " + group;
  const Options options =
      MakeOptions(handle_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  const char* groups[] = {group.c_str()};
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   handle_.Call(context, timeout,
                                [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
                                  rd_kafka_DescribeConsumerGroups(
                                      rk, groups, 1, options.get(), queue);
                                }));
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** const results =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_ConsumerGroupDescription_t* const found,
                   OnlyResult(results, count, context));
  const rd_kafka_error_t* const error =
      rd_kafka_ConsumerGroupDescription_error(found);
  if (error != nullptr) {
    return FromKafkaText(rd_kafka_error_code(error),
                         rd_kafka_error_string(error), context);
  }
  return ToDescription(found);
}

Status KafkaGroups::AskOffsets(
    const std::string& group, const rd_kafka_topic_partition_list_t* partitions,
    WhichOffsets which, Millis timeout, const Visit& visit) {
  const Deadline deadline(timeout);
  return UntilAnswered(handle_, deadline, [&] {
    return AskOffsetsOnce(group, partitions, which, deadline.left(), visit);
  });
}

Status KafkaGroups::AskOffsetsOnce(
    const std::string& group, const rd_kafka_topic_partition_list_t* partitions,
    WhichOffsets which, Millis timeout, const Visit& visit) {
  const std::string context = "offsets of group " + group;
  const ListOffsetsRequest request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), partitions));
  rd_kafka_ListConsumerGroupOffsets_t* requests[] = {request.get()};
  const Options options =
      MakeOptions(handle_.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  const KafkaPtr<rd_kafka_error_t> refused(
      rd_kafka_AdminOptions_set_require_stable_offsets(
          options.get(), which == WhichOffsets::kStable ? 1 : 0));
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   handle_.Call(context, timeout,
                                [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
                                  rd_kafka_ListConsumerGroupOffsets(
                                      rk, requests, 1, options.get(), queue);
                                }));
  size_t count = 0;
  const rd_kafka_group_result_t** const results =
      rd_kafka_ListConsumerGroupOffsets_result_groups(
          rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_group_result_t* const found,
                   OnlyResult(results, count, context));
  return visit(*rd_kafka_group_result_partitions(found));
}

Result<std::vector<PartitionOffset>> KafkaGroups::Offsets(
    const std::string& group, Millis timeout, WhichOffsets which) {
  const Deadline deadline(timeout);
  const std::string context = "offsets of group " + group;
  do {
    std::optional<std::vector<PartitionOffset>> offsets;
    RETURN_IF_ERROR(
        AskOffsets(group, nullptr, which, deadline.left(),
                   [&](const rd_kafka_topic_partition_list_t& list) -> Status {
                     ASSIGN_OR_RETURN(offsets, Stable(list, context));
                     return Status::Ok();
                   }));
    if (offsets) return *std::move(offsets);
  } while (handle_.Pause(deadline));
  constexpr const char* kOffsetsTopic = "__consumer_offsets";
  const auto count =
      KafkaPartitionCount(handle_.get(), kOffsetsTopic, kCountTimeoutMs);
  const int32_t partition = count.ok() ? OffsetsPartition(group, *count) : -1;
  return Status(StatusCode::kUnavailable,
                context +
                    ": a transaction that moves them is still open; look at it "
                    "with: " +
                    LookForTransactionCommands(handle_.properties(),
                                               {kOffsetsTopic, partition}),
                /*retryable=*/true);
}

Result<std::vector<TopicPartition>> KafkaGroups::UnstableOffsets(
    const std::string& group, const std::vector<TopicPartition>& partitions,
    Millis timeout) {
  std::vector<TopicPartition> unstable;
  const auto asked = MakeTopicList(partitions);
  RETURN_IF_ERROR(
      AskOffsets(group, asked.get(), WhichOffsets::kStable, timeout,
                 [&](const rd_kafka_topic_partition_list_t& list) -> Status {
                   for (int i = 0; i < list.cnt; ++i) {
                     const rd_kafka_topic_partition_t& e = list.elems[i];
                     if (e.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
                       unstable.push_back({e.topic, e.partition});
                     }
                   }
                   return Status::Ok();
                 }));
  return unstable;
}

Status KafkaGroups::AlterOffsets(const std::string& group,
                                 const std::vector<PartitionOffset>& offsets,
                                 Millis timeout) {
  const Deadline deadline(timeout);
  return UntilAnswered(handle_, deadline, [&] {
    return AlterOffsetsOnce(group, offsets, deadline.left());
  });
}

Status KafkaGroups::AlterOffsetsOnce(
    const std::string& group, const std::vector<PartitionOffset>& offsets,
    Millis timeout) {
  const std::string context = "move the offsets of group " + group;
  const auto list = MakeOffsetList(offsets);
  const AlterOffsetsRequest request(
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  rd_kafka_AlterConsumerGroupOffsets_t* requests[] = {request.get()};
  const Options options =
      MakeOptions(handle_.get(), RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   handle_.Call(context, timeout,
                                [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
                                  rd_kafka_AlterConsumerGroupOffsets(
                                      rk, requests, 1, options.get(), queue);
                                }));
  size_t count = 0;
  const rd_kafka_group_result_t** const results =
      rd_kafka_AlterConsumerGroupOffsets_result_groups(
          rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_group_result_t* const altered,
                   OnlyResult(results, count, context));
  const auto* const partitions = rd_kafka_group_result_partitions(altered);
  for (int i = 0; i < partitions->cnt; ++i) {
    const rd_kafka_topic_partition_t& e = partitions->elems[i];
    // What the coordinator says to an outsider while the group has members.
    if (e.err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID) {
      return InvalidArgument(context + ": it has active members");
    }
    RETURN_IF_ERROR(FromKafka(
        e.err,
        context + ": " + TopicPartition{e.topic, e.partition}.ToString()));
  }
  return Status::Ok();
}

}  // namespace tacho
