#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/restore/changelog.h"

namespace tacho {

struct KafkaChangelogOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::string group;           // Whose changelogs.
  // Of each changelog that is being read.
  FetchLimits fetch = FetchLimitsFor(size_t{64} << 20, 1);
  // `partitions_added: continue`: a topic with fewer partitions than its input
  // gets more. Its records are told their partition, so none is in the wrong
  // one afterwards.
  bool grows = false;
};

// The changelogs of a group on a Kafka cluster. Two handles of its own, neither
// a member of a group: one that asks (read uncommitted), one that reads.
// Prepare does not look again at a topic that it has found fit, unless Range
// has failed since.
Result<std::unique_ptr<Changelog>> MakeKafkaChangelog(
    KafkaChangelogOptions options);

}  // namespace tacho
