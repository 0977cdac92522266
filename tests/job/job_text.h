#pragma once

#include <string>
#include <string_view>

#include "pipeline/job/job_parser.h"
#include "tests/job/operator_fakes.h"

namespace tacho {

// A small correct job; tests change one line of it.
inline constexpr std::string_view kSmallJob =
    "job: small\n"
    "kafka: {bootstrap.servers: localhost:9092}\n"
    "group: {id: small-job}\n"
    "input:\n"
    "  topics: [in]\n"
    "  vehicle: /id\n"
    "  event_time: {path: /ts}\n"
    "  signals:\n"
    "    speed: {path: /speed, unit: km/h}\n"
    "    moving: {path: /moving, type: bool}\n"
    "streams:\n"
    "  fast:\n"
    "    operators:\n"
    "      - excursion: {when: speed > 120, name: fast}\n"
    "    output: {topic: out}\n"
    "rejects: drop\n"
    "late: drop\n";

// `kSmallJob` with its first `from` replaced. An unknown `from` shows as a job
// that does not parse.
inline std::string SmallJob(std::string_view from = "",
                            std::string_view to = "") {
  std::string text(kSmallJob);
  const size_t at = text.find(from);
  if (at == std::string::npos) return "[no such text in the small job";
  return text.replace(at, from.size(), to);
}

inline ParsedJob Parse(const std::string& text,
                       const JobOverrides& overrides = {}) {
  return ParseJob(text, overrides, FakeOperatorTypes());
}

// What is wrong with a job, as users see it.
inline std::string Complain(const std::string& text,
                            const JobOverrides& overrides = {}) {
  return FormatDiagnostics("j", Parse(text, overrides).errors);
}

}  // namespace tacho
