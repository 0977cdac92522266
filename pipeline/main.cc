#include <cstdlib>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/cli/cli.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/signals.h"

#ifdef TACHO_MIMALLOC
#include <mimalloc.h>
#endif

namespace {

// Calling into mimalloc also keeps it linked: the linker drops a library that
// nothing refers to, and malloc would silently be the C library's.
std::string Allocator() {
#ifdef TACHO_MIMALLOC
  const int version = mi_version();
  return "mimalloc " + std::to_string(version / 100) + "." +
         std::to_string(version / 10 % 10) + "." + std::to_string(version % 10);
#else
  return "system";
#endif
}

struct Dispatch {
  // These two have something to bring to an end when a signal comes. When they
  // have, nothing of a library runs any more: a thread that it has left behind
  // is not to meet destroyed statics.
  int operator()(const tacho::RunOptions& options) const {
    std::_Exit(tacho::RunCommand(options));
  }
  int operator()(const tacho::DemoOptions& options) const {
    std::_Exit(tacho::DemoCommand(options));
  }
  int operator()(const tacho::ValidateOptions& options) const {
    return tacho::ValidateCommand(options, std::cout, std::cerr);
  }
  int operator()(const tacho::OffsetsShowOptions& options) const {
    return tacho::OffsetsShowCommand(options, std::cout, std::cerr);
  }
  int operator()(const tacho::OffsetsResetOptions& options) const {
    return tacho::OffsetsResetCommand(options, std::cout, std::cerr);
  }
  int operator()(const tacho::OffsetsRebuildOptions& options) const {
    return tacho::OffsetsRebuildCommand(options, std::cout, std::cerr);
  }
  int operator()(const tacho::SchemaOptions& options) const {
    return tacho::SchemaCommand(options, std::cout, std::cerr);
  }
  int operator()(tacho::VersionOptions options) const {
    options.allocator = Allocator();
    return tacho::VersionCommand(options, std::cout);
  }
};

bool HasItsOwnEnd(const tacho::Command& command) {
  return std::holds_alternative<tacho::RunOptions>(command) ||
         std::holds_alternative<tacho::DemoOptions>(command);
}

// Before the initializers of any library: a SIGTERM right after the start is
// not to end the process, but to be heeded.
void HoldSignalsFirst(int, char**, char**) { tacho::HoldSignals(); }
__attribute__((section(".preinit_array"),
               used)) void (*const hold_signals)(int, char**,
                                                 char**) = &HoldSignalsFirst;

}  // namespace

int main(int argc, char** argv) {
  tacho::KeepStandardStreams();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0),
                                           argv + argc);
  const tacho::CommandLine line =
      tacho::ParseCommandLine(arguments, std::cout, std::cerr);
  if (!line.command) return line.exit_code;
  if (!HasItsOwnEnd(*line.command)) tacho::AllowSignals();
  return std::visit(Dispatch{}, *line.command);
}
