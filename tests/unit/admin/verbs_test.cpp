#include "ringpost/admin/limits.hpp"

#include "unit/admin/world.hpp"

namespace ringpost::admin {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(Requests, that_are_no_json_or_no_verb_are_refused_with_a_mend) {
  World world;
  for (const char* request :
       {"", "x", "{}", "[]", "{\"verb\":7}", "{\"verb\":\"queue\"}", "{\"verb\":\"queue list \"}"}) {
    const auto lines = world.ask(request);
    ASSERT_THAT(lines, SizeIs(1)) << request;
    EXPECT_NE(lines[0]["error"]["text"].text(), "") << request;
    EXPECT_NE(lines[0]["error"]["mend"].text(), "") << request;
  }
}

TEST(Requests, with_an_argument_that_the_verb_does_not_know_are_refused) {
  World world;
  EXPECT_THAT(world.error_of("queue list", R"({"domian":"example.com"})"), HasSubstr("domian"));
  EXPECT_THAT(world.error_of("status", R"({"x":1})"), HasSubstr("\"x\""));
  EXPECT_THAT(world.error_of("status", "[1]"), HasSubstr("not an object"));
}

TEST(Status, says_what_the_server_is) {
  World world;
  const auto lines = world.ask("{\"verb\":\"status\"}");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["generation"].number(), 3);
  EXPECT_EQ(lines[0]["hostname"].text(), "mx1");
  EXPECT_EQ(lines[0]["pid"].number(), getpid());
  EXPECT_EQ(lines[1], Json().set("done", true));
}

TEST(Reload, gives_the_findings_of_a_bad_configuration) {
  World world;
  EXPECT_EQ(world.ask("reload", "{}").back()["generation"].number(), 3);
  EXPECT_TRUE(world.ask("reload", "{}").back()["waiting"].list().empty());
  world.control.reload_result = Reloaded{.waiting = {"spool.directory waits"}, .rules_refused = true};
  EXPECT_EQ(world.ask("reload", "{}").back()["rules_refused"].text(), "true");
  EXPECT_EQ(world.ask("reload", "{}").back()["waiting"].list().at(0).text(), "spool.directory waits");
  world.control.reload_result = fail(ErrorKind::permanent, "a.toml:1: error: x\na.toml:2: error: y");
  EXPECT_THAT(world.error_of("reload", "{}"), HasSubstr("a.toml:2"));
  EXPECT_EQ(world.control.reloads, 5);
}

TEST(Stop, passes_the_drain_on_or_leaves_it_to_the_configuration) {
  World world;
  world.ask("stop", "{}");
  EXPECT_EQ(world.control.stopped, Duration{-1});
  world.ask("stop", R"({"drain":"90s"})");
  EXPECT_EQ(world.control.stopped, Duration{90s});
  world.control.stopped.reset();
  EXPECT_THAT(world.error_of("stop", R"({"drain":"soon"})"), HasSubstr("soon"));
  EXPECT_THAT(world.error_of("stop", R"({"drain":"61m"})"), HasSubstr("1h"));
  EXPECT_FALSE(world.control.stopped);
}

TEST(Draining, leaves_only_what_needs_no_queue) {
  World world;
  world.control.draining = true;
  EXPECT_THAT(world.error_of("queue list", "{}"), HasSubstr("ending"));
  EXPECT_THAT(world.error_of("queue hold", R"({"all":true})"), HasSubstr("ending"));
  EXPECT_FALSE(world.queue.changed);
  EXPECT_EQ(world.ask("status", "{}").front()["draining"].text(), "true");
}

TEST(Selector, is_made_canonical) {
  World world;
  world.ask("queue list",
            R"({"domain":"EXAMPLE.Org","sender":"Anna@Example.COM","recipient":"bea@EXAMPLE.org",)"
            R"("state":"held","older_than":"2h","id":")" +
                to_string(kFirst) + "\"}");
  const deliver::Selector& selected = world.queue.selected;
  EXPECT_EQ(selected.domain, "example.org");
  EXPECT_EQ(selected.sender, "Anna@example.com");
  EXPECT_EQ(selected.recipient, "bea@example.org");
  EXPECT_EQ(selected.state, deliver::JobState::held);
  EXPECT_EQ(selected.older_than, Duration{2h});
  EXPECT_EQ(selected.id, kFirst);
  world.ask("queue list", R"({"sender":"<>"})");
  EXPECT_EQ(world.queue.selected.sender, "<>");
}

