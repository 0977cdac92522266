#include "pipeline/job/file/job_keys.h"

#include "pipeline/job/file/job_key_sections.h"

namespace tacho {

const std::vector<JobKey>& JobKeys() {
  static const std::vector<JobKey> keys = [] {
    std::vector<JobKey> all;
    for (const auto& section :
         {GroupKeys(), InputKeys(), OutputKeys(), WorkKeys()}) {
      all.insert(all.end(), section.begin(), section.end());
    }
    return all;
  }();
  return keys;
}

}  // namespace tacho
