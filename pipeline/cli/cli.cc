#include "pipeline/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <ostream>
#include <string_view>
#include <utility>

#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/version.h"

namespace tacho {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  tacho demo\n"
    "  tacho validate job.yaml\n"
    "  tacho run job.yaml --bootstrap broker:9092\n"
    "  tacho run job.yaml --set group.id=backfill --until-end --close-at-end\n"
    "  tacho offsets show job.yaml\n"
    "  tacho offsets reset job.yaml --to earliest --state wipe --dry-run\n"
    "  tacho schema > job.schema.json\n"
    "\n"
    "Exit codes:\n"
    "  0    done; a signal that was obeyed in order is done, too\n"
    "  64   wrong usage                  74   input or output failed\n"
    "  65   corrupt data or state        77   permission denied\n"
    "  69   broker unavailable           78   wrong configuration\n"
    "  70   internal error\n"
    "  130  SIGINT (143: SIGTERM), and not all was brought to an end: a "
    "second\n"
    "       signal, or a call that did not return in time\n";

constexpr const char* kSetHelp =
    "Overrides a key of the job file, as in group.id=test; may be repeated";

const std::map<std::string, int> kLevels = {
    {"debug", static_cast<int>(LogLevel::kDebug)},
    {"info", static_cast<int>(LogLevel::kInfo)},
    {"warn", static_cast<int>(LogLevel::kWarn)},
    {"error", static_cast<int>(LogLevel::kError)}};
const std::map<std::string, int> kFormats = {
    {"logfmt", static_cast<int>(LogFormat::kLogfmt)},
    {"json", static_cast<int>(LogFormat::kJson)}};

constexpr const char* kResetFooter =
    "The group must be stopped. --dry-run shows what would move.\n"
    "\n"
    "--state wipe starts with empty state. Under exactly_once it begins a new\n"
    "changelog topic (generation) and then moves the offsets, which name it;\n"
    "the changelogs of earlier generations stay until you delete them.\n"
    "\n"
    "--state keep moves the offsets only. Windows that are closed stay "
    "closed:\n"
    "after a move back, records that were processed before are late where\n"
    "their window has been closed, and counted twice where it is open. Under\n"
    "at_least_once_local the state is what each worker's host has.\n";

// Options whose text takes a second look after parsing.
struct RawOptions {
  std::vector<std::string> set;
  std::string bootstrap;
  std::string state_dir;
  std::string level = "info";
  std::string format = "logfmt";
  std::string to;
  std::string state;
  int64_t duration_seconds = 20;
};

void AddJobOptions(CLI::App& app, RawOptions& raw) {
  app.add_option("--bootstrap", raw.bootstrap,
                 "Brokers; overrides kafka.bootstrap.servers")
      ->type_name("HOST:PORT");
  // One value each: what follows may be the next job file.
  app.add_option("--set", raw.set, kSetHelp)
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return text.find('=') == std::string::npos || text.starts_with('=')
                   ? std::string("write PATH=VALUE, as in group.id=test")
                   : std::string();
      });
}

template <typename T>
std::vector<std::string> Names(const std::map<std::string, T>& names) {
  std::vector<std::string> all;
  for (const auto& [name, value] : names) all.push_back(name);
  return all;
}

void AddLogOptions(CLI::App& app, RawOptions& raw) {
  app.add_option("--log-level", raw.level, "Least level that is logged")
      ->type_name("LEVEL")
      ->check(CLI::IsMember(Names(kLevels)))
      ->capture_default_str();
  app.add_option("--log-format", raw.format, "Shape of a log line on stderr")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(Names(kFormats)))
      ->capture_default_str();
}

CLI::App& AddRun(CLI::App& app, RunOptions& options, RawOptions& raw) {
  CLI::App& run = *app.add_subcommand(
      "run", "Runs one worker of a job; start more to share the partitions");
  run.add_option("job", options.job_file, "Job file")
      ->required()
      ->type_name("JOB.yaml");
  AddJobOptions(run, raw);
  run.add_option("--state-dir", raw.state_dir,
                 "Directory for state; overrides state.dir")
      ->type_name("DIR");
  run.add_flag("--until-end", options.until_end,
               "Stop at the end that the topics have now");
  run.add_flag("--close-at-end", options.close_at_end,
               "With --until-end: close what is open at the end");
  run.add_flag("--leave", options.leave,
               "Leave the group when stopping, also as a static member");
  run.add_option("--threads", options.threads,
                 "Threads for lanes; 0: one a core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  run.add_option(
         "--broker-timeout", options.broker_timeout_seconds,
         "How long an absent broker, or room on a full disk, is waited for")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  AddLogOptions(run, raw);
  return run;
}

