// top: the cores, live.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "families.hpp"
#include "terminal.hpp"
#include "text_table.hpp"
#include "top_screen.hpp"

namespace ringpost::command {

namespace {

using admin::Json;
using Clock = std::chrono::steady_clock;

struct TopWish {
  bool once = false;
  std::string interval = "1s";
  std::string sort = "core";
};

struct Sample {
  Json status;
  Clock::time_point time;
};

double seconds_between(const Sample& before, const Sample& after) {
  return std::max(1e-3, std::chrono::duration<double>(after.time - before.time).count());
}

// Nothing: complained about, with `exit_code`.
std::optional<Sample> take_sample(const Context& context, int& exit_code) {
  Context quiet = context;
  quiet.json = false;
  Sample sample;
  const Asked asked = ask_server(quiet, "status", Json().set("buckets", true),
                                 [&](const Json& line) { sample.status = line; });
  exit_code = asked.exit_code;
  if (!asked.last) return std::nullopt;
  sample.time = Clock::now();
  return sample;
}

std::string title_of(const Json& status) {
  return fmt::format("ringpost {} on {}, up {}", status["version"].text(), status["hostname"].text(),
                     age_text(status["uptime_seconds"].number()));
}

// A table, or a JSON line for each interval.
int show_lines(const Context& context, const TopWish& wish, Duration interval) {
  int exit_code = kDone;
  auto before = take_sample(context, exit_code);
  while (before) {
    std::this_thread::sleep_for(interval);
    auto after = take_sample(context, exit_code);
    if (!after) break;
    const double seconds = seconds_between(*before, *after);
    const auto rows = top_rows(before->status, after->status, seconds);
    context.out(context.json ? admin::to_string(top_json(rows, seconds)) + "\n" : top_table(rows, wish.sort));
    std::fflush(stdout);  // each interval at once, also into a pipe
    if (wish.once) break;
    before = std::move(after);
  }
  return exit_code;
}

// While a server is gone its last figures stay, and the first line says so.
int show_live(const Context& context, TopScreen screen) {
  int exit_code = kDone;
  auto before = take_sample(context, exit_code);
  if (!before) return exit_code;
  auto terminal = Terminal::open();
  if (!terminal) {
    complain(context, terminal.error().text);
    return kUsage;
  }
  Context silent = context;
  std::string complaint;
  silent.err = [&](std::string_view text) { complaint = text.substr(0, text.find('\n')); };
  std::vector<TopRow> rows = top_rows(before->status, before->status, 1);
  const auto draw = [&] {
    const Terminal::Size size = (*terminal)->size();
    (*terminal)->show(
        screen.draw(rows, complaint.empty() ? title_of(before->status) : complaint, size.width, size.height));
  };
  for (auto next = Clock::now();;) {
    draw();
    const auto left = std::chrono::duration_cast<Duration>(next - Clock::now());
    const TopScreen::Key pressed = screen.press((*terminal)->read_key(std::max(left, Duration{0})));
    if (pressed == TopScreen::Key::quit) return kDone;
    const bool due = pressed == TopScreen::Key::ask_now || (Clock::now() >= next && !screen.paused());
    if (Clock::now() >= next)
      next = Clock::now() + std::chrono::milliseconds(std::lround(screen.interval() * 1e3));
    if (!due) continue;
    complaint.clear();
    auto after = take_sample(silent, exit_code);
    if (!after) continue;
    const double seconds = seconds_between(*before, *after);
    rows = top_rows(before->status, after->status, seconds);
    before = std::move(after);
  }
}

int top(const Context& context, const TopWish& wish) {
  const auto interval = parse_duration(wish.interval);
  constexpr Duration kMin = std::chrono::milliseconds(100), kMax = std::chrono::minutes(1);
  if (!interval || *interval < kMin || *interval > kMax) {
    complain(context, fmt::format("--interval: \"{}\" is none", wish.interval),
             "write a time from 100ms to 1m");
    return kUsage;
  }
  TopScreen screen;
  if (!screen.sort_by(wish.sort)) {
    complain(context, fmt::format("--sort: there is no column \"{}\"", wish.sort),
             "`ringpost top --help` names them");
    return kUsage;
  }
  screen.set_interval(std::chrono::duration<double>(*interval).count());
  return wish.once || context.json ? show_lines(context, wish, *interval) : show_live(context, screen);
}

}  // namespace

void add_top_command(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  const auto wish = std::make_shared<TopWish>();
  CLI::App* command = registry.leaf(app, "top", "The cores, live: a row for each",
                                    "  ringpost top\n  ringpost top --once --sort busy\n" + top_keys(),
                                    [&context, wish] { return top(context, *wish); });
  command->add_flag("--once", wish->once, "One table of one interval, then end");
  command->add_option("--interval", wish->interval, "Between two looks")->capture_default_str();
  command->add_option("--sort", wish->sort, "By this column: the name in brackets below")
      ->capture_default_str();
}

}  // namespace ringpost::command
