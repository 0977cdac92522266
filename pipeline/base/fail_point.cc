#include "pipeline/base/fail_point.h"

#ifdef TACHO_FAIL_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tacho {
namespace {

// "name:n" or "name:n:what" of the environment.
struct Armed {
  Armed() {
    const char* const text = std::getenv("TACHO_FAIL_POINT");
    if (text == nullptr) return;
    name = text;
    const size_t colon = name.find(':');
    if (colon == std::string::npos) return;
    const std::string rest = name.substr(colon + 1);
    name.resize(colon);
    left = std::atoi(rest.c_str());
    if (rest.ends_with(":term")) signal = SIGTERM;
    if (rest.ends_with(":stop")) signal = SIGSTOP;
  }

  std::string name;
  std::atomic<int> left{1};
  int signal = SIGKILL;
};

}  // namespace

void PassFailPoint(const char* name) noexcept {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) return;
  if (armed.left.fetch_sub(1) != 1) return;
  // SIGTERM is for whichever thread waits for it, the others for this place.
  if (armed.signal == SIGTERM) {
    kill(getpid(), SIGTERM);
  } else {
    raise(armed.signal);
  }
}

bool Sabotaged(const char* rule) noexcept {
  static const char* const broken = std::getenv("TACHO_SABOTAGE");
  return broken != nullptr && std::string_view(broken) == rule;
}

}  // namespace tacho

#endif