CLI::App& AddValidate(CLI::App& app, ValidateOptions& options,
                      RawOptions& raw) {
  CLI::App& validate = *app.add_subcommand(
      "validate", "Checks job files offline: every error, with its position");
  validate.add_option("job", options.job_files, "Job files")
      ->required()
      ->type_name("JOB.yaml");
  AddJobOptions(validate, raw);
  return validate;
}

constexpr const char* kRebuildFooter =
    "For a changelog topic that was deleted or emptied while the state on "
    "this\n"
    "host is whole: for each partition whose copy is exactly what the group "
    "has\n"
    "committed, all of it is written, and the offset committed with it, in "
    "one\n"
    "transaction. The group must be stopped. It may be run again, and on each\n"
    "host; partitions whose changelog is whole are left as they are.\n";

struct OffsetsApps {
  const CLI::App* show;
  const CLI::App* reset;
  const CLI::App* rebuild;
};

void AddGroupOptions(CLI::App& app, std::string& job_file, std::string& group,
                     RawOptions& raw) {
  app.add_option("job", job_file, "Job file")
      ->required()
      ->type_name("JOB.yaml");
  app.add_option("--group", group, "Consumer group; overrides group.id")
      ->type_name("GROUP");
  AddJobOptions(app, raw);
}

CLI::App& AddReset(CLI::App& offsets, OffsetsResetOptions& options,
                   RawOptions& raw) {
  CLI::App& reset = *offsets.add_subcommand(
      "reset", "Moves the offsets of a stopped group, with or without state");
  reset.footer(kResetFooter);
  AddGroupOptions(reset, options.job_file, options.group, raw);
  reset
      .add_option("--to", raw.to,
                  "earliest, latest, an offset, or a time with its zone "
                  "(2026-01-26T16:00:00Z): the first message with that Kafka "
                  "timestamp or a later one")
      ->required()
      ->type_name("PLACE")
      ->check([](const std::string& text) {
        const auto target = ParseResetTarget(text);
        return target.ok() ? std::string() : target.status().message();
      });
  reset.add_option("--state", raw.state, "What becomes of the state")
      ->required()
      ->type_name("keep|wipe")
      ->check(CLI::IsMember({"keep", "wipe"}));
  reset
      .add_option("--topic", options.request.topic,
                  "Input topic; default: all of the job")
      ->type_name("TOPIC");
  reset
      .add_option("--partition", options.request.partitions,
                  "Partition; may be repeated; default: all")
      ->type_name("N")
      ->allow_extra_args(false);
  reset.add_flag("--dry-run", options.dry_run,
                 "Show what would move, and change nothing");
  return reset;
}

CLI::App& AddRebuild(CLI::App& offsets, OffsetsRebuildOptions& options,
                     RawOptions& raw) {
  CLI::App& rebuild = *offsets.add_subcommand(
      "rebuild-changelog",
      "Writes a lost changelog anew from the state on this host");
  rebuild.footer(kRebuildFooter);
  AddGroupOptions(rebuild, options.job_file, options.group, raw);
  rebuild
      .add_option("--state-dir", raw.state_dir,
                  "Directory for state; overrides state.dir")
      ->type_name("DIR");
  rebuild.add_flag("--dry-run", options.dry_run,
                   "Show what would be written, and change nothing");
  return rebuild;
}

OffsetsApps AddOffsets(CLI::App& app, OffsetsShowOptions& show,
                       OffsetsResetOptions& reset,
                       OffsetsRebuildOptions& rebuild, RawOptions& raw) {
  CLI::App& offsets = *app.add_subcommand(
      "offsets", "Shows where a job's group stands, and moves it");
  offsets.require_subcommand(1);
  CLI::App& show_app = *offsets.add_subcommand(
      "show", "Prints offsets, lag and changelog of each partition");
  AddGroupOptions(show_app, show.job_file, show.group, raw);
  return {&show_app, &AddReset(offsets, reset, raw),
          &AddRebuild(offsets, rebuild, raw)};
}

