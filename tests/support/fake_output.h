#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/headers.h"
#include "pipeline/commit/epoch.h"

namespace tacho {

// What has been written to each lane's outputs, as a broker would hold it.
struct FakeOutput {
  TopicPartition lane;
  SinkId sink;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;

  bool operator==(const FakeOutput&) const = default;
};

inline std::vector<FakeOutput> OutputsOf(const LaneEpoch& part) {
  std::vector<FakeOutput> outputs;
  for (const OutputRecord& r : part.outputs.records()) {
    FakeOutput out{part.tp,
                   r.sink,
                   std::string(part.outputs.Key(r)),
                   std::string(part.outputs.Value(r)),
                   {}};
    std::string_view headers = part.outputs.Headers(r);
    std::string_view name;
    std::string_view value;
    while (NextHeader(headers, name, value)) {
      out.headers[std::string(name)] = value;
    }
    outputs.push_back(std::move(out));
  }
  return outputs;
}

}  // namespace tacho
