#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "pipeline/commit/changelog.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct KafkaChangelogOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::string group;           // Whose changelogs.
  // What librdkafka may hold of changelogs that are being read, and over how
  // many partitions: a lane that restores does not read its input yet.
  size_t queue_bytes = size_t{64} << 20;
  int partitions_per_worker = 8;
  // `partitions_added: continue`: a topic with fewer partitions than its input
  // gets more. Its records are told their partition, so none is in the wrong
  // one afterwards.
  bool grows = false;
};

// The changelogs of a group on a Kafka cluster. Two handles of its own, neither
// a member of a group: one that asks (read uncommitted), one that reads. A
// topic that was found fit is not looked at again until it is gone.
Result<std::unique_ptr<Changelog>> MakeKafkaChangelog(
    KafkaChangelogOptions options);

}  // namespace tacho
