#include "uring_probe.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringpost::io {

namespace {

constexpr Duration kPatience = std::chrono::seconds{5};  // for one local operation: it takes microseconds

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  bool valid() const { return value_ >= 0; }

 private:
  int value_;
};

// One attempt with one set of features.
class Trial {
 public:
  explicit Trial(const UringFeatures& features) : features_(features) {}

  Result<UringFeatures> run() {
    ring_ = RP_TRY(Ring::make(8, 32));
    if (!ring_->supports_operations())
      return fail(ErrorKind::permanent, "io_uring: this kernel lacks operations (Linux 6.1 has them)");
    buffers_ = RP_TRY(ReceiveBuffers::make(*ring_, 4_KiB, 1_KiB, features_.buffers));
    RP_CHECK(ring_->enable());
    RP_CHECK(try_sockets());
    RP_CHECK(try_file());
    features_.min_wait = (ring_->features() & extra::kFeatureMinWait) != 0;
    features_.registered_ring = ring_->has_registered_descriptor();
    return features_;
  }

 private:
  static std::unexpected<Error> broken(std::string_view what, std::int32_t result) {
    return fail(Error{ErrorKind::permanent, result < 0 ? -result : 0,
                      fmt::format("io_uring: the self-test failed: {} gave {}", what, result)});
  }

  Result<io_uring_cqe> next_completion(std::string_view what) {
    io_uring_cqe completion{};
    for (int tries = 0; tries < 3; ++tries) {
      if (ring_->take(completion)) return completion;
      ring_->enter(1, Duration{0}, kPatience);
    }
    return broken(what, -ETIME);
  }
  io_uring_sqe* prepare() { return ring_->next(); }  // never more than the ring's entries at a time

  // A local socket without a name in the file system and without a network: containers may have neither.
  Result<void> try_sockets() {
    const Descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
    socklen_t size = sizeof name.sun_family;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    if (!listening.valid() || !client.valid() || ::bind(listening.get(), address, size) != 0)
      return fail_system(errno, "io_uring: prepare the self-test");
    size = sizeof name;
    if (::getsockname(listening.get(), address, &size) != 0 || ::listen(listening.get(), 1) != 0)
      return fail_system(errno, "io_uring: prepare the self-test");

    io_uring_sqe* entry = prepare();
    ::io_uring_prep_multishot_accept(entry, listening.get(), nullptr, nullptr, SOCK_CLOEXEC);
    entry->user_data = 1;
    ring_->enter();
    if (::connect(client.get(), address, size) != 0)
      return fail_system(errno, "io_uring: prepare the self-test");
    const auto accepted = RP_TRY(next_completion("accept"));
    const Descriptor server(accepted.res);
    if (accepted.res < 0 || (accepted.flags & IORING_CQE_F_MORE) == 0)
      return broken("multishot accept", accepted.res);

    entry = prepare();
    ::io_uring_prep_recv_multishot(entry, server.get(), nullptr, features_.receive_cap ? 512 : 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = ReceiveBuffers::kGroup;
    entry->user_data = 2;
    // Twice, so that the second lies behind the first in an incremental buffer.
    RP_CHECK(try_transfer(client.get(), "220 first"));
    return try_transfer(client.get(), "250 second");
  }

  Result<void> try_transfer(int client, std::string_view text) {
    io_uring_sqe* entry = prepare();
    ::io_uring_prep_send(entry, client, text.data(), text.size(), MSG_WAITALL | MSG_NOSIGNAL);
    entry->user_data = 3;
    for (int expected = 2; expected > 0; --expected) {
      const auto completion = RP_TRY(next_completion("send and receive"));
      if (completion.res != static_cast<std::int32_t>(text.size()))
        return broken(completion.user_data == 3 ? "send" : "multishot receive", completion.res);
      if (completion.user_data == 3) continue;
      if ((completion.flags & IORING_CQE_F_BUFFER) == 0 || (completion.flags & IORING_CQE_F_MORE) == 0)
        return broken("multishot receive (flags)", static_cast<std::int32_t>(completion.flags));
      if (features_.buffers == ReceiveBuffers::Kind::incremental &&
          (completion.flags & extra::kCompletionBufferMore) == 0)
        return broken("incremental buffers", static_cast<std::int32_t>(completion.flags));
      const auto bytes = buffers_->take(completion);
      if (std::memcmp(bytes.data(), text.data(), text.size()) != 0) return broken("received bytes", 0);
    }
    return {};
  }

  Result<void> try_file() {
    const Descriptor file(::memfd_create("ringpost-self-test", MFD_CLOEXEC));
    if (!file.valid()) return fail_system(errno, "io_uring: prepare the self-test");
    io_uring_sqe* entry = prepare();
    ::io_uring_prep_write(entry, file.get(), "frame", 5, 0);
    entry->rw_flags = RWF_DSYNC;
    entry->user_data = 4;
    // The sockets have been closed meanwhile, and their last completions come in between.
    for (int others = 0; others < 4; ++others) {
      const auto completion = RP_TRY(next_completion("write"));
      if (completion.user_data != 4) continue;
      if (completion.res != 5) return broken("durable write", completion.res);
      return {};
    }
    return broken("write", -ETIME);
  }

  UringFeatures features_;
  std::unique_ptr<ReceiveBuffers> buffers_;  // outlives the ring
  std::unique_ptr<Ring> ring_;
};

}  // namespace

std::vector<std::string> UringFeatures::names() const {
  std::vector<std::string> names{"single_issuer", "defer_taskrun", "restricted", "multishot_accept",
                                 "multishot_receive"};
  names.emplace_back(buffers == ReceiveBuffers::Kind::incremental ? "incremental_buffers"
                                                                  : "classic_buffers");
  if (receive_cap) names.emplace_back("receive_cap");
  if (min_wait) names.emplace_back("min_wait");
  if (registered_ring) names.emplace_back("registered_ring");
  return names;
}

Result<UringFeatures> probe_uring() {
  using Kind = ReceiveBuffers::Kind;
  std::optional<Error> first;
  for (const Kind buffers : {Kind::incremental, Kind::classic}) {
    for (const bool receive_cap : {true, false}) {
      auto features = Trial({.buffers = buffers, .receive_cap = receive_cap}).run();
      if (features) return features;
      first = std::move(features).error();
      // Refused as a whole: asking for less does not help.
      if (first->system == ENOSYS || first->system == EPERM || first->system == EACCES)
        return fail(std::move(*first));
    }
  }
  return fail(std::move(*first));
}

}  // namespace ringpost::io
