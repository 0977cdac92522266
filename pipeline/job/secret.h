#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>

namespace tacho {

// Text that must not reach a log, a metric or a page: it has no way to be
// printed, and its bytes are overwritten when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() {
    volatile char* bytes = text_.data();
    for (size_t i = 0; i < text_.size(); ++i) bytes[i] = 0;
  }

  // For handing to the library that needs it, and for nothing else.
  const std::string& Reveal() const { return text_; }

 private:
  std::string text_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace tacho
