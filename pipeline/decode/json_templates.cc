#include "pipeline/decode/json_templates.h"

#include <algorithm>

namespace tacho {

JsonTemplates::JsonTemplates(const JsonPaths& paths,
                             const TemplateLimits& limits)
    : graph_(limits), learner_(paths, graph_) {}

void JsonTemplates::EndWindow() {
  kept_for_ += tried_;
  lessons_ = std::min(lessons_ + kLessons, kFirstLessons);
  const bool too_many = missed_ > kMostMissed;
  if (too_many && lessons_ < kFirstLessons / 2) {
    pause_left_ = pause_;
    kept_for_ += pause_;
    pause_ = std::min(2 * pause_, kLongestPause);
  } else if (!too_many) {
    pause_ = kFirstPause;
  }
  if (missed_ > 0 && graph_.is_full() && kept_for_ >= kKeepAtLeast) {
    graph_.Clear();
    kept_for_ = 0;
    lessons_ = kFirstLessons;
  }
  tried_ = missed_ = 0;
}

}  // namespace tacho
