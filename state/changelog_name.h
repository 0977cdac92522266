#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tacho {

// Name of the changelog of an input topic:
// "<group>-<input>-changelog-g<generation>". State goes with the offsets that
// it stands for, and those are the group's: the same job under another group
// starts with state of its own.
//
// No two groups or inputs share a name, nor have names that differ in '.' and
// '_' only, which Kafka does not let stand side by side: what is not a letter,
// a digit, a dot or, in the group alone, a dash is written _2D, so the last
// dash stands between the two. (So is a dot that two such digits follow.) A
// name that would be too long for a topic keeps its beginning and has a hash
// instead of the rest.
std::string ChangelogTopic(const std::string& group, const std::string& input,
                           int64_t generation);
// The generation in such a name; nothing if it is another's.
std::optional<int64_t> ChangelogGeneration(const std::string& group,
                                           const std::string& input,
                                           const std::string& topic);
// True of every name that ChangelogTopic can give, for whatever group.
bool IsNamedLikeChangelog(std::string_view topic);
// The name that 0.1 gave it, which other groups' and inputs' could equal.
std::string ChangelogTopicOf01(const std::string& group,
                               const std::string& input, int64_t generation);
// True of such a name that is not today's name as well.
bool IsChangelogOf01(const std::string& group, const std::string& input,
                     const std::string& topic);

}  // namespace tacho
