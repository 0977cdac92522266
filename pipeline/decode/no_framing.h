#pragma once

#include <string_view>

#include "pipeline/decode/decoder_types.h"
#include "pipeline/decode/refused.h"

namespace tacho {

// Nothing stands around the message.
struct NoFraming {
  static const FramingType kType;

  // Cuts from `value` what is not the message itself; or says in `site` why
  // that cannot be done.
  static Refused Unwrap(std::string_view& value, RejectSite& site);
};

inline Refused NoFraming::Unwrap(std::string_view&, RejectSite&) {
  return std::nullopt;
}

}  // namespace tacho
