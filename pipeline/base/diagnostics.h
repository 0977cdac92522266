#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tacho {

// Where a piece of a document was written: a 1-based position in the file, or
// the command line's override number `set`.
struct Origin {
  int line = 0;
  int column = 0;
  int set = -1;

  bool operator==(const Origin&) const = default;
};

// One thing that is wrong, or may surprise, in a document that people write,
// at a 1-based position (columns count characters, not bytes).
struct Diagnostic {
  int line = 0;
  int column = 0;
  std::string message;
  bool warning = false;
  std::string override_path;  // Not empty: about `--set PATH=...`, no position.
};

// Collects what is wrong with a document, so that all of it is said at once.
class Diagnostics {
 public:
  static constexpr size_t kMaxErrors = 100;

  // The paths of the command line's overrides, in order.
  explicit Diagnostics(std::vector<std::string> override_paths = {})
      : override_paths_(std::move(override_paths)) {}

  void Error(Origin origin, std::string message);
  void Warning(Origin origin, std::string message);

  // Errors so far, without warnings: compared to tell whether a step failed.
  size_t error_count() const { return error_count_; }
  // So many that nobody reads more: what is left may go unread.
  bool full() const { return error_count_ >= kMaxErrors; }
  // In file order, overrides first. If it was full, the last one says so.
  std::vector<Diagnostic> TakeSorted();

 private:
  void Add(Origin origin, std::string message, bool warning);

  const std::vector<std::string> override_paths_;
  std::vector<Diagnostic> diagnostics_;
  size_t error_count_ = 0;
};

// Where the values of a document were written, by their path with the user's
// own names ("streams.alerts.output.topic").
class OriginIndex {
 public:
  void Add(const std::string& path, Origin origin) { origins_[path] = origin; }
  bool Has(const std::string& path) const { return origins_.count(path) != 0; }
  // Of the path, or else of the nearest part of the document that holds it.
  Origin Find(std::string path) const;

 private:
  std::map<std::string, Origin> origins_;
};

// "file:line:col: error: message", one line a diagnostic; "--set path: error:
// message" for one in an override.
std::string FormatDiagnostics(const std::string& file,
                              const std::vector<Diagnostic>& diagnostics);

}  // namespace tacho