TEST(Selector, says_what_is_wrong_with_a_part) {
  World world;
  for (const auto& [arguments, part] : {std::pair(R"({"domain":"a b"})", "domain"),
                                        {R"({"sender":"a b"})", "sender"},
                                        {R"({"recipient":"@"})", "recipient"},
                                        {R"({"state":"asleep"})", "asleep"},
                                        {R"({"older_than":"-4h"})", "older_than"},
                                        {R"({"older_than":"4"})", "older_than"},
                                        {R"({"id":"0"})", "id"}})
    EXPECT_THAT(world.error_of("queue list", arguments), HasSubstr(part)) << arguments;
}

TEST(QueueList, gives_pages_that_say_where_the_next_begins) {
  World world;
  world.queue.messages = {queued(kFirst), queued(kSecond)};
  const auto page = world.ask("queue list", R"({"limit":1})");
  ASSERT_THAT(page, SizeIs(2));
  EXPECT_EQ(page[0]["id"].text(), to_string(kFirst));
  EXPECT_EQ(page[0]["arrival"].text(), "2026-11-22T07:58:30Z");
  EXPECT_EQ(page[0]["age_seconds"].number(), 90);
  const Json& recipient = page[0]["recipients"].list().at(0);
  EXPECT_EQ(recipient["state"].text(), "deferred");
  EXPECT_EQ(recipient["next_attempt"].text(), "2026-11-22T08:01:00Z");
  EXPECT_EQ(page[1]["next"].text(), to_string(kFirst));
  const auto rest = world.ask("queue list", R"({"after":")" + page[1]["next"].text() + "\"}");
  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(rest[0]["id"].text(), to_string(kSecond));
  EXPECT_TRUE(rest[1]["next"].is_null());
}

TEST(QueueList, is_never_longer_than_a_page) {
  World world;
  EXPECT_THAT(world.ask("queue list", "{\"limit\":" + std::to_string(kPageMax) + "}"), SizeIs(1));
  EXPECT_THAT(world.error_of("queue list", "{\"limit\":" + std::to_string(kPageMax + 1) + "}"),
              HasSubstr("limit"));
  EXPECT_THAT(world.error_of("queue list", R"({"limit":0})"), HasSubstr("limit"));
  EXPECT_THAT(world.error_of("queue list", R"({"limit":"1"})"), HasSubstr("limit"));
}

TEST(QueueList, shows_so_many_recipients_of_a_message_and_counts_the_rest) {
  World world;
  world.queue.messages = {queued(kFirst, kRecipientsShownMax), queued(kSecond, kRecipientsShownMax + 1)};
  const auto lines = world.ask("queue list", "{}");
  EXPECT_EQ(lines[0]["recipients_left"].number(), 0);
  EXPECT_THAT(lines[1]["recipients"].list(), SizeIs(kRecipientsShownMax));
  EXPECT_EQ(lines[1]["recipients_left"].number(), 1);
}

TEST(QueueShow, finds_one_message_or_says_that_it_is_gone) {
  World world;
  world.queue.messages = {queued(kFirst)};
  EXPECT_EQ(world.ask("queue show", "{\"id\":\"" + to_string(kFirst) + "\"}")[0]["size"].number(), 2048);
  EXPECT_THAT(world.error_of("queue show", "{\"id\":\"" + to_string(kSecond) + "\"}"),
              HasSubstr("not in the queue"));
  EXPECT_THAT(world.error_of("queue show", "{}"), HasSubstr("no queue id"));
}

TEST(Quarantine, says_where_its_ids_are_shown) {
  World world;
  for (const char* verb : {"quarantine show", "quarantine release", "quarantine delete"}) {
    const auto lines = world.ask(verb, R"({"id":"../x"})");
    EXPECT_THAT(lines.back()["error"]["mend"].text(), HasSubstr("filter quarantine list")) << verb;
  }
  EXPECT_THAT(world.ask("queue show", R"({"id":"../x"})").back()["error"]["mend"].text(),
              HasSubstr("queue list"));
}

TEST(QueueSummary, adds_up_the_cores_and_puts_the_largest_first) {
  World world;
  deliver::QueueSummary core{.messages = 3, .recipients = {1, 0, 2, 0, 0}, .ages = {3, 0, 0, 0, 0, 0}};
  core.destinations = {
      {.name = "a.example", .recipients = {1, 0, 0, 0, 0}, .connections = 1, .oldest = kNow - 60s},
      {.name = "b.example", .recipients = {0, 0, 2, 0, 0}, .oldest = kNow - 10s, .problem = "refused"}};
  core.passing = 1;
  world.queue.summary = {core, core};
  world.queue.summary[1].destinations[0].oldest = kNow - 120s;
  const auto lines = world.ask("queue summary", "{}");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0]["group"].text(), "b.example");
  EXPECT_EQ(lines[0]["deferred"].number(), 4);
  EXPECT_EQ(lines[0]["problem"].text(), "refused");
  EXPECT_EQ(lines[1]["connections"].number(), 2);
  EXPECT_EQ(lines[1]["oldest"].text(), "2026-11-22T07:58:00Z");
  EXPECT_EQ(lines[2]["messages"].number(), 6);
  EXPECT_EQ(lines[2]["recipients"].number(), 6);
  EXPECT_EQ(lines[2]["passing"].number(), 2);
  EXPECT_EQ(world.ask("queue summary", R"({"by":"age"})")[0],
            Json().set("group", "up to 5m").set("recipients", 6));
  EXPECT_EQ(world.ask("queue summary", R"({"by":"state"})")[2],
            Json().set("group", "deferred").set("recipients", 4));
  EXPECT_THAT(world.error_of("queue summary", R"({"by":"moon"})"), HasSubstr("moon"));
}