CLI::App& AddDemo(CLI::App& app, DemoOptions& options, RawOptions& raw) {
  CLI::App& demo = *app.add_subcommand(
      "demo", "Runs jobs on a synthetic fleet and an embedded broker");
  demo.add_option("--duration", raw.duration_seconds, "How long to produce")
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{1}, int64_t{86400}))
      ->capture_default_str();
  demo.add_option("--input", options.input,
                  "Replays this file (.ndjson, .ndjson.gz) instead of a fleet")
      ->type_name("FILE");
  demo.add_option("--rate", options.rate,
                  "Messages a second; 0: as fast as possible")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{0}, uint64_t{100000000}))
      ->capture_default_str();
  demo.add_option("--seed", options.seed, "Seed of the synthetic fleet")
      ->type_name("N")
      ->capture_default_str();
  demo.add_option("--vehicles", options.vehicles, "Size of the synthetic fleet")
      ->type_name("N")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  demo.add_option("--job", options.job_files,
                  "Job file to run; may be repeated; default: the shipped jobs")
      ->type_name("JOB.yaml")
      ->allow_extra_args(false);
  AddLogOptions(demo, raw);
  return demo;
}

JobOverrides ToOverrides(const RawOptions& raw) {
  JobOverrides overrides;
  for (const std::string& text : raw.set) {
    const size_t equals = text.find('=');
    overrides.set.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  if (!raw.bootstrap.empty()) {
    overrides.set.emplace_back("kafka.bootstrap.servers", raw.bootstrap);
  }
  if (!raw.state_dir.empty()) {
    overrides.set.emplace_back("state.dir", raw.state_dir);
  }
  return overrides;
}

LogOptions ToLog(const RawOptions& raw) {
  return {static_cast<LogLevel>(kLevels.at(raw.level)),
          static_cast<LogFormat>(kFormats.at(raw.format))};
}

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments,
                             std::ostream& out, std::ostream& err) {
  RawOptions raw;
  RunOptions run;
  ValidateOptions validate;
  SchemaOptions schema;
  VersionOptions version;
  DemoOptions demo;
  OffsetsShowOptions show;
  OffsetsResetOptions reset;
  OffsetsRebuildOptions rebuild;

  CLI::App app("tacho: a stream processor for vehicle telemetry on Kafka",
               "tacho");
  app.require_subcommand(1);
  app.set_version_flag("--version", TachoVersion());
  const CLI::App& run_app = AddRun(app, run, raw);
  const CLI::App& validate_app = AddValidate(app, validate, raw);
  const OffsetsApps offsets_apps = AddOffsets(app, show, reset, rebuild, raw);
  CLI::App& schema_app = *app.add_subcommand(
      "schema", "Prints the JSON Schema of a job file, for editors");
  schema_app.add_flag("--markdown", schema.markdown,
                      "Prints the reference of all keys instead");
  schema_app
      .add_option("--outputs", schema.outputs,
                  "Prints instead what the streams of this job write: fields, "
                  "types and units")
      ->excludes("--markdown");
  const CLI::App& demo_app = AddDemo(app, demo, raw);
  CLI::App& version_app =
      *app.add_subcommand("version", "Prints the version and its libraries");
  version_app.add_flag("--json", version.json, "Prints JSON");
  // Last: a subcommand takes over what its parent has when it is made.
  app.footer(kFooter);

  if (arguments.empty()) {
    err << app.help();
    return {std::nullopt, kExitUsage};
  }
  // CLI11 takes the arguments last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return {std::nullopt, code == 0 ? kExitOk : kExitUsage};
  }
  if (run_app.parsed()) {
    run.overrides = ToOverrides(raw);
    run.log = ToLog(raw);
    return {run, 0};
  }
  if (validate_app.parsed()) {
    validate.overrides = ToOverrides(raw);
    return {validate, 0};
  }
  if (offsets_apps.show->parsed()) {
    show.overrides = ToOverrides(raw);
    return {show, 0};
  }
  if (offsets_apps.reset->parsed()) {
    reset.overrides = ToOverrides(raw);
    reset.request.target = *ParseResetTarget(raw.to);
    reset.request.wipe = raw.state == "wipe";
    return {reset, 0};
  }
  if (offsets_apps.rebuild->parsed()) {
    rebuild.overrides = ToOverrides(raw);
    return {rebuild, 0};
  }
  if (demo_app.parsed()) {
    demo.duration = std::chrono::seconds(raw.duration_seconds);
    demo.log = ToLog(raw);
    return {demo, 0};
  }
  if (schema_app.parsed()) return {schema, 0};
  return {version, 0};
}

}  // namespace tacho
