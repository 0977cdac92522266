#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/status.h"
#include "pipeline/demo/fleet.h"

namespace tacho {

struct FeedMessage {
  std::optional<std::string_view> key;
  std::string_view value;  // Valid until the next call.
};

// What is put into the demo's topic: the synthetic fleet, or a file.
// Threading: one thread.
class Feed {
 public:
  virtual ~Feed() = default;
  // The next message; nothing when there are no more.
  virtual Result<std::optional<FeedMessage>> Next() = 0;
};

std::unique_ptr<Feed> MakeFleetFeed(const FleetOptions& options);
Result<std::unique_ptr<Feed>> MakeFileFeed(const std::string& path);

}  // namespace tacho
