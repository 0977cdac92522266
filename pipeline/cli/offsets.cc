#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/printable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"
#include "pipeline/commit/kafka_exactly_once.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/kafka/kafka_connection.h"
#include "pipeline/offsets/changelog_rebuild.h"
#include "pipeline/offsets/group_status.h"
#include "pipeline/offsets/offset_reset.h"
#include "pipeline/restore/kafka_changelog.h"

namespace tacho {
namespace {

constexpr Millis kTimeout{30000};
// Of a transaction that holds all of a lane's state; below the brokers' default
// for transaction.max.timeout.ms.
constexpr Millis kRebuildTimeout{600000};

using Row = std::vector<std::string>;

// Columns as wide as their widest cell, two blanks between them. Cells may hold
// text of others.
void PrintTable(std::vector<Row> rows, std::ostream& out) {
  for (Row& row : rows) {
    for (std::string& cell : row) cell = Printable(cell);
  }
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
  RETURN_IF_ERROR(CheckKafkaConnection(session.properties, kTimeout));
  ASSIGN_OR_RETURN(session.admin, KafkaAdmin::Open(session.properties));
  return session;
}

int Fail(const Status& status, std::ostream& err) {
  err << "tacho offsets: " << Printable(status.message()) << "\n";
  return ExitCodeFor(status);
}

std::string ChangelogText(const GroupStatus& group_status,
                          const PartitionStatus& partition) {
  if (group_status.guarantee == Guarantee::kAtLeastOnceLocal) return "none";
  const int64_t generation = partition.generation();
  if (partition.metadata &&
      partition.metadata->format < OffsetMetadata::kFormat) {
    return ChangelogTopicOf01(group_status.group, partition.tp.topic,
                              generation) +
           " (of tacho 0.1: run that, or reset with --state wipe)";
  }
  const std::string topic =
      ChangelogTopic(group_status.group, partition.tp.topic, generation);
  const auto input = group_status.changelogs.find(partition.tp.topic);
  if (input == group_status.changelogs.end()) return topic + " (missing)";
  const auto found = input->second.find(generation);
  const auto index = static_cast<size_t>(partition.tp.partition);
  if (found == input->second.end() || index >= found->second.extents.size()) {
    return topic + " (missing)";
  }
  const auto& [start, end] = found->second.extents[index];
  return topic + " [" + std::to_string(start) + ", " + std::to_string(end) +
         ")";
}

void PrintGroupStatus(const GroupStatus& group_status, std::ostream& out) {
  out << "group " << Printable(group_status.group) << " of job "
      << group_status.job << ": " << Printable(group_status.description.state)
      << "\n";
  for (const std::string& member : group_status.description.members) {
    out << "  member " << Printable(member) << "\n";
  }
  std::vector<Row> rows = {{"TOPIC", "PARTITION", "COMMITTED", "LOG START",
                            "LOG END", "LAG", "COMMITTED BY", "CHANGELOG"}};
  for (const PartitionStatus& p : group_status.partitions) {
    const bool known = p.committed != kNoOffset;
    rows.push_back({p.tp.topic, std::to_string(p.tp.partition),
                    OffsetText(p.committed), std::to_string(p.log_start),
                    std::to_string(p.log_end),
                    known ? std::to_string(p.log_end - p.committed) : "-",
                    DescribeMetadata(p), ChangelogText(group_status, p)});
  }
  PrintTable(rows, out);
}

void PrintPlan(const GroupStatus& group_status, const ResetPlan& plan,
               std::ostream& out) {
  for (const PlannedChangelog& changelog : plan.changelogs) {
    out << (changelog.exists ? "use" : "create") << " changelog "
        << Printable(ChangelogTopic(group_status.group, changelog.input,
                                    changelog.generation))
        << " with " << changelog.partitions << " partitions\n";
  }
  std::vector<Row> rows = {
      {"TOPIC", "PARTITION", "FROM", "TO", "GENERATION", "STATE", "NOTE"}};
  for (const PlannedMove& move : plan.moves) {
    rows.push_back({move.tp.topic, std::to_string(move.tp.partition),
                    OffsetText(move.from), std::to_string(move.to),
                    std::to_string(move.generation),
                    plan.wipe ? "wipe" : "keep", move.note});
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
      [&](const std::vector<PartitionOffset>& offsets) {
        return session.admin->AlterGroupOffsets(plan.group, offsets, kTimeout);
      },
      kTimeout);
}

Status Show(Job job, std::ostream& out) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(std::move(job)));
  ASSIGN_OR_RETURN(
      const GroupStatus group_status,
      AskGroupStatus(session.job, *session.admin, std::nullopt, kTimeout));
  PrintGroupStatus(group_status, out);
  return Status::Ok();
}

