#include "pipeline/base/fail_point.h"

#ifdef TACHO_FAIL_POINTS

#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tacho {
namespace {

// "name:n" of the environment; the n-th passing kills.
struct Armed {
  Armed() {
    const char* const text = std::getenv("TACHO_FAIL_POINT");
    if (text == nullptr) return;
    name = text;
    const size_t colon = name.rfind(':');
    if (colon == std::string::npos) return;
    left = std::atoi(name.c_str() + colon + 1);
    name.resize(colon);
  }

  std::string name;
  std::atomic<int> left{1};
};

}  // namespace

void PassFailPoint(const char* name) noexcept {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) return;
  if (armed.left.fetch_sub(1) == 1) raise(SIGKILL);
}

bool Sabotaged(const char* rule) noexcept {
  static const char* const broken = std::getenv("TACHO_SABOTAGE");
  return broken != nullptr && std::string_view(broken) == rule;
}

}  // namespace tacho

#endif
