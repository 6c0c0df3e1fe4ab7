// Which backend is chosen, and what is said when it cannot be had.
#include <cstddef>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ringpost/io/backend.hpp"

#include "io/uring_ring.hpp"

namespace ringpost::io {

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MakeBackend, refuses_an_unknown_name_and_says_which_there_are) {
  const auto backend = make_backend({.choice = "kqueue"});
  ASSERT_FALSE(backend.has_value());
  EXPECT_THAT(backend.error().text, HasSubstr("auto, uring or epoll"));
}

TEST(MakeBackend, epoll_by_name_needs_no_excuse) {
  const auto backend = make_backend({.choice = "epoll"});
  ASSERT_TRUE(backend.has_value());
  EXPECT_EQ((*backend)->describe().name, "epoll");
  EXPECT_EQ((*backend)->describe().why, "");
}

TEST(MakeBackend, auto_takes_uring_where_it_works_and_says_why_not_elsewhere) {
  const auto best = make_backend({.choice = "auto"});
  const auto uring = make_backend({.choice = "uring"});
  ASSERT_TRUE(best.has_value());
  if (uring) {
    EXPECT_EQ((*best)->describe().name, "uring");
  } else {
    EXPECT_EQ((*best)->describe().name, "epoll");
    EXPECT_EQ((*best)->describe().why, uring.error().text);
  }
}

TEST(MakeBackend, an_error_says_what_to_do) {
  EXPECT_THAT(explain_refusal(ENOSYS).text, HasSubstr("seccomp"));
  EXPECT_THAT(explain_refusal(EPERM).text, HasSubstr("forbidden"));
  EXPECT_THAT(explain_refusal(EINVAL).text, HasSubstr("6.1"));
  EXPECT_THAT(explain_refusal(ENOMEM).text, HasSubstr("memory"));
  EXPECT_THAT(explain_refusal(EMFILE).text, HasSubstr("LimitNOFILE"));
  EXPECT_EQ(explain_refusal(EMFILE).kind, ErrorKind::exhausted);
  EXPECT_EQ(explain_refusal(ENOSYS).system, ENOSYS);
}

TEST(MakeBackend, without_descriptors_it_fails_with_an_error) {
  // The sanitizer opens a pipe when it first meets a type: now, while there are descriptors.
  const Error seen = system_error(EMFILE, "prepare");
  EXPECT_EQ(seen.system, EMFILE);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto backend = make_backend({});
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().system, EMFILE);
}

// In a process of its own: lost rights and limits do not come back.
TEST(MakeBackendDeathTest, registers_buffers_or_says_that_locked_memory_is_limited) {
  if (!make_backend({.choice = "uring"})) GTEST_SKIP() << "no io_uring here";
  const auto try_it = [] {
    // Enough for the rings, which newer kernels count too.
    const rlimit little{.rlim_cur = 2 << 20, .rlim_max = 2 << 20};
    // Root is not bound by the limit. The kernel counts for the user, so it is one whom nobody else is: servers of other
    // tests run as "nobody".
    const auto alone = static_cast<uid_t>(700'000 + ::getpid() % 100'000);
    if (::setrlimit(RLIMIT_MEMLOCK, &little) != 0 || (::geteuid() == 0 && ::setuid(alone) != 0))
      std::_Exit(1);
    const auto backend = make_backend({.choice = "uring"});
    if (!backend) std::_Exit(2);
    std::vector<std::byte> memory(4 << 20);
    const iovec vector{memory.data(), memory.size()};
    (*backend)->register_buffers({&vector, 1});
    const auto said = [&](std::string_view what) {
      return std::ranges::any_of((*backend)->describe().features,
                                 [&](const std::string& feature) { return feature.starts_with(what); });
    };
    if (said("registered_buffers") || !said("unregistered_buffers (locked memory is limited")) std::_Exit(3);
    const iovec small{memory.data(), 4096};
    (*backend)->register_buffers({&small, 1});
    if (!said("registered_buffers") || said("unregistered")) std::_Exit(4);
    std::_Exit(0);
  };
  EXPECT_EXIT(try_it(), ::testing::ExitedWithCode(0), "");
}

TEST(MakeBackendDeathTest, falls_back_to_epoll_where_a_seccomp_profile_forbids_io_uring) {
  const auto try_it = [] {
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      std::_Exit(1);
    if (make_backend({.choice = "uring"})) std::_Exit(2);
    const auto backend = make_backend({});
    if (!backend || (*backend)->describe().name != "epoll") std::_Exit(3);
    if (!(*backend)->describe().why.contains("io_uring: forbidden")) std::_Exit(4);
    std::_Exit(0);
  };
  EXPECT_EXIT(try_it(), ::testing::ExitedWithCode(0), "");
}

TEST(MakeBackend, may_die_on_another_thread_after_its_own_has_ended) {
  struct Silent : Operation {
    Silent() : Operation([](Operation&, const Completion&) {}) {}
  };
  for (const char* choice : {"auto", "epoll"}) {
    std::unique_ptr<Backend> backend;
    auto accepting = std::make_unique<Silent>();
    std::thread([&] {
      backend = std::move(*make_backend({.choice = choice}));
      const auto listening = backend->listen({IpAddress::loopback(), 0}, {});
      const Op op{.kind = OpKind::accept, .handle = *listening, .operation = accepting.get()};
      backend->submit({&op, 1});
      std::array<Completion, 1> completions;
      backend->poll(completions, {.until = backend->now()});
    }).join();
    const auto mine = make_backend({.choice = choice});  // must not lose its place to the other's end
    accepting.reset();
    backend.reset();
    std::array<Completion, 1> completions;
    (*mine)->wake();
    EXPECT_EQ((*mine)->poll(completions, {.until = Instant::never()}), 0U);
  }
}

}  // namespace

}  // namespace ringpost::io
