#include "bench/lab/parts/bed.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "pipeline/restore/changelog.h"

namespace tacho::lab {

Bed::Bed(Options o)
    : options(std::move(o)),
      // Where the tests are impatient, the lab wants what a broker does by
      // default.
      broker({{"log.segment.bytes", "268435456"},
              {"transaction.abort.timed.out.transaction.cleanup.interval.ms",
               "10000"}}) {
  Die(broker.Start());
  for (const char* topic :
       {"vehicle.stats", "vehicle.alerts", "vehicle.telemetry.rejects",
        "vehicle.telemetry.late"}) {
    Die(broker.CreateTopic(topic, options.partitions));
  }
}

std::unique_ptr<Child> Bed::StartTacho(const std::string& job,
                                       const std::string& name,
                                       const std::vector<std::string>& more) {
  std::vector<std::string> argv = {options.tacho, "run", job, "--bootstrap",
                                   broker.bootstrap(), "--state-dir",
                                   scratch / name, "--log-format", "json",
                                   // The default is the machine's.
                                   "--set", "memory.limit=768MiB"};
  argv.insert(argv.end(), more.begin(), more.end());
  return std::make_unique<Child>(
      argv, scratch / (name + "-" + std::to_string(logs++) + ".log"));
}

void Bed::MakeChangelog(const std::string& job, const std::string& input) {
  auto config = ChangelogTopicConfig();
  const auto ends = broker.EndOffsets(input);
  Die(ends.status());
  Die(broker.CreateTopic(ChangelogTopic(job, input, 0),
                         static_cast<int>(ends->size()), config));
}

void Die(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "lab: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::string Spread(std::vector<double> values, int digits) {
  if (values.empty()) return "-";
  std::sort(values.begin(), values.end());
  char text[96];
  std::snprintf(text, sizeof text, "%.*f (%.*f to %.*f)", digits,
                values[values.size() / 2], digits, values.front(), digits,
                values.back());
  return text;
}

double Median(std::vector<double> values) { return Quantile(values, 0.5); }

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto rank =
      static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace tacho::lab
