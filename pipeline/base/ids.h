#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace tacho {

// Position of a message in its partition's log.
using Offset = int64_t;
inline constexpr Offset kNoOffset = -1;

// Dense, lane-local number of a vehicle, handed out by LaneState::Intern.
using VehicleIndex = uint32_t;

// Dense number of an output topic within a job. The wiring numbers them:
// rejects, late, then the streams' outputs.
using SinkId = uint32_t;

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
  std::string ToString() const {
    return topic + "/" + std::to_string(partition);
  }
};

}  // namespace tacho

template <>
struct std::hash<tacho::TopicPartition> {
  size_t operator()(const tacho::TopicPartition& tp) const noexcept {
    return std::hash<std::string>()(tp.topic) * 31 +
           static_cast<size_t>(tp.partition);
  }
};
