#include "state/codec.h"

#include <array>

namespace tacho {
namespace {

constexpr char kEscaped = '\xff';  // After a NUL: the NUL is part of the id.
constexpr size_t kSubkeyBytes = 8;
constexpr uint64_t kSignBit = uint64_t{1} << 63;

const char* FindNul(const char* begin, const char* end) {
  const size_t size = static_cast<size_t>(end - begin);
  return size == 0 ? nullptr
                   : static_cast<const char*>(std::memchr(begin, 0, size));
}

}  // namespace

void AppendVehiclePrefix(std::vector<char>& out, std::string_view vehicle) {
  const char* at = vehicle.data();
  const char* const end = at + vehicle.size();
  while (const char* const nul = FindNul(at, end)) {
    out.insert(out.end(), at, nul + 1);
    out.push_back(kEscaped);
    at = nul + 1;
  }
  out.insert(out.end(), at, end);
  out.insert(out.end(), 2, '\0');
}

void AppendStateKey(std::vector<char>& out, std::string_view vehicle,
                    int64_t subkey) {
  AppendVehiclePrefix(out, vehicle);
  const uint64_t ordered = static_cast<uint64_t>(subkey) ^ kSignBit;
  std::array<char, kSubkeyBytes> bytes;
  for (size_t i = 0; i < kSubkeyBytes; ++i) {
    bytes[i] = static_cast<char>(ordered >> (56 - 8 * i));
  }
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool ParseStateKey(std::string_view key, std::string_view& vehicle,
                   int64_t& subkey, std::vector<char>& scratch) {
  if (key.size() < kSubkeyBytes + 2) return false;
  const std::string_view tail = key.substr(key.size() - kSubkeyBytes);
  const std::string_view head = key.substr(0, key.size() - kSubkeyBytes);
  uint64_t ordered = 0;
  for (const char c : tail) ordered = ordered << 8 | static_cast<uint8_t>(c);
  subkey = static_cast<int64_t>(ordered ^ kSignBit);

  const size_t first_nul = head.find('\0');
  if (first_nul == head.size() - 2 && head.back() == '\0') {
    vehicle = head.substr(0, first_nul);
    return true;
  }
  scratch.clear();
  for (size_t i = 0; i + 1 < head.size(); ++i) {
    scratch.push_back(head[i]);
    if (head[i] != '\0') continue;
    ++i;
    if (head[i] == kEscaped) continue;
    if (head[i] != '\0' || i + 1 != head.size()) return false;
    vehicle = {scratch.data(), scratch.size() - 1};
    return true;
  }
  return false;
}

}  // namespace tacho
