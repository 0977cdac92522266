#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "pipeline/base/log.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/offsets/offset_reset.h"

namespace tacho {

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
};

// tacho run: one worker of a job.
struct RunOptions {
  std::string job_file;
  JobOverrides overrides;  // With --bootstrap and --state-dir as the last ones.
  bool until_end = false;  // Process what is there now, then exit.
  bool close_at_end = false;  // Close what is open at the end.
  bool leave = false;         // A static member leaves its group when it stops.
  int threads = 0;            // 0: one a core.
  int broker_timeout_seconds = 60;  // How long an absent broker is waited for.
  LogOptions log;
};

// tacho demo: an embedded broker, a synthetic fleet and jobs, in one process.
struct DemoOptions {
  std::chrono::seconds duration{20};
  std::string input;      // Replays this file; empty: a synthetic fleet.
  uint64_t rate = 10000;  // Messages a second; 0: as fast as they are read.
  uint64_t seed = 1;
  int vehicles = 200;
  std::vector<std::string> job_files;  // Empty: the shipped jobs.
  LogOptions log;
};

// tacho validate: checks job files without a broker.
struct ValidateOptions {
  std::vector<std::string> job_files;
  JobOverrides overrides;
};

// tacho offsets show: where a job's group stands.
struct OffsetsShowOptions {
  std::string job_file;
  JobOverrides overrides;
  std::string group;  // Empty: the job's.
};

// tacho offsets reset: moves a stopped group.
struct OffsetsResetOptions {
  std::string job_file;
  JobOverrides overrides;
  std::string group;  // Empty: the job's.
  ResetRequest request;
  bool dry_run = false;  // Print what would move, and change nothing.
};

// tacho offsets rebuild-changelog: writes lost changelogs anew.
struct OffsetsRebuildOptions {
  std::string job_file;
  JobOverrides overrides;
  std::string group;     // Empty: the job's.
  bool dry_run = false;  // Print what would be written, and change nothing.
};

// tacho schema: what a job file may hold, or what a job writes.
struct SchemaOptions {
  bool markdown = false;  // The reference page instead of JSON Schema.
  std::string outputs;    // The job file whose results are meant.
};

struct VersionOptions {
  bool json = false;
  std::string allocator;  // Known to main only.
};

// Each runs one subcommand and returns the process's exit code.
int RunCommand(const RunOptions& options);
int DemoCommand(const DemoOptions& options);
int ValidateCommand(const ValidateOptions& options, std::ostream& out,
                    std::ostream& err);
int OffsetsShowCommand(const OffsetsShowOptions& options, std::ostream& out,
                       std::ostream& err);
int OffsetsResetCommand(const OffsetsResetOptions& options, std::ostream& out,
                        std::ostream& err);
int OffsetsRebuildCommand(const OffsetsRebuildOptions& options,
                          std::ostream& out, std::ostream& err);
int SchemaCommand(const SchemaOptions& options, std::ostream& out,
                  std::ostream& err);
int VersionCommand(const VersionOptions& options, std::ostream& out);

}  // namespace tacho