Status Reset(Job job, const OffsetsResetOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(std::move(job)));
  const ResetTarget& target = options.request.target;
  const bool by_time = target.kind == ResetTarget::Kind::kTime;
  ASSIGN_OR_RETURN(
      const GroupStatus group_status,
      AskGroupStatus(session.job, *session.admin,
                     by_time ? std::optional(target.time) : std::nullopt,
                     kTimeout));
  ASSIGN_OR_RETURN(const ResetPlan plan,
                   PlanReset(group_status, options.request));
  // A plan that will not be carried out is only shown where one asked for it.
  if (!options.dry_run) RETURN_IF_ERROR(CheckStopped(group_status));
  PrintPlan(group_status, plan, out);
  RETURN_IF_ERROR(CheckStopped(group_status));
  if (options.dry_run) {
    out << "dry run: nothing was changed\n";
    return Status::Ok();
  }
  RETURN_IF_ERROR(Apply(session, plan));
  out << "moved " << plan.moves.size() << " offsets of group "
      << Printable(plan.group) << "\n";
  return Status::Ok();
}

const char* Verb(RebuildStep::Kind kind) {
  switch (kind) {
    case RebuildStep::Kind::kNone:
      return "none";
    case RebuildStep::Kind::kWhole:
      return "whole";
    case RebuildStep::Kind::kWrite:
      return "write";
    case RebuildStep::Kind::kBlocked:
      return "blocked";
    case RebuildStep::Kind::kMissing:
      return "missing";
  }
  return "";
}

void PrintRebuild(const RebuildPlan& plan, std::ostream& out) {
  std::vector<Row> rows = {{"TOPIC", "PARTITION", "CHANGELOG", "WHY"}};
  for (const RebuildStep& step : plan.steps) {
    rows.push_back({step.lane.tp.topic, std::to_string(step.lane.tp.partition),
                    Verb(step.kind), step.note});
  }
  PrintTable(rows, out);
}

Result<std::unique_ptr<EpochWriter>> OpenWriter(const Session& session) {
  KafkaExactlyOnceOptions options;
  options.output.properties = session.properties;
  options.group = session.job.group.id;
  options.transactional_id =
      session.job.name + "-" + session.job.group.id + "-rebuild";
  options.transaction_timeout = kRebuildTimeout;
  options.outside_group = true;
  return MakeKafkaExactlyOnce(std::move(options), SystemClock());
}

Status Rebuild(Job job, const OffsetsRebuildOptions& options,
               std::ostream& out) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(std::move(job)));
  ASSIGN_OR_RETURN(
      const GroupStatus group_status,
      AskGroupStatus(session.job, *session.admin, std::nullopt, kTimeout));
  RETURN_IF_ERROR(CheckStopped(group_status));
  ASSIGN_OR_RETURN(
      const HostCopies copies,
      HostCopies::Hold(session.job.state_dir, session.job.group.id));
  KafkaChangelogOptions changelog_options;
  changelog_options.properties = session.properties;
  changelog_options.group = session.job.group.id;
  changelog_options.grows =
      session.job.partitions_added == PartitionsAdded::kContinue;
  ASSIGN_OR_RETURN(const auto changelog,
                   MakeKafkaChangelog(std::move(changelog_options)));
  ASSIGN_OR_RETURN(
      const RebuildPlan plan,
      PlanRebuild(session.job, group_status, copies, *changelog, kTimeout));
  PrintRebuild(plan, out);
  if (options.dry_run) {
    out << "dry run: nothing was changed\n";
    return Status::Ok();
  }
  Status damaged;
  if (plan.Count(RebuildStep::Kind::kWrite) > 0) {
    ASSIGN_OR_RETURN(const auto writer, OpenWriter(session));
    for (const RebuildStep& step : plan.steps) {
      if (step.kind != RebuildStep::Kind::kWrite) continue;
      const Status written =
          RebuildPartition(session.job, step, *changelog, *writer, kTimeout)
              .With(step.lane.tp.ToString());
      // What does not read is one partition's; anything else is all of theirs.
      if (written.code() == StatusCode::kCorruption) {
        out << "not written: " << Printable(written.message()) << "\n";
        damaged = written;
        continue;
      }
      RETURN_IF_ERROR(written);
      out << "written: the changelog of " << step.lane.tp.ToString() << "\n";
    }
  }
  RETURN_IF_ERROR(damaged);
  const size_t left = plan.Count(RebuildStep::Kind::kBlocked) +
                      plan.Count(RebuildStep::Kind::kMissing);
  if (left == 0) return Status::Ok();
  return Corruption(std::to_string(left) +
                    " partitions have no whole changelog yet; the table says "
                    "what each needs");
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

int OffsetsRebuildCommand(const OffsetsRebuildOptions& options,
                          std::ostream& out, std::ostream& err) {
  LoadedJob loaded = LoadJob(options.job_file,
                             WithGroup(options.overrides, options.group), err);
  if (!loaded.job.has_value()) return loaded.exit_code;
  const Status status = Rebuild(*std::move(loaded.job), options, out);
  return status.ok() ? kExitOk : Fail(status, err);
}

}  // namespace tacho
