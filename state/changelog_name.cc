#include "state/changelog_name.h"

#include <charconv>

#include "pipeline/base/check.h"
#include "pipeline/base/topic_name.h"
#include "state/names.h"

namespace tacho {
namespace {

constexpr std::string_view kSuffix = "-changelog-g";
// What a generation's digits and the suffix leave, whatever the generation.
constexpr size_t kMaxStem = kMaxTopicBytes - kSuffix.size() - 19;

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

std::string EscapePart(std::string_view part, bool dashes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    // To Kafka it is the same as '_': what follows must not read as an escape.
    const bool plain_dot =
        c == '.' && !(i + 2 < part.size() && IsHexDigit(part[i + 1]) &&
                      IsHexDigit(part[i + 2]));
    if (IsLetterOrDigit(c) || plain_dot || (c == '-' && dashes)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out += '_';
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
  }
  return out;
}

// All before the suffix.
std::string Stem(const std::string& group, const std::string& input) {
  std::string stem = EscapePart(group, /*dashes=*/true) + "-" +
                     EscapePart(input, /*dashes=*/false);
  if (stem.size() < kMaxStem) return stem;
  // Only these have kMaxStem bytes.
  const std::string end = "-" + Hash128(stem);
  stem.resize(kMaxStem - end.size());
  return stem + end;
}

// The generation at the end of a name; nothing if there is none.
std::optional<int64_t> GenerationOf(std::string_view digits) {
  int64_t generation = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, generation);
  if (parsed.ec != std::errc() || parsed.ptr != end || generation < 0 ||
      std::to_string(generation) != digits) {
    return std::nullopt;
  }
  return generation;
}

}  // namespace

std::string ChangelogTopic(const std::string& group, const std::string& input,
                           int64_t generation) {
  CHECK(generation >= 0);
  return Stem(group, input) + std::string(kSuffix) + std::to_string(generation);
}

std::optional<int64_t> ChangelogGeneration(const std::string& group,
                                           const std::string& input,
                                           const std::string& topic) {
  const std::string prefix = Stem(group, input) + std::string(kSuffix);
  if (!topic.starts_with(prefix)) return std::nullopt;
  return GenerationOf(std::string_view(topic).substr(prefix.size()));
}

bool IsNamedLikeChangelog(std::string_view topic) {
  const size_t at = topic.rfind(kSuffix);
  return at != topic.npos && GenerationOf(topic.substr(at + kSuffix.size()));
}

std::string ChangelogTopicOf01(const std::string& group,
                               const std::string& input, int64_t generation) {
  return group + "-" + input + std::string(kSuffix) +
         std::to_string(generation);
}

bool IsChangelogOf01(const std::string& group, const std::string& input,
                     const std::string& topic) {
  const std::string prefix = group + "-" + input + std::string(kSuffix);
  return topic.starts_with(prefix) &&
         GenerationOf(std::string_view(topic).substr(prefix.size())) &&
         !ChangelogGeneration(group, input, topic);
}

}  // namespace tacho
