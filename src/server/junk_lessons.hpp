// Moves into and out of Junk teach Bayes: access has seen them, intake knows how to learn.
//
// Layer: program. Owner: one for each core, beside its BayesSource.
#pragma once

#include "ringpost/access/spam_teacher.hpp"
#include "ringpost/intake/bayes_source.hpp"

namespace ringpost::server {

class JunkLessons final : public access::SpamTeacher {
 public:
  // Both may be null: nothing is learned. They hold for lessons that begin from then on.
  void set_bayes(intake::BayesSource* bayes) { bayes_ = bayes; }
  void set_engine(std::shared_ptr<const filter::Engine> engine) { engine_ = std::move(engine); }

  bool learns() const override {
    return bayes_ != nullptr && engine_ != nullptr && engine_->bayes_settings().used;
  }
  Task<void> teach(std::string user, Lesson lesson, std::string message) override {
    if (!learns()) return nothing();
    const auto kind = lesson == Lesson::spam ? filter::MailKind::spam : filter::MailKind::ham;
    return bayes_->teach(engine_, std::move(user), kind, std::move(message));
  }

 private:
  static Task<void> nothing() { co_return; }

  intake::BayesSource* bayes_ = nullptr;
  std::shared_ptr<const filter::Engine> engine_;
};

}  // namespace ringpost::server
