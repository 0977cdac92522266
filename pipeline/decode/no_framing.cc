#include "pipeline/decode/no_framing.h"

namespace tacho {

const FramingType NoFraming::kType = {
    .name = "none",
    .help = "the value is the message",
};

}  // namespace tacho
