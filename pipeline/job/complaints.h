#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/job/job_parser.h"

namespace tacho {

// Where a piece of a job was written: a 1-based position in the file, or the
// command line's override number `set`.
struct Origin {
  int line = 0;
  int column = 0;
  int set = -1;

  bool operator==(const Origin&) const = default;
};

// Collects what is wrong with a job, so that all of it is said at once.
class Complaints {
 public:
  explicit Complaints(const JobOverrides& overrides) : overrides_(overrides) {}

  void Error(Origin origin, std::string message);
  void Warning(Origin origin, std::string message);

  // Errors so far, without warnings: compared to tell whether a step failed.
  size_t error_count() const { return error_count_; }
  // In file order, overrides first.
  std::vector<JobError> TakeSorted();

 private:
  void Add(Origin origin, std::string message, bool warning);

  const JobOverrides& overrides_;
  std::vector<JobError> errors_;
  size_t error_count_ = 0;
};

// Where the values of a job were written, by their path with the user's own
// names ("streams.alerts.output.topic").
class OriginIndex {
 public:
  void Add(const std::string& path, Origin origin) { origins_[path] = origin; }
  bool Has(const std::string& path) const { return origins_.count(path) != 0; }
  // Of the path, or else of the nearest part of the job that holds it.
  Origin Find(std::string path) const;

 private:
  std::map<std::string, Origin> origins_;
};

}  // namespace tacho
