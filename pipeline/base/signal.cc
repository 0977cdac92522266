#include "pipeline/base/signal.h"

namespace tacho {

const char* SignalTypeName(SignalType type) {
  switch (type) {
    case SignalType::kDouble:
      return "double";
    case SignalType::kInt64:
      return "int64";
    case SignalType::kBool:
      return "bool";
    case SignalType::kString:
      return "string";
  }
  return "unknown";
}

}  // namespace tacho
