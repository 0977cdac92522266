#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// A text followed by 64 bytes that are not its own, as the next message's are
// in an arena.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text, std::string_view padding = "");
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::vector<char> bytes_;  // Of exact size, so that a sanitizer sees more.
  size_t size_;
};

// Paddings that would change the verdict of a reader that looks at them.
const std::vector<std::string>& HostilePaddings();

// `text` with one or two random edits that like JSON's own characters.
std::string Mutate(std::string text, std::mt19937_64& random);

// UTF-8 after RFC 3629, one byte at a time.
bool IsUtf8ByHand(std::string_view text);

// Whether nlohmann's parser takes `text` as JSON. It refuses numbers beyond a
// double, which are valid: those count as valid here, and `cut` is set since
// what follows them was not looked at.
bool IsJsonByNlohmann(std::string_view text, bool& cut);

// Real messages: key and value of each line, byte for byte. Empty if the file
// is not there.
struct RealMessage {
  std::string key;
  std::string value;
};
std::vector<RealMessage> ReadRealMessages(const std::string& name);

}  // namespace tacho