TEST(QueueSummary, of_many_destinations_shows_the_largest_and_counts_the_rest) {
  World world;
  deliver::QueueSummary core;
  for (std::size_t i = 0; i <= kGroupsMax; ++i)
    core.destinations.push_back({.name = std::to_string(i), .recipients = {1, 0, 0, 0, 0}});
  world.queue.summary = {core};
  const auto lines = world.ask("queue summary", "{}");
  EXPECT_THAT(lines, SizeIs(kGroupsMax + 1));
  EXPECT_EQ(lines.back()["groups_left"].number(), 1);
}

TEST(QueueOrders, need_a_selector_or_all_but_never_both) {
  World world;
  for (const std::string verb : {"hold", "release", "bounce", "cancel"}) {
    EXPECT_THAT(world.error_of("queue " + verb, "{}"), HasSubstr("no message was selected")) << verb;
    EXPECT_THAT(world.error_of("queue " + verb, R"({"all":true,"domain":"a.example"})"), HasSubstr("exclude"))
        << verb;
  }
  EXPECT_FALSE(world.queue.changed);
  EXPECT_EQ(world.ask("queue cancel", R"({"all":true})").back()["changed"].number(), 2);
  EXPECT_EQ(world.queue.changed, QueueChange::cancel);
  world.ask("queue flush", "{}");
  EXPECT_EQ(world.queue.changed, QueueChange::flush);
}

TEST(QueueOrders, in_a_dry_run_only_count) {
  World world;
  EXPECT_EQ(
      world.ask("queue bounce", R"({"domain":"a.example","dry_run":true})").back()["would_change"].number(),
      7);
  EXPECT_FALSE(world.queue.changed);
  EXPECT_EQ(world.queue.selected.domain, "a.example");
  world.ask("queue release", R"({"all":true,"dry_run":true})");
  EXPECT_EQ(world.queue.selected.state, deliver::JobState::held);
}

TEST(QueueOrders, give_the_error_of_a_core) {
  World world;
  world.queue.change_result = fail(ErrorKind::timed_out, "core 1 is too busy; try again");
  EXPECT_THAT(world.error_of("queue hold", R"({"all":true})"), HasSubstr("core 1"));
}

TEST(QueueOrders, that_a_core_did_not_end_in_time_survive_a_restart_where_they_were_done) {
  World world;
  world.queue.change_result = fail(ErrorKind::timed_out, "core 1 is too busy; try again");
  EXPECT_EQ(world.error_of("queue hold", "{\"id\":\"" + to_string(kFirst) + "\"}"), "core 1 is too busy");
  const auto stored = load_directives(world.control.tables(), 1, kNow);
  ASSERT_EQ(stored->at(0).held.size(), 1U);
  EXPECT_EQ(stored->at(0).held[0].id, kFirst);
}

TEST(Directives, of_holds_and_suspensions_are_in_the_tables_before_the_answer) {
  World world;
  world.ask("queue hold", "{\"id\":\"" + to_string(kFirst) + "\"}");
  world.ask("queue suspend", R"({"domain":"Example.ORG"})");
  const auto loaded = load_directives(world.control.tables(), 2, kNow);
  ASSERT_TRUE(loaded);
  ASSERT_THAT(*loaded, SizeIs(2));
  EXPECT_EQ((*loaded)[1].held.at(0).id, kFirst);
  EXPECT_THAT((*loaded)[0].suspended, testing::ElementsAre("example.org"));
  const auto lines = world.ask("queue directives", "{}");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0]["destination"].text(), "example.org");
  EXPECT_EQ(lines[1]["id"].text(), to_string(kFirst));

  world.ask("queue release", R"({"all":true})");
  world.ask("queue resume", R"({"domain":"example.org"})");
  const auto after = load_directives(world.control.tables(), 1, kNow);
  ASSERT_TRUE(after);
  EXPECT_TRUE((*after)[0].held.empty());
  EXPECT_TRUE((*after)[0].suspended.empty());
}

