// While it lives, threads that are made inherit a mask in which every signal is blocked: signals are for the main thread.
// With SIGPIPE blocked a reader that went away is an error of write(). SIGPROF stays, for profilers.
//
// Layer: base. Owner: the block around the making of threads.
#pragma once

#include <csignal>

namespace ringpost {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace ringpost
