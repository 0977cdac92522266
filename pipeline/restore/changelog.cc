#include "pipeline/restore/changelog.h"

#include <charconv>

#include "pipeline/base/check.h"

namespace tacho {

std::map<std::string, std::string> ChangelogTopicConfig() {
  return {{"cleanup.policy", "compact"},
          {"delete.retention.ms", std::to_string(kMinDeleteRetention.count())},
          // Only closed segments are compacted, and a restore reads what is
          // not: small segments and an eager cleaner keep it short.
          {"segment.bytes", "134217728"},
          {"min.cleanable.dirty.ratio", "0.3"},
          {"max.compaction.lag.ms", "86400000"},
          {"message.timestamp.type", "CreateTime"}};
}

bool HasChangelogMarks(const std::map<std::string, std::string>& config) {
  const auto ours = ChangelogTopicConfig();
  for (const char* const name :
       {"cleanup.policy", "segment.bytes", "min.cleanable.dirty.ratio",
        "max.compaction.lag.ms"}) {
    const auto found = config.find(name);
    if (found == config.end() || found->second != ours.at(name)) return false;
  }
  return true;
}

Millis DeleteRetention(const std::map<std::string, std::string>& config) {
  const auto found = config.find("delete.retention.ms");
  if (found == config.end()) return Millis(0);
  const std::string& text = found->second;
  int64_t ms = 0;
  std::from_chars(text.data(), text.data() + text.size(), ms);
  return Millis(ms);
}

std::vector<ChangelogFault> CheckChangelogTopic(
    const std::map<std::string, std::string>& config, int32_t partitions,
    int32_t input_partitions) {
  std::vector<ChangelogFault> faults;
  if (partitions != input_partitions) {
    faults.push_back({"it has " + std::to_string(partitions) +
                          " partitions and its input " +
                          std::to_string(input_partitions),
                      ""});
  }
  const auto policy = config.find("cleanup.policy");
  // "compact,delete" loses old state as well.
  if (policy == config.end() || policy->second != "compact") {
    faults.push_back(
        {"its cleanup.policy is " +
             (policy == config.end() ? "unknown" : policy->second) +
             ", not compact: state would be deleted",
         "cleanup.policy=compact"});
  }
  const Millis retention = DeleteRetention(config);
  if (retention < kMinDeleteRetention) {
    const std::string least = std::to_string(kMinDeleteRetention.count());
    faults.push_back({"its delete.retention.ms is " +
                          std::to_string(retention.count()) +
                          ", less than a day (" + least + ")",
                      "delete.retention.ms=" + least});
  }
  return faults;
}

void ChangelogChunk::Add(Offset offset, std::string_view key,
                         std::string_view value) {
  CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  entries_.push_back({.offset = offset,
                      .begin = bytes_.size(),
                      .key_size = static_cast<uint32_t>(key.size()),
                      .value_size = static_cast<uint32_t>(value.size()),
                      .null_value = value.data() == nullptr});
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

}  // namespace tacho
