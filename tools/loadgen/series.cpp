#include "series.hpp"

#include <algorithm>

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

double milliseconds_of(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

CoreCount between(const CoreCount& before, const CoreCount& now, double length) {
  return {.acknowledged = now.acknowledged - before.acknowledged,
          .bytes = now.bytes - before.bytes,
          .wrong = now.wrong - before.wrong,
          .cpu = std::clamp((now.cpu - before.cpu) / length, 0.0, 1.0)};
}

admin::Json second_json(const Second& second) {
  admin::Json::List cores;
  for (const CoreCount& core : second.cores)
    cores.push_back(admin::Json()
                        .set("acknowledged", core.acknowledged)
                        .set("bytes", core.bytes)
                        .set("wrong", core.wrong)
                        .set("busy", core.cpu));
  admin::Json json = admin::Json()
                         .set("at", second.at)
                         .set("acknowledged", second.acknowledged())
                         .set("rate", second.rate())
                         .set("wrong", second.wrong())
                         .set("p50_ms", milliseconds_of(second.latency.quantile(0.5)))
                         .set("p90_ms", milliseconds_of(second.latency.quantile(0.9)))
                         .set("p99_ms", milliseconds_of(second.latency.quantile(0.99)))
                         .set("p99_9_ms", milliseconds_of(second.latency.quantile(0.999)))
                         .set("max_ms", milliseconds_of(second.latency.max()))
                         .set("cores", std::move(cores));
  if (second.server_memory) json.set("memory_mb", static_cast<double>(*second.server_memory) / 1e6);
  if (second.server) json.set("server", server_json(*second.server));
  return json;
}

}  // namespace

std::uint64_t Second::acknowledged() const {
  std::uint64_t sum = 0;
  for (const CoreCount& core : cores) sum += core.acknowledged;
  return sum;
}

std::uint64_t Second::wrong() const {
  std::uint64_t sum = 0;
  for (const CoreCount& core : cores) sum += core.wrong;
  return sum;
}

void Series::add(Look look) {
  if (last_ && before_last_ && look.at - last_->at < kSecondMin && !cut_) {
    seconds_.pop_back();
    last_ = std::move(before_last_);
  }
  if (last_ && seconds_.size() < kSecondsMax && look.at > last_->at) {
    Second second;
    second.at = std::chrono::duration<double>(look.at).count();
    second.length = std::chrono::duration<double>(look.at - last_->at).count();
    for (std::size_t i = 0; i < look.cores.size(); ++i)
      second.cores.push_back(between(last_->cores[i], look.cores[i], second.length));
    second.latency = look.latency.since(last_->latency);
    if (look.server && last_->server) second.server = between(*last_->server, *look.server, second.length);
    second.server_memory = look.server_memory;
    seconds_.push_back(std::move(second));
  }
  cut_ = seconds_.size() >= kSecondsMax;
  before_last_ = std::move(last_);
  last_ = std::move(look);
}

admin::Json series_json(const Series& series) {
  admin::Json::List list;
  for (const Second& second : series.seconds()) list.push_back(second_json(second));
  return list;
}

}  // namespace ringpost::loadgen
