// Claims a worker directory and holds it until it is killed:
//   worker_stand_in STATE_DIR JOB
// Prints its number once it has it.

#include <unistd.h>

#include <cstdio>

#include "pipeline/base/check.h"
#include "state/worker_directory.h"

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const auto worker = tacho::WorkerDirectory::Claim(argv[1], argv[2]);
  CHECK(worker.ok());
  std::printf("%d\n", (*worker)->number());
  std::fflush(stdout);
  for (;;) pause();
}
