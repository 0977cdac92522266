#pragma once

#include "pipeline/job/print/json_text.h"

namespace tacho {

// Writes `allOf` into the schema of `input`: which keys each shape requires,
// and which it has not.
void WriteShapeRules(JsonText& json);

}  // namespace tacho
