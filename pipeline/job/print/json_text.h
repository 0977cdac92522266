#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// Writes indented JSON, one call a token. REQUIRES: calls in an order that
// makes a JSON value; a key before every value in an object.
class JsonText {
 public:
  void OpenObject() { Open('{'); }
  void CloseObject() { Close('}'); }
  void OpenArray() { Open('['); }
  void CloseArray() { Close(']'); }
  void Key(std::string_view name);
  void String(std::string_view value);
  void Raw(std::string_view value);  // A number, true, false.

  // Key and value in one.
  void Field(std::string_view name, std::string_view value);
  void RawField(std::string_view name, std::string_view value);
  void ListField(std::string_view name,
                 const std::vector<std::string_view>& values);

  const std::string& text() const { return text_; }

 private:
  void Open(char bracket);
  void Close(char bracket);
  void BeginValue();
  void NewLine();

  std::string text_;
  size_t depth_ = 0;
  bool first_ = true;       // Nothing in the innermost bracket yet.
  bool after_key_ = false;  // The value goes on the key's line.
};

}  // namespace tacho
