// Who learns from mail that people move into or out of Junk. Declared here, where the move is seen; the program gives one that has
// Bayes, for mailboxes and the filter never meet.
//
// Layer:  services. Owner: one for each core, which outlives its conversations.
// Limits: kLessonsPerMove, kLessonSizeMax.
#pragma once

#include <cstdint>
#include <string>

#include "ringpost/base/task.hpp"

namespace ringpost::access {

class SpamTeacher {
 public:
  enum class Lesson : std::uint8_t { ham, spam };

  virtual ~SpamTeacher() = default;
  // False: nothing is learned just now, and no message need be read.
  virtual bool learns() const = 0;
  // The beginning of a message as it is stored, at most kLessonSizeMax, and the user whose it is. Returns when the message has been
  // taken; it becomes durable later, and a crash may lose it.
  virtual Task<void> teach(std::string user, Lesson lesson, std::string message) = 0;
};

}  // namespace ringpost::access
