#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/cli/cli.h"
#include "pipeline/cli/commands.h"

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
  int operator()(const tacho::RunOptions& options) const {
    return tacho::RunCommand(options);
  }
  int operator()(const tacho::DemoOptions& options) const {
    return tacho::DemoCommand(options);
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
  int operator()(const tacho::SchemaOptions& options) const {
    return tacho::SchemaCommand(options, std::cout);
  }
  int operator()(tacho::VersionOptions options) const {
    options.allocator = Allocator();
    return tacho::VersionCommand(options, std::cout);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0),
                                           argv + argc);
  const tacho::CommandLine line =
      tacho::ParseCommandLine(arguments, std::cout, std::cerr);
  return line.command ? std::visit(Dispatch{}, *line.command) : line.exit_code;
}
