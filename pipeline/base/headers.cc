#include "pipeline/base/headers.h"

#include <algorithm>
#include <cstring>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

constexpr uint32_t kNullValue = UINT32_MAX;
constexpr std::string_view kOurs = "tacho.";
constexpr std::string_view kTheirs = "sender.";
static_assert(kTheirs.size() == kRenamedHeaderBytes);

template <typename Number>
void AppendRaw(std::vector<char>& out, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  out.insert(out.end(), raw, raw + sizeof number);
}

template <typename Number>
Number TakeRaw(std::string_view& from) {
  Number number;
  std::memcpy(&number, from.data(), sizeof number);
  from.remove_prefix(sizeof number);
  return number;
}

bool IsOurs(std::string_view name) {
  return name.size() >= kOurs.size() &&
         std::equal(
             kOurs.begin(), kOurs.end(), name.begin(), [](char a, char b) {
               return a ==
                      (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
             });
}

void AppendParts(std::vector<char>& out, std::string_view prefix,
                 std::string_view name, std::string_view value) {
  DCHECK(prefix.size() + name.size() <= UINT16_MAX);
  AppendRaw(out, static_cast<uint16_t>(prefix.size() + name.size()));
  out.insert(out.end(), prefix.begin(), prefix.end());
  out.insert(out.end(), name.begin(), name.end());
  AppendRaw(out, value.data() == nullptr ? kNullValue
                                         : static_cast<uint32_t>(value.size()));
  out.insert(out.end(), value.begin(), value.end());
}

}  // namespace

void AppendHeader(std::vector<char>& out, std::string_view name,
                  std::string_view value) {
  AppendParts(out, "", name, value);
}

bool NextHeader(std::string_view& headers, std::string_view& name,
                std::string_view& value) {
  if (headers.empty()) return false;
  const size_t name_size = TakeRaw<uint16_t>(headers);
  name = headers.substr(0, name_size);
  headers.remove_prefix(name_size);
  const auto size = TakeRaw<uint32_t>(headers);
  value = size == kNullValue ? std::string_view() : headers.substr(0, size);
  headers.remove_prefix(value.size());
  return true;
}

void AppendSenderHeaders(std::vector<char>& out, std::string_view headers) {
  std::string_view name;
  std::string_view value;
  while (NextHeader(headers, name, value)) {
    // A name that cannot be made longer is not one that anybody looks for.
    const bool rename =
        IsOurs(name) && name.size() <= UINT16_MAX - kTheirs.size();
    AppendParts(out, rename ? kTheirs : "", name, value);
  }
}

}  // namespace tacho
