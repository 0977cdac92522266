#include "pipeline/kafka/group_metadata.h"

#include <librdkafka/rdkafka.h>

#include <cstring>
#include <string>

#include "pipeline/kafka/kafka_handle.h"

namespace tacho {
namespace {

constexpr std::string_view kMagic = "CGMDv2:";

bool TakeString(std::string_view& in, std::string& out) {
  const size_t end = in.find('\0');
  if (end == std::string_view::npos) return false;
  out = in.substr(0, end);
  in.remove_prefix(end + 1);
  return true;
}

}  // namespace

Result<GroupMembership> ParseGroupMetadata(std::string_view serialised) {
  const Status bad(StatusCode::kInternal, "group metadata of librdkafka " +
                                              KafkaClientVersion() +
                                              " is in an unknown format");
  GroupMembership out;
  std::string_view in = serialised;
  if (!in.starts_with(kMagic)) return bad;
  in.remove_prefix(kMagic.size());
  if (in.size() < sizeof out.generation) return bad;
  std::memcpy(&out.generation, in.data(), sizeof out.generation);
  in.remove_prefix(sizeof out.generation);
  if (!TakeString(in, out.group_id) || !TakeString(in, out.member_id) ||
      in.empty()) {
    return bad;
  }
  const bool instance_is_null = in.front() != 0;
  in.remove_prefix(1);
  if (!instance_is_null && !TakeString(in, out.instance_id)) return bad;
  if (!in.empty()) return bad;
  return out;
}

Result<GroupMembership> ReadGroupMetadata(
    const rd_kafka_consumer_group_metadata_t* metadata) {
  void* buffer = nullptr;
  size_t size = 0;
  const KafkaPtr<rd_kafka_error_t> error(
      rd_kafka_consumer_group_metadata_write(metadata, &buffer, &size));
  if (error != nullptr) {
    return FromKafka(rd_kafka_error_code(error.get()), "group metadata");
  }
  Result<GroupMembership> membership =
      ParseGroupMetadata({static_cast<const char*>(buffer), size});
  rd_kafka_mem_free(nullptr, buffer);
  return membership;
}

void GroupMetadataDeleter::operator()(
    rd_kafka_consumer_group_metadata_t* p) const {
  rd_kafka_consumer_group_metadata_destroy(p);
}

std::unique_ptr<rd_kafka_consumer_group_metadata_t, GroupMetadataDeleter>
MakeGroupMetadata(const GroupMembership& m) {
  return std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                         GroupMetadataDeleter>(
      rd_kafka_consumer_group_metadata_new_with_genid(
          m.group_id.c_str(), m.generation, m.member_id.c_str(),
          m.instance_id.empty() ? nullptr : m.instance_id.c_str()));
}

}  // namespace tacho
