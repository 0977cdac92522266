#include "pipeline/decode/json_index.h"

#include <simdjson.h>

#include <algorithm>

#include "pipeline/base/check.h"
#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

// Position of the quote that closes a string whose content starts at `at`, or
// text.size() if there is none or a control character comes first.
size_t ClosingQuote(std::string_view text, size_t at) {
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20;
  };
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (is_control(text[at])) return text.size();
    if (text[at] != '\\') continue;
    ++at;
    if (at == text.size() || is_control(text[at])) return text.size();
  }
  return at;
}

}  // namespace

#if defined(TACHO_SIMDJSON_STAGE1)

// simdjson picks the kernel for this machine at run time.
struct JsonIndex::Parser {
  explicit Parser(size_t capacity) {
    // The depth is that of simdjson's second stage, which is not used.
    const simdjson::error_code error =
        simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, stages);
    CHECK(error == simdjson::SUCCESS);
  }

  bool Build(std::string_view text) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
    return stages->stage1(bytes, text.size(), simdjson::stage1_mode::regular) ==
           simdjson::SUCCESS;
  }
  const uint32_t* begin() const { return stages->structural_indexes.get(); }
  size_t size() const { return stages->n_structural_indexes; }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
};

IndexRoute JsonIndex::DefaultRoute() { return IndexRoute::kSimdjson; }

#else

// Stands in where there is no first stage to call; never made.
struct JsonIndex::Parser {
  explicit Parser(size_t) {}
  bool Build(std::string_view) { return false; }
  const uint32_t* begin() const { return nullptr; }
  size_t size() const { return 0; }
};

IndexRoute JsonIndex::DefaultRoute() { return IndexRoute::kPortable; }

#endif

JsonIndex::JsonIndex(IndexRoute route, size_t capacity) {
  CHECK(capacity < UINT32_MAX);
  if (route == IndexRoute::kSimdjson && route == DefaultRoute()) {
    parser_ = std::make_unique<Parser>(std::max<size_t>(capacity, 64));
  } else {
    positions_.reset(new uint32_t[capacity + 1]);
  }
}

JsonIndex::~JsonIndex() = default;

bool JsonIndex::Build(std::string_view text) {
  if (parser_ == nullptr) return BuildPortable(text);
  if (!parser_->Build(text)) return false;
  begin_ = parser_->begin();
  end_ = begin_ + parser_->size();
  return true;
}

bool JsonIndex::BuildPortable(std::string_view text) {
  uint32_t* out = positions_.get();
  bool in_scalar = false;
  for (size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        in_scalar = false;
        continue;
      case '{':
      case '}':
      case '[':
      case ']':
      case ':':
      case ',':
        in_scalar = false;
        break;
      case '"':
        *out++ = static_cast<uint32_t>(at);
        at = ClosingQuote(text, at + 1);
        if (at == text.size()) return false;
        in_scalar = false;
        continue;
      default:
        if (in_scalar) continue;
        in_scalar = true;
    }
    *out++ = static_cast<uint32_t>(at);
  }
  begin_ = positions_.get();
  end_ = out;
  return begin_ != end_ && IsUtf8(text);
}

}  // namespace tacho
