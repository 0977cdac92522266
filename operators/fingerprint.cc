#include "operators/fingerprint.h"

#include <xxhash.h>

namespace tacho {

uint64_t Fingerprint(std::string_view description) {
  return XXH3_64bits(description.data(), description.size());
}

}  // namespace tacho
