#include "pipeline/base/diagnostics.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "pipeline/base/printable.h"

namespace tacho {

void Diagnostics::Error(Origin origin, std::string message) {
  if (!full()) Add(origin, std::move(message), false);
  ++error_count_;
}

void Diagnostics::Warning(Origin origin, std::string message) {
  Add(origin, std::move(message), true);
}

void Diagnostics::Add(Origin origin, std::string message, bool warning) {
  Diagnostic diagnostic;
  diagnostic.message = std::move(message);
  diagnostic.warning = warning;
  if (origin.set >= 0) {
    const auto& path = override_paths_[static_cast<size_t>(origin.set)];
    diagnostic.override_path = path.empty() ? "''" : path;
  } else {
    diagnostic.line = origin.line;
    diagnostic.column = origin.column;
  }
  diagnostics_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::TakeSorted() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.line, a.column) <
                            std::tie(b.line, b.column);
                   });
  if (full()) {
    Diagnostic more = diagnostics_.back();
    more.message = "there are too many errors; these are the first " +
                   std::to_string(kMaxErrors);
    more.warning = false;
    diagnostics_.push_back(std::move(more));
  }
  return std::move(diagnostics_);
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

std::string FormatDiagnostics(const std::string& file,
                              const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics) {
    text += d.override_path.empty()
                ? Printable(file) + ":" + std::to_string(d.line) + ":" +
                      std::to_string(d.column)
                : "--set " + Printable(d.override_path);
    text += d.warning ? ": warning: " : ": error: ";
    text += Printable(d.message) + "\n";
  }
  return text;
}

}  // namespace tacho