TEST(Directives, of_holds_by_selector_are_one_row_each_in_their_order) {
  World world;
  const deliver::Selector domain{.domain = "a.example", .arrived_until = kNow};
  const deliver::Selector one{.id = kFirst, .sender = "<>", .arrived_until = kNow};
  world.queue.now.rules = {{true, domain}, {false, one}};
  ASSERT_TRUE(store_directives(world.control.tables(), world.queue.now));
  const auto loaded = load_directives(world.control.tables(), 2, kNow);
  ASSERT_TRUE(loaded);
  const auto& rules = (*loaded)[1].rules;
  ASSERT_THAT(rules, SizeIs(2));
  EXPECT_TRUE(rules[0].hold);
  EXPECT_EQ(rules[0].what.domain, "a.example");
  EXPECT_EQ(rules[0].what.arrived_until, kNow);
  EXPECT_FALSE(rules[1].hold);
  EXPECT_EQ(rules[1].what.id, kFirst);
  EXPECT_EQ(rules[1].what.sender, "<>");
  const auto lines = world.ask("queue directives", "{}");
  EXPECT_EQ(lines.at(0)["domain"].text(), "a.example");
  EXPECT_EQ(lines.at(1)["directive"].text(), "release");
  world.queue.now.rules = {{true, one}};
  ASSERT_TRUE(store_directives(world.control.tables(), world.queue.now));
  const auto after = load_directives(world.control.tables(), 1, kNow);
  ASSERT_THAT((*after)[0].rules, SizeIs(1));
  EXPECT_TRUE((*after)[0].rules[0].hold);
}

TEST(Suspend, names_exactly_one_flow) {
  World world;
  EXPECT_THAT(world.error_of("queue suspend", "{}"), HasSubstr("no flow"));
  EXPECT_THAT(world.error_of("queue suspend", R"({"all":true,"domain":"a.example"})"),
              HasSubstr("more than one"));
  world.ask("queue suspend", R"({"destination":"smtp:relay.example:25"})");
  world.ask("queue suspend", R"({"all":true})");
  EXPECT_THAT(world.queue.now.suspended, testing::ElementsAre("smtp:relay.example:25", "*"));
}

TEST(Suspend, may_end_by_itself_also_after_a_restart) {
  World world;
  const auto answered = world.ask("queue suspend", R"({"domain":"a.example","for":"2h"})");
  EXPECT_EQ(answered.back()["until"].text(), "2026-11-22T10:00:00Z");
  world.ask("queue suspend", R"({"domain":"b.example"})");
  world.keeper.end_suspensions(kNow + 1h);
  EXPECT_THAT(world.queue.now.suspended, SizeIs(2));
  EXPECT_THAT((*load_directives(world.control.tables(), 1, kNow + 3h))[0].suspended,
              testing::ElementsAre("b.example"));
  world.keeper.end_suspensions(kNow + 2h);
  EXPECT_THAT(world.queue.now.suspended, testing::ElementsAre("b.example"));
  EXPECT_THAT(*load_suspensions(world.control.tables()), SizeIs(1));
}

TEST(Suspend, again_sets_a_new_end_and_another_order_keeps_it) {
  World world;
  world.ask("queue suspend", R"({"domain":"a.example","for":"2h"})");
  world.ask("queue suspend", R"({"domain":"a.example","for":"4h"})");
  world.ask("queue hold", R"({"all":true})");
  const auto suspended = load_suspensions(world.control.tables());
  ASSERT_THAT(*suspended, SizeIs(1));
  EXPECT_EQ((*suspended)[0].until, kNow + 4h);
  world.keeper.end_suspensions(kNow + 3h);
  EXPECT_THAT(world.queue.now.suspended, SizeIs(1));
}

TEST(Resume, of_what_is_not_suspended_is_refused_and_all_ends_every_suspension) {
  World world;
  EXPECT_THAT(world.error_of("queue resume", R"({"domain":"a.example"})"), HasSubstr("not suspended"));
  world.ask("queue suspend", R"({"domain":"a.example"})");
  world.ask("queue suspend", R"({"all":true})");
  world.ask("queue resume", R"({"all":true})");
  EXPECT_TRUE(world.queue.now.suspended.empty());
  EXPECT_THAT(*load_suspensions(world.control.tables()), testing::IsEmpty());
}

TEST(Directives, pass_over_rows_that_nobody_could_have_written) {
  World world;
  auto& tables = world.control.tables();
  for (const char* key : {"hold/", "hold/x/y", "hold/0000000000001", "other"})
    ASSERT_TRUE(tables.put("directives", key, ""));
  const auto loaded = load_directives(tables, 1, kNow);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE((*loaded)[0].held.empty());
}

}  // namespace
}  // namespace ringpost::admin
