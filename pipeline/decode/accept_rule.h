#pragma once

#include <string>
#include <string_view>

#include "pipeline/base/arena.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/json_found.h"

namespace tacho {

// Which messages are the job's business, by one value in them. The others are
// skipped: neither records nor rejects.
//
// Threading: immutable.
class AcceptRule {
 public:
  explicit AcceptRule(const AcceptSource& source) : source_(source) {}

  bool is_set() const { return !source_.path.empty(); }
  const std::string& path() const { return source_.path; }

  // `value` is what the message has at path(). The arena is for texts with
  // escapes.
  bool Takes(const JsonValue& value, Arena& arena) const;

 private:
  const AcceptSource source_;
};

}  // namespace tacho
