#include "unit/io/world.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ringpost/io/sim.hpp"

#include "io/uring_backend.hpp"

namespace ringpost::io::test {

namespace {

class KernelWorld final : public World {
 public:
  explicit KernelWorld(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {
    std::string name = (std::filesystem::temp_directory_path() / "ringpost-io-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    ::getrlimit(RLIMIT_NOFILE, &before_);
  }
  ~KernelWorld() override {
    limit_descriptors(false);
    backend_.reset();
    std::filesystem::remove_all(directory_);
  }
  Backend& backend() override { return *backend_; }
  std::string directory() override { return directory_; }
  void limit_descriptors(bool limit) override {
    rlimit now = before_;
    if (limit) {
      // The lowest free number is where the next descriptor would be.
      const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::close(lowest);
      now.rlim_cur = static_cast<rlim_t>(lowest);
    }
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  std::string full_file() override { return "/dev/full"; }
  bool is_simulated() const override { return false; }

 private:
  std::unique_ptr<Backend> backend_;
  std::string directory_;
  rlimit before_{};
};

class SimulatedWorld final : public World {
 public:
  SimulatedWorld() : world_(20'250'101), backend_(world_.make_backend()) {
    EXPECT_TRUE(backend_->files().make_directory("/spool"));
  }
  Backend& backend() override { return *backend_; }
  std::string directory() override { return "/spool"; }
  void limit_descriptors(bool limit) override { world_.limit_descriptors(limit ? 0 : kSimDescriptors); }
  std::string full_file() override {
    backend_->files().close(backend_->files().open("/spool/full", {.write = true, .create = true})->handle);
    world_.limit_disk({});
    return "/spool/full";
  }
  bool is_simulated() const override { return true; }

 private:
  SimWorld world_;
  std::unique_ptr<Backend> backend_;
};

}  // namespace

MadeWorld make_world(const std::string& name, const BackendOptions& options) {
  if (name == "sim") return {std::make_unique<SimulatedWorld>(), {}};
  BackendOptions wanted = options;
  wanted.choice = name;
  // What Linux 6.1 has: one buffer for each receive, no bound for a receive, no lingering wait.
  auto backend = name == "uring_plain" ? UringBackend::make(wanted, UringFeatures{}) : make_backend(wanted);
  if (backend) return {std::make_unique<KernelWorld>(std::move(*backend)), {}};
  // A kernel that forbids io_uring is a fact of the machine; any other failure is one of ours.
  const bool forbidden = backend.error().system == ENOSYS || backend.error().system == EPERM;
  if (name != "epoll" && forbidden) return {nullptr, backend.error().text};
  ADD_FAILURE() << backend.error().text;
  return {nullptr, backend.error().text};
}

}  // namespace ringpost::io::test
