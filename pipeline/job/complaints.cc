#include "pipeline/job/complaints.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tacho {

void Complaints::Error(Origin origin, std::string message) {
  ++error_count_;
  Add(origin, std::move(message), false);
}

void Complaints::Warning(Origin origin, std::string message) {
  Add(origin, std::move(message), true);
}

void Complaints::Add(Origin origin, std::string message, bool warning) {
  JobError error;
  error.message = std::move(message);
  error.warning = warning;
  if (origin.set >= 0) {
    const auto& path = overrides_.set[static_cast<size_t>(origin.set)].first;
    error.override_path = path.empty() ? "''" : path;
  } else {
    error.line = origin.line;
    error.column = origin.column;
  }
  errors_.push_back(std::move(error));
}

std::vector<JobError> Complaints::TakeSorted() {
  std::stable_sort(
      errors_.begin(), errors_.end(), [](const JobError& a, const JobError& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
      });
  return std::move(errors_);
}

Origin OriginIndex::Find(std::string path) const {
  while (!path.empty()) {
    const auto found = origins_.find(path);
    if (found != origins_.end()) return found->second;
    const size_t dot = path.rfind('.');
    path.resize(dot == std::string::npos ? 0 : dot);
  }
  return Origin{1, 1};
}

}  // namespace tacho
