#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tacho {

// The real binary as a child process: started with arguments, told by signals,
// watched through its log, which goes to a file, one JSON object a line.
// Killed with SIGKILL at the latest when this object goes or the thread that
// made it ends.
//
// Threading: one thread at a time; make it on the main thread.
class TachoProcess {
 public:
  using Event = nlohmann::json;

  // Runs `tacho ARGUMENTS`; standard output and error go to `log_path`. It
  // joins the cgroup whose file of processes is `cgroup`, if that is not empty.
  TachoProcess(const std::vector<std::string>& arguments, std::string log_path,
               const std::string& cgroup = "");
  ~TachoProcess();
  TachoProcess(const TachoProcess&) = delete;
  TachoProcess& operator=(const TachoProcess&) = delete;

  void Signal(int number) const;
  // SIGKILL, and waits until it is gone.
  void Kill();
  bool running();
  pid_t pid() const { return pid_; }  // -1 once it has ended.
  // The most memory that it has had resident so far; 0 once it has ended.
  uint64_t PeakResident() const;
  // The exit code, or 128 + the signal that ended it; nothing if the process
  // is still there after `timeout`.
  std::optional<int> WaitExit(
      std::chrono::milliseconds timeout = std::chrono::seconds(30));

  // All that was printed so far.
  std::string Output() const;
  // Log lines so far whose event is `name`.
  std::vector<Event> Events(const std::string& name) const;
  // The sum of a number over all events of a name.
  int64_t Sum(const std::string& event, const std::string& field) const;
  // Waits until `count` events of that name were logged, or the process ended.
  bool WaitFor(const std::string& name, size_t count = 1,
               std::chrono::milliseconds timeout = std::chrono::seconds(30));

 private:
  bool Reap(int flags);

  std::string log_path_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

// Looks at `done` every few milliseconds until it holds or `timeout` is over.
bool Eventually(const std::function<bool()>& done,
                std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace tacho
