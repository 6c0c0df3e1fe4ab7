#include "sim_backend.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::io::sim {

namespace {

constexpr std::int64_t kWallAtStart = 1'735'689'600;  // 2025-01-01

bool is_file_operation(OpKind kind) {
  return kind == OpKind::read || kind == OpKind::write || kind == OpKind::sync;
}

}  // namespace

SimBackend::SimBackend(SimWorld::State& world, Host& host)
    : world_(world),
      host_(host),
      number_(world.next_backend++),
      random_(world.chance.number()),
      files_(world, host),
      arena_(std::make_unique_for_overwrite<std::byte[]>(kSimArena)) {
  description_ = {.name = "sim", .features = {"seeded"}, .kernel = "simulated", .why = {}};
  world_.backends[number_] = this;
}

SimBackend::~SimBackend() {
  table_.for_each([&](Entry& entry) { leave(entry); });
  world_.backends.erase(number_);
}

void SimBackend::die(bool power) {
  const bool torn = power && world_.chance.faults().disk.torn;
  if (!dead_ && (torn || !power)) {
    table_.for_each([&](Entry& entry) {
      const auto& file = host_.descriptors[entry.handle].file;
      if (entry.kind != OpKind::write || !file) return;
      world_.chance.note(power ? "disk: write under way at a power cut" : "disk: write under way at a kill");
      if (power)
        host_.disk.tear(*file, entry.op, world_.chance);
      else if (world_.chance.coin())
        (void)host_.disk.transfer(*file, entry.op, Outcome::kOperationBytes);
    });
  }
  dead_ = true;
  ready_ = {};
  line_.clear();
}

