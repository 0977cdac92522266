#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tacho {

// Another program, killed with SIGKILL at the latest when this object goes or
// this process dies.
class ChildProcess {
 public:
  // Runs argv[0] with its standard output readable through ReadLine.
  explicit ChildProcess(const std::vector<std::string>& argv);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line, without its end; empty at the end of output.
  std::string ReadLine();
  // SIGKILL, and waits until the process is gone.
  void Kill();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace tacho
