#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"
#include "pipeline/commit/kafka_changelog.h"
#include "pipeline/job/group_standing.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/job/offset_reset.h"

namespace tacho {
namespace {

constexpr Millis kTimeout{30000};

using Row = std::vector<std::string>;

// Columns as wide as their widest cell, two blanks between them.
void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

std::string OffsetText(Offset offset) {
  return offset == kNoOffset ? "-" : std::to_string(offset);
}

// A job, with what it needs to talk to its cluster.
struct Session {
  Job job;
  KafkaProperties properties;
  std::unique_ptr<KafkaAdmin> admin;
};

Result<Session> OpenSession(Job job) {
  Session session;
  session.job = std::move(job);
  ASSIGN_OR_RETURN(session.properties,
                   ResolveKafkaProperties(session.job.kafka));
  ASSIGN_OR_RETURN(session.admin, KafkaAdmin::Open(session.properties));
  return session;
}

int Fail(const Status& status, std::ostream& err) {
  err << "tacho offsets: " << status.message() << "\n";
  return ExitCodeFor(status);
}

std::string ChangelogText(const GroupStanding& standing,
                          const PartitionStanding& partition) {
  if (standing.guarantee == Guarantee::kAtLeastOnce) return "none";
  const int64_t generation = partition.generation();
  const std::string topic =
      ChangelogTopic(standing.group, partition.tp.topic, generation);
  const auto input = standing.changelogs.find(partition.tp.topic);
  if (input == standing.changelogs.end()) return topic + " (missing)";
  const auto found = input->second.find(generation);
  const auto index = static_cast<size_t>(partition.tp.partition);
  if (found == input->second.end() || index >= found->second.extents.size()) {
    return topic + " (missing)";
  }
  const auto& [start, end] = found->second.extents[index];
  return topic + " [" + std::to_string(start) + ", " + std::to_string(end) +
         ")";
}

void PrintStanding(const GroupStanding& standing, std::ostream& out) {
  out << "group " << standing.group << " of job " << standing.job << ": "
      << standing.description.state << "\n";
  for (const std::string& member : standing.description.members) {
    out << "  member " << member << "\n";
  }
  std::vector<Row> rows = {{"TOPIC", "PARTITION", "COMMITTED", "LOG START",
                            "LOG END", "LAG", "COMMITTED BY", "CHANGELOG"}};
  for (const PartitionStanding& p : standing.partitions) {
    const bool known = p.committed != kNoOffset;
    rows.push_back({p.tp.topic, std::to_string(p.tp.partition),
                    OffsetText(p.committed), std::to_string(p.log_start),
                    std::to_string(p.log_end),
                    known ? std::to_string(p.log_end - p.committed) : "-",
                    DescribeMetadata(p), ChangelogText(standing, p)});
  }
  PrintTable(rows, out);
}

void PrintPlan(const GroupStanding& standing, const ResetPlan& plan,
               std::ostream& out) {
  for (const PlannedChangelog& changelog : plan.changelogs) {
    out << (changelog.exists ? "use" : "create") << " changelog "
        << ChangelogTopic(standing.group, changelog.input, changelog.generation)
        << " with " << changelog.partitions << " partitions\n";
  }
  std::vector<Row> rows = {
      {"TOPIC", "PARTITION", "FROM", "TO", "GENERATION", "STATE", "NOTE"}};
  for (const PlannedMove& move : plan.moves) {
    rows.push_back({move.tp.topic, std::to_string(move.tp.partition),
                    OffsetText(move.from), std::to_string(move.to),
                    std::to_string(move.generation),
                    plan.wipe ? "wiped" : "kept", move.note});
  }
  PrintTable(rows, out);
}

Status Apply(const Session& session, const ResetPlan& plan) {
  std::unique_ptr<Changelog> changelog;
  if (!plan.changelogs.empty()) {
    KafkaChangelogOptions options;
    options.properties = session.properties;
    options.group = session.job.group.id;
    ASSIGN_OR_RETURN(changelog, MakeKafkaChangelog(std::move(options)));
  }
  return ApplyReset(
      plan, changelog.get(),
      [&](const std::vector<GroupOffset>& offsets) {
        return session.admin->AlterGroupOffsets(plan.group, offsets, kTimeout);
      },
      kTimeout);
}

Status Show(Job job, std::ostream& out) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(std::move(job)));
  ASSIGN_OR_RETURN(
      const GroupStanding standing,
      AskGroupStanding(session.job, *session.admin, std::nullopt, kTimeout));
  PrintStanding(standing, out);
  return Status::Ok();
}

Status Reset(Job job, const OffsetsResetOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(std::move(job)));
  const ResetTarget& target = options.request.target;
  const bool by_time = target.kind == ResetTarget::Kind::kTime;
  ASSIGN_OR_RETURN(
      const GroupStanding standing,
      AskGroupStanding(session.job, *session.admin,
                       by_time ? std::optional(target.time) : std::nullopt,
                       kTimeout));
  ASSIGN_OR_RETURN(const ResetPlan plan, PlanReset(standing, options.request));
  PrintPlan(standing, plan, out);
  RETURN_IF_ERROR(CheckStopped(standing));
  if (options.dry_run) {
    out << "dry run: nothing was changed\n";
    return Status::Ok();
  }
  RETURN_IF_ERROR(Apply(session, plan));
  out << "moved " << plan.moves.size() << " offsets of group " << plan.group
      << "\n";
  return Status::Ok();
}

JobOverrides WithGroup(JobOverrides overrides, const std::string& group) {
  if (!group.empty()) overrides.set.emplace_back("group.id", group);
  return overrides;
}

}  // namespace

int OffsetsShowCommand(const OffsetsShowOptions& options, std::ostream& out,
                       std::ostream& err) {
  LoadedJob loaded = LoadJob(options.job_file,
                             WithGroup(options.overrides, options.group), err);
  if (!loaded.job.has_value()) return loaded.exit_code;
  const Status status = Show(*std::move(loaded.job), out);
  return status.ok() ? kExitOk : Fail(status, err);
}

int OffsetsResetCommand(const OffsetsResetOptions& options, std::ostream& out,
                        std::ostream& err) {
  LoadedJob loaded = LoadJob(options.job_file,
                             WithGroup(options.overrides, options.group), err);
  if (!loaded.job.has_value()) return loaded.exit_code;
  const Status status = Reset(*std::move(loaded.job), options, out);
  return status.ok() ? kExitOk : Fail(status, err);
}

}  // namespace tacho
