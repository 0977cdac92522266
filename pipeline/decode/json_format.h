#pragma once

#include <string_view>

#include "pipeline/base/reject.h"
#include "pipeline/decode/decoder_types.h"
#include "pipeline/decode/json_scanner.h"

namespace tacho {

// Messages that are JSON objects.
struct JsonFormat {
  static const FormatType kType;
  using Scanner = JsonScanner;

  // Says in `site` what a message is that the scanner has refused.
  static void NoteRefused(std::string_view value, RejectReason reason,
                          RejectSite& site);
};

}  // namespace tacho
