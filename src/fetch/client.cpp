#include "ringpost/fetch/client.hpp"

#include <atomic>
#include <coroutine>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <pthread.h>

#include "ringpost/base/signals_blocked.hpp"
#include "ringpost/crypto/secret.hpp"
#include "ringpost/fetch/limits.hpp"
#include "ringpost/shard/inbox.hpp"

#include "transfer.hpp"

namespace ringpost::fetch {

namespace {

// A request on its way through the thread: in the frame of the coroutine that waits for it.
struct Errand : shard::InboxItem {
  Errand(shard::Core& core, const Request& what)
      : InboxItem([](InboxItem& self, shard::Core& here) {
          auto& errand = static_cast<Errand&>(self);
          here.runs(errand.awaiting);
          errand.awaiting.resume();
        }),
        home(core),
        request(what) {}
  shard::Core& home;
  const Request& request;
  std::coroutine_handle<> awaiting;
  Result<Response> result;
};

constexpr int kPollMilliseconds = 1000;  // libcurl has its own timers, and is woken for new requests

}  // namespace

struct Client::State {
  struct Cleanup {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
  };
  struct Running {
    explicit Running(Errand& whose) : errand(whose), transfer(whose.request) {}
    Errand& errand;
    Transfer transfer;
  };

  // False: it is not taken, and nobody will hear of it.
  bool push(Errand& errand);
  void serve();
  void take_new();
  void finish_ended();
  void end(CURL* easy, CURLcode code);
  void give_back(Errand& errand, Result<Response> result);
  void give_up();

  std::unique_ptr<CURLM, Cleanup> multi;
  std::mutex mutex;
  std::vector<Errand*> waiting;  // with mutex held, and so are the two below
  std::size_t count = 0;         // waiting and running
  bool stopping = false;
  std::unordered_map<CURL*, std::unique_ptr<Running>> running;  // the thread's
  std::thread thread;
};

bool Client::State::push(Errand& errand) {
  {
    const std::scoped_lock lock(mutex);
    if (stopping || count == kRequestsMax) {
      errand.result = stopping ? fail(ErrorKind::cancelled, "the server stops")
                               : fail(ErrorKind::exhausted, "too many requests at once");
      return false;
    }
    ++count;
    waiting.push_back(&errand);
  }
  curl_multi_wakeup(multi.get());
  return true;
}

void Client::State::serve() {
  for (;;) {
    take_new();
    int open = 0;
    curl_multi_perform(multi.get(), &open);
    finish_ended();
    {
      const std::scoped_lock lock(mutex);
      if (stopping) break;
    }
    curl_multi_poll(multi.get(), nullptr, 0, kPollMilliseconds, nullptr);
  }
  give_up();
}

void Client::State::take_new() {
  std::vector<Errand*> fresh;
  {
    const std::scoped_lock lock(mutex);
    fresh.swap(waiting);
  }
  for (Errand* errand : fresh) {
    auto begun = std::make_unique<Running>(*errand);
    CURL* const easy = begun->transfer.handle();
    if (easy != nullptr && curl_multi_add_handle(multi.get(), easy) == CURLM_OK)
      running.emplace(easy, std::move(begun));
    else
      give_back(*errand, begun->transfer.result(CURLE_OUT_OF_MEMORY));
  }
}

void Client::State::finish_ended() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi.get(), &left))
    if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
}

void Client::State::end(CURL* easy, CURLcode code) {
  auto found = running.extract(easy);
  curl_multi_remove_handle(multi.get(), easy);
  Running& done = *found.mapped();
  Result<Response> result = done.transfer.result(code);
  Errand& errand = done.errand;
  found.mapped().reset();  // it refers to the request
  give_back(errand, std::move(result));
}

// From then on the errand is its core's.
void Client::State::give_back(Errand& errand, Result<Response> result) {
  {
    const std::scoped_lock lock(mutex);
    --count;
  }
  errand.result = std::move(result);
  errand.home.hand_in(errand);
}

void Client::State::give_up() {
  take_new();
  while (!running.empty()) {
    curl_easy_setopt(running.begin()->first, CURLOPT_QUICK_EXIT, 1L);  // nobody waits for a name server
    end(running.begin()->first, CURLE_ABORTED_BY_CALLBACK);
  }
}

namespace {

template <class State>
struct Waiting {
  State& state;
  Errand& errand;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    errand.awaiting = handle;
    return state.push(errand);  // false: goes on at once
  }
  void await_resume() const noexcept {}
};

}  // namespace

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() {
  stop();
}

Result<std::unique_ptr<Client>> Client::start() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto state = std::make_unique<State>();
  state->multi.reset(ready == CURLE_OK ? curl_multi_init() : nullptr);
  if (!state->multi) return fail(ErrorKind::permanent, "libcurl does not start");
  curl_multi_setopt(state->multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, kConnectionsMax);
  curl_multi_setopt(state->multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS, kServerConnectionsMax);
  const SignalsBlocked blocked;
  state->thread = std::thread([state = state.get()] { state->serve(); });
  pthread_setname_np(state->thread.native_handle(), "fetch");
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

void Client::stop() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  curl_multi_wakeup(state_->multi.get());
  if (state_->thread.joinable()) state_->thread.join();
}

Task<Result<Response>> Client::post(shard::Core& core, Request request) {
  Errand errand(core, request);
  co_await Waiting<State>{*state_, errand};
  crypto::wipe(request.body);
  crypto::wipe(request.password);
  co_return std::move(errand.result);
}

}  // namespace ringpost::fetch
