#include "pipeline/base/topic_name.h"

namespace tacho {

bool IsTopicName(std::string_view text) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.size() <= kMaxTopicBytes && text != "." &&
         text != ".." && text.find_first_not_of(kLegal) == text.npos;
}

}  // namespace tacho
