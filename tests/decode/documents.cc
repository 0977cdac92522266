#include "tests/decode/documents.h"

#include <zlib.h>

#include <nlohmann/json.hpp>

#include "pipeline/base/arena.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

// Accepts everything and remembers the id of the error.
class Listener : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    error_id = error.id;
    return false;
  }
  int error_id = 0;
};

}  // namespace

PaddedText::PaddedText(std::string_view text, std::string_view padding)
    : bytes_(text.begin(), text.end()), size_(text.size()) {
  for (size_t i = 0; i < Arena::kPadding; ++i) {
    bytes_.push_back(padding.empty() ? ' ' : padding[i % padding.size()]);
  }
  bytes_.shrink_to_fit();
}

const std::vector<std::string>& HostilePaddings() {
  static const std::vector<std::string> paddings = {"}",
                                                    "]",
                                                    "\"",
                                                    "0123456789",
                                                    ",\"x\":1}",
                                                    "\\\"",
                                                    "e5}",
                                                    ".5}",
                                                    "true}",
                                                    "{\"vehicle_id\":\"next\"",
                                                    std::string(1, '\0'),
                                                    "\xff"};
  return paddings;
}

std::string Mutate(std::string text, std::mt19937_64& random) {
  static constexpr char kLikely[] =
      "{}[]\":,\\0123456789eE+-.truefalsn u/\xff\xc3\xa9\x01 \n";
  const auto any = [&] { return kLikely[random() % (sizeof kLikely - 1)]; };
  for (size_t edits = 1 + random() % 2; edits > 0; --edits) {
    if (text.empty()) text = "{";
    const size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = any();
        break;
      case 1:
        text.erase(at, 1 + random() % 3);
        break;
      case 2:
        text.insert(at, 1, any());
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), 1 + random() % 6));
    }
  }
  return text;
}

bool IsUtf8ByHand(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    size_t more = 0;
    uint32_t code = lead;
    if (lead >= 0xF0) {
      more = 3;
      code = lead & 0x07u;
    } else if (lead >= 0xE0) {
      more = 2;
      code = lead & 0x0Fu;
    } else if (lead >= 0xC0) {
      more = 1;
      code = lead & 0x1Fu;
    } else if (lead >= 0x80) {
      return false;
    }
    if (lead >= 0xF8 || more >= text.size() - at) return false;
    for (size_t i = 1; i <= more; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80) return false;
      code = code * 64 + (next & 0x3Fu);
    }
    static constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (code < kLeast[more] || code > 0x10FFFF) return false;
    if (code >= 0xD800 && code < 0xE000) return false;
    at += 1 + more;
  }
  return true;
}

bool IsJsonByNlohmann(std::string_view text, bool& cut) {
  constexpr int kNumberOutOfRange = 406;
  // It skips a byte order mark, which this project takes for garbage.
  if (text.starts_with("\xEF\xBB\xBF")) return false;
  Listener listener;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &listener)) {
    return true;
  }
  cut = listener.error_id == kNumberOutOfRange;
  return cut;
}

std::vector<RealMessage> ReadRealMessages(const std::string& name) {
  std::vector<RealMessage> messages;
  const std::string path = SourceDir() + "/../shared/data/" + name;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return messages;
  std::vector<char> line(1 << 20);
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    const std::string text = line.data();
    constexpr std::string_view kValue = "\"value\":";
    const size_t value = text.find(kValue) + kValue.size();
    const size_t end = text.rfind('}');
    // {"key":"...","value":
    const std::string key = text.substr(8, text.find('"', 8) - 8);
    messages.push_back({key, text.substr(value, end - value)});
  }
  gzclose(file);
  return messages;
}

}  // namespace tacho