WallTime SimBackend::wall_now() {
  return WallTime{kWallAtStart * 1'000'000'000} + now().since_start + host_.wall_shift;
}

// ---- Starting operations ----

void SimBackend::submit(std::span<const Op> batch) {
  if (dead_ || host_.fails) return;
  for (const Op& op : batch) {
    if (op.kind == OpKind::cancel)
      cancel(op.target);
    else
      start(op);
  }
}

void SimBackend::start(const Op& op) {
  std::uint64_t total = 0;
  const std::int32_t invalid = check_vectors(op, total);
  Entry* entry = invalid == 0 ? table_.add(op) : nullptr;
  if (entry == nullptr)
    return ready_.push({.operation = op.operation, .result = invalid != 0 ? invalid : -EAGAIN});
  static_cast<Record&>(*entry) = {.op = op, .total = total};
  if (op.kind == OpKind::poll) return finish(*entry, -EOPNOTSUPP);
  if (is_file_operation(op.kind)) return start_file_operation(*entry);
  line_up(*entry);
}

void SimBackend::start_file_operation(Entry& entry) {
  const auto& file = host_.descriptors[entry.op.handle].file;
  const bool reads_well = file && now() < file->inode->reads_well_until;
  const Outcome outcome = world_.chance.file_operation(entry.op, reads_well);
  if (file && outcome.read_fails()) file->inode->reads_well_until = now() + outcome.latency + kSimReadsWell;
  world_.clock.plan_in(outcome.latency, [world = &world_, number = number_, ticket = entry.ticket, outcome] {
    const auto backend = world->backends.find(number);
    if (backend != world->backends.end()) backend->second->file_operation_due(ticket, outcome);
  });
}

void SimBackend::file_operation_due(Ticket ticket, const Outcome& outcome) {
  Entry* entry = dead_ || host_.fails ? nullptr : table_.find(ticket);
  if (entry == nullptr) return;  // cancelled in time
  finish(*entry, perform(entry->op, outcome));
}

std::int32_t SimBackend::perform(const Op& op, const Outcome& outcome) {
  const std::shared_ptr<OpenFile> file = host_.descriptors[op.handle].file;
  if (!file) return -EBADF;
  if (op.kind == OpKind::write) return perform_write(*file, op, outcome);
  if (outcome.error != 0) return outcome.error;
  if (op.kind == OpKind::sync) {
    if (host_.disk.refuses_writes()) return -EIO;
    Disk::sync(*file->inode);
    return 0;
  }
  const auto count = static_cast<std::int32_t>(host_.disk.transfer(*file, op, outcome.bytes_max));
  if (outcome.rotten && count > 0 && op.vectors[0].iov_len > 0) {
    const std::size_t size = std::min<std::size_t>(op.vectors[0].iov_len, static_cast<std::size_t>(count));
    static_cast<std::byte*>(op.vectors[0].iov_base)[world_.chance.pick(size)] ^=
        static_cast<std::byte>(1U << world_.chance.pick(8));
  }
  return count;
}

std::int32_t SimBackend::perform_write(OpenFile& file, const Op& asked, const Outcome& outcome) {
  Op op = asked;
  const std::uint64_t blocks = file.inode->contents.size() / Disk::kAlignment;
  if (outcome.misdirected && blocks > kSimSparedBlocks && op.offset >= Disk::kAlignment * kSimSparedBlocks) {
    world_.chance.note("disk: misdirected write");
    op.offset = Disk::kAlignment * world_.chance.between(kSimSparedBlocks, blocks - 1);
  }
  std::vector<std::byte> bytes, before;
  if (world_.watch) {
    for (const iovec& vector : std::span(op.vectors, op.vector_count)) {
      const auto* base = static_cast<const std::byte*>(vector.iov_base);
      bytes.insert(bytes.end(), base, base + vector.iov_len);
    }
    if (op.offset != asked.offset) {
      before.resize(file.inode->contents.size());
      file.inode->contents.read(0, before);
    }
  }
  if (outcome.error != 0 && !file.inode->broken) host_.disk.tear(file, op, world_.chance);
  if (outcome.breaks_file) file.inode->broken = true;
  const std::int32_t result =
      outcome.error != 0 ? outcome.error
                         : static_cast<std::int32_t>(host_.disk.transfer(file, op, outcome.bytes_max));
  if (result == -ENOSPC) world_.chance.note("disk: no space");
  if (host_.disk.refuses_writes()) world_.chance.note("disk: write to a disk that takes none");
  if (world_.watch)
    world_.watch({.host = host_.number,
                  .file = file.inode->number,
                  .offset = asked.offset,
                  .landed = op.offset,
                  .bytes = bytes,
                  .before = before,
                  .result = result});
  return result;
}

void SimBackend::line_up(Entry& entry) {
  if (entry.in_line) return;
  entry.in_line = true;
  line_.push_back(entry.ticket);
}

void SimBackend::try_again(Ticket ticket) {
  if (Entry* entry = table_.find(ticket)) line_up(*entry);
}

void SimBackend::cancel(const Operation* target) {
  Entry* entry = table_.find(target);
  if (entry == nullptr) return;
  switch (entry->kind) {
    case OpKind::accept:
    case OpKind::receive:
      if (!world_.chance.cancel_in_time()) return cancel_late(entry->ticket);
      return finish(*entry, -ECANCELED);
    case OpKind::connect:
      return finish(*entry, -ECANCELED);
    case OpKind::send:
      return finish(*entry, entry->sent > 0 ? static_cast<std::int32_t>(entry->sent) : -ECANCELED);
    default:
      if (is_file_operation(entry->kind) && world_.chance.cancel_in_time()) finish(*entry, -ECANCELED);
  }
}

// Until then it goes on: a connection, or bytes, may come behind the cancel.
void SimBackend::cancel_late(Ticket ticket) {
  world_.clock.plan_in(world_.chance.cancel_delay(), [world = &world_, number = number_, ticket] {
    const auto backend = world->backends.find(number);
    if (backend == world->backends.end() || backend->second->dead_) return;
    if (Entry* entry = backend->second->table_.find(ticket)) backend->second->finish(*entry, -ECANCELED);
  });
}

// ---- Turning ----

std::size_t SimBackend::poll(std::span<Completion> out, const Wait& wait) {
  if (dead_) return 0;
  arena_used_ = 0;
  world_.clock.run_due();
  std::size_t count = serve(out);
  while (count == 0 && !woken_.load() && now() < wait.until) {
    if (world_.anything_ready()) break;  // another core's turn
    if (!world_.clock.step(wait.until)) break;
    count = serve(out);
  }
  woken_.store(false);
  for (const Completion& completion : out.first(count)) world_.trace_completion(number_, completion);
  return count;
}

std::size_t SimBackend::serve(std::span<Completion> out) {
  std::size_t count = ready_.take(out);
  for (std::size_t turns = line_.size(); turns > 0 && count < out.size(); --turns) {
    if (arena_used_ == kSimArena) break;
    const Ticket ticket = line_.front();
    line_.pop_front();
    Entry* entry = table_.find(ticket);
    if (entry == nullptr) continue;
    entry->in_line = false;
    count += attempt(*entry, out.subspan(count));
  }
  return count;
}

std::size_t SimBackend::attempt(Entry& entry, std::span<Completion> out) {
  const Handle handle = entry.handle;
  const Descriptors::Open open = host_.descriptors[handle];
  if (!open) return end(entry, -EBADF, out);
  if (entry.kind == OpKind::close) {
    world_.close(host_, handle);
    return end(entry, 0, out);
  }
  if (!open.socket) return end(entry, -ENOTSOCK, out);
  Socket& socket = *open.socket;
  std::int32_t result = 0;
  switch (entry.kind) {
    case OpKind::accept:
      return attempt_accept(entry, socket, out);
    case OpKind::receive:
      return attempt_receive(entry, socket, out);
    case OpKind::send:
      result = attempt_send(entry, socket);
      break;
    case OpKind::connect:
      result = attempt_connect(entry, open.socket);
      break;
    case OpKind::finish:
      result = world_.network.finish(socket);
      break;
    case OpKind::shutdown:
      result = world_.network.shut_down(socket);
      break;
    default:
      RP_ASSERT(false);
  }
  if (result > 0 && entry.kind == OpKind::send &&
      world_.chance.strikes(world_.chance.faults().network.late, "network: late completion")) {
    finish_later(entry.ticket, world_.chance.up_to(std::chrono::seconds{2}), result);
    return 0;
  }
  if (result != -EAGAIN) return end(entry, result, out);
  socket.writer = {this, entry.ticket};
  return 0;
}

std::size_t SimBackend::attempt_accept(Entry& entry, Socket& socket, std::span<Completion> out) {
  if (socket.stage != Socket::Stage::listening) return end(entry, -EINVAL, out);
  if (world_.chance.strikes(world_.chance.faults().network.accept_ends, "network: accept ended"))
    return end(entry, -EMFILE, out);
  std::size_t count = 0;
  while (count < std::min<std::size_t>(out.size(), kAcceptTurn)) {
    if (socket.backlog.empty()) {
      socket.reader = {this, entry.ticket};
      return count;
    }
    if (host_.descriptors.full()) return count + end(entry, -EMFILE, out.subspan(count));
    const std::int32_t accepted =
        host_.descriptors.add({.socket = world_.network.accept(socket), .file = {}});
    out[count++] = {.operation = entry.operation, .result = accepted, .more = true};
  }
  line_up(entry);
  return count;
}

std::size_t SimBackend::attempt_receive(Entry& entry, Socket& socket, std::span<Completion> out) {
  if (world_.chance.strikes(world_.chance.faults().network.starved, "network: no receive buffer")) {
    world_.clock.plan_in(world_.chance.up_to(std::chrono::milliseconds{100}),
                         [world = &world_, number = number_, ticket = entry.ticket] {
                           const auto backend = world->backends.find(number);
                           if (backend != world->backends.end()) backend->second->try_again(ticket);
                         });
    return 0;
  }
  const std::span<std::byte> room(arena_.get() + arena_used_, kSimArena - arena_used_);
  const std::int64_t result = world_.network.receive(socket, room);
  if (result == -EAGAIN) {
    socket.reader = {this, entry.ticket};
    return 0;
  }
  if (result <= 0) return end(entry, static_cast<std::int32_t>(result), out);
  const auto size = static_cast<std::size_t>(result);
  arena_used_ += size;
  out[0] = {.operation = entry.operation,
            .result = static_cast<std::int32_t>(size),
            .more = true,
            .bytes = room.first(size)};
  line_up(entry);
  return 1;
}

std::int32_t SimBackend::attempt_send(Entry& entry, Socket& socket) {
  const std::span vectors(entry.op.vectors, entry.op.vector_count);
  const std::int64_t result = world_.network.send(socket, vectors, entry.sent);
  if (result < 0) return static_cast<std::int32_t>(result);
  entry.sent += static_cast<std::uint64_t>(result);
  return entry.sent == entry.total ? static_cast<std::int32_t>(entry.total) : -EAGAIN;
}

std::int32_t SimBackend::attempt_connect(Entry& entry, const SocketPointer& socket) {
  if (std::exchange(entry.begun, true)) return world_.network.connect_result(*socket);
  return world_.network.connect(socket, *entry.op.address);
}

void SimBackend::finish_later(Ticket ticket, Duration delay, std::int32_t result) {
  world_.clock.plan_in(delay, [world = &world_, number = number_, ticket, result] {
    const auto found = world->backends.find(number);
    if (found == world->backends.end() || found->second->dead_) return;
    if (Entry* entry = found->second->table_.find(ticket)) found->second->finish(*entry, result);
  });
}

// ---- Ending operations ----

// Nothing may wake an operation that has ended.
void SimBackend::leave(Entry& entry) {
  const auto& socket = host_.descriptors[entry.handle].socket;
  if (!socket) return;
  const auto is_this = [&](const Waiting& waiting) {
    return waiting.waker == this && waiting.ticket.slot == entry.ticket.slot;
  };
  if (is_this(socket->reader)) socket->reader = {};
  if (is_this(socket->writer)) socket->writer = {};
}

std::size_t SimBackend::end(Entry& entry, std::int32_t result, std::span<Completion> out) {
  leave(entry);
  out[0] = {.operation = entry.operation, .result = result};
  table_.remove(entry);
  return 1;
}

void SimBackend::finish(Entry& entry, std::int32_t result) {
  Completion completion;
  end(entry, result, {&completion, 1});
  ready_.push(completion);
}

// ---- Set-up ----

Result<Handle> SimBackend::listen(const Endpoint& where, const ListenOptions& options) {
  std::int32_t error = 0;
  const SocketPointer socket = world_.network.listen(where, options, error);
  if (!socket) return fail_system(-error, "bind to " + to_string(where));
  const std::int32_t number = host_.descriptors.add({.socket = socket, .file = {}});
  if (number >= 0) return Handle{number};
  world_.network.close(*socket);
  return fail_system(-number, "open a socket");
}

Result<Handle> SimBackend::open_socket(const Endpoint& to, const std::optional<Endpoint>& from) {
  const std::int32_t number = host_.descriptors.add({.socket = world_.network.open(to, from), .file = {}});
  if (number < 0) return fail_system(-number, "open a socket");
  return Handle{number};
}

Result<Handle> SimBackend::adopt(int) {
  return fail_system(EOPNOTSUPP, "adopt a descriptor: the simulated world has none of its own");
}

Endpoint SimBackend::local_endpoint(Handle socket) {
  const auto& open = host_.descriptors[socket].socket;
  return open ? open->local : Endpoint{};
}

Endpoint SimBackend::peer_endpoint(Handle socket) {
  const auto& open = host_.descriptors[socket].socket;
  return open ? open->peer : Endpoint{};
}

}  // namespace ringpost::io::sim
