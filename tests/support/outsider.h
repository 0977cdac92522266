#pragma once

#include <map>
#include <string>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"

namespace tacho {

// What people do behind a job's back. All wait until it is done.
Status DeleteTopic(const std::string& bootstrap, const std::string& topic);
// Settings that are not named go back to the cluster's own.
Status AlterTopic(const std::string& bootstrap, const std::string& topic,
                  const std::map<std::string, std::string>& config);
// As kafka-consumer-groups.sh --reset-offsets does. REQUIRES: no members.
Status MoveOffset(const std::string& bootstrap, const std::string& group,
                  const TopicPartition& tp, Offset offset);
// The group and its offsets, as if they had expired. REQUIRES: no members.
Status DeleteGroup(const std::string& bootstrap, const std::string& group);

}  // namespace tacho
