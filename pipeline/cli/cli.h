#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/cli/commands.h"

namespace tacho {

using Command = std::variant<RunOptions, ValidateOptions, OffsetsShowOptions,
                             OffsetsResetOptions, OffsetsRebuildOptions,
                             SchemaOptions, VersionOptions, DemoOptions>;

// What a command line asks for: a command, or an exit code when there is
// nothing left to do (help was printed, or the arguments make no sense).
struct CommandLine {
  std::optional<Command> command;
  int exit_code = 0;
};

// Parses the arguments after the program's name. Help goes to `out`, usage
// errors to `err`.
CommandLine ParseCommandLine(const std::vector<std::string>& arguments,
                             std::ostream& out, std::ostream& err);

}  // namespace tacho
