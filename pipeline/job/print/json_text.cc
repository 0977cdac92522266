#include "pipeline/job/print/json_text.h"

#include <cstdio>

namespace tacho {

void JsonText::Key(std::string_view name) {
  String(name);
  text_ += ": ";
  after_key_ = true;
}

void JsonText::String(std::string_view value) {
  BeginValue();
  text_ += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      text_ += escape;
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void JsonText::Raw(std::string_view value) {
  BeginValue();
  text_ += value;
}

void JsonText::Field(std::string_view name, std::string_view value) {
  Key(name);
  String(value);
}

void JsonText::RawField(std::string_view name, std::string_view value) {
  Key(name);
  Raw(value);
}

void JsonText::ListField(std::string_view name,
                         const std::vector<std::string_view>& values) {
  Key(name);
  OpenArray();
  for (std::string_view value : values) String(value);
  CloseArray();
}

void JsonText::Open(char bracket) {
  BeginValue();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonText::Close(char bracket) {
  --depth_;
  if (!first_) NewLine();
  text_ += bracket;
  first_ = false;
}

void JsonText::BeginValue() {
  if (after_key_) {
    after_key_ = false;
  } else if (depth_ > 0) {
    if (!first_) text_ += ',';
    NewLine();
  }
  first_ = false;
}

void JsonText::NewLine() {
  text_ += '\n';
  text_.append(2 * depth_, ' ');
}

}  // namespace tacho
