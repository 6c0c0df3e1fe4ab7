// What a recipient becomes, and what is said of it.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include "ringpost/deliver/local_limits.hpp"

#include "deliver/local_location.hpp"
#include "unit/deliver/local_world.hpp"

namespace ringpost::deliver::local_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Kind = LocalResult::Kind;

class LocalTest : public testing::Test {
 protected:
  LocalWorld& start(std::string aliases = "", std::string location = "") {
    if (location.empty()) location = "maildir:" + folder_.path("mail/%d/%n");
    world_.emplace(core_, std::move(location), std::move(aliases));
    return *world_;
  }
  std::string mailbox(std::string_view name) {
    return folder_.path("mail/example.com/" + std::string(name) + "/new");
  }
  bool has_mail(std::string_view name) { return files_in(mailbox(name)).size() == 1; }

  shard::FakeBackend backend_;
  shard::Core core_{{.backend = &backend_}};
  Folder folder_;
  std::optional<LocalWorld> world_;
};

TEST_F(LocalTest, delivers_to_the_account_by_its_own_name_in_any_case) {
  LocalWorld& world = start();
  world.people->add("anna");
  const LocalResult result = world.deliver("Anna@example.com");
  EXPECT_EQ(result.kind, Kind::delivered) << result.reply.text;
  EXPECT_EQ(result.target, "maildir:" + folder_.path("mail/example.com/anna"));
  EXPECT_THAT(only_file_in(mailbox("anna")), HasSubstr("Delivered-To: Anna@example.com\n"));
}

TEST_F(LocalTest, refuses_who_does_not_exist) {
  const LocalResult result = start().deliver("nobody@example.com");
  EXPECT_EQ(result.kind, Kind::failed);
  EXPECT_EQ(result.reply.code, 550);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{5, 1, 1}));
}

TEST_F(LocalTest, looks_an_extension_up_whole_then_without_it) {
  LocalWorld& world = start("anna+list: bea\n");
  world.people->add("anna");
  world.people->add("bea");
  EXPECT_EQ(world.deliver("anna+news@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("anna"));
  EXPECT_EQ(world.deliver("anna+list@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("bea"));
}

TEST_F(LocalTest, keeps_accounts_with_a_domain_in_that_domain) {
  LocalWorld& world = start();
  world.people->add("anna@example.com");
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("anna"));
}

TEST_F(LocalTest, always_has_a_place_for_postmaster) {
  EXPECT_EQ(start().deliver("postmaster@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("postmaster"));
  LocalWorld& aliased = start("postmaster: anna\n");
  aliased.people->add("anna");
  EXPECT_EQ(aliased.deliver("PostMaster@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("anna"));
}

TEST_F(LocalTest, takes_the_file_of_aliases_before_those_of_the_database) {
  LocalWorld& world = start("info: anna\n");
  for (const char* name : {"anna", "bea"}) world.people->add(name);
  world.people->aliases["info"] = {"bea"};
  world.people->aliases["sales"] = {"bea", "x@example.org"};
  EXPECT_EQ(world.deliver("info@example.com").kind, Kind::delivered);
  EXPECT_TRUE(has_mail("anna"));
  const LocalResult sales = world.deliver("sales@example.com");
  EXPECT_EQ(sales.kind, Kind::forwarded);
  EXPECT_THAT(addresses(sales.forward), ElementsAre("x@example.org"));
  EXPECT_EQ(sales.target, "alias");
  EXPECT_TRUE(has_mail("bea"));
}

TEST_F(LocalTest, expands_aliases_of_aliases_and_each_target_once) {
  LocalWorld& world = start("all: group, anna, x@example.org\ngroup: anna, bea, x@example.org\n");
  for (const char* name : {"anna", "bea"}) world.people->add(name);
  const LocalResult result = world.deliver("all@example.com");
  EXPECT_EQ(result.kind, Kind::forwarded);
  EXPECT_THAT(addresses(result.forward), ElementsAre("x@example.org"));
  EXPECT_TRUE(has_mail("anna"));
  EXPECT_TRUE(has_mail("bea"));
}

TEST_F(LocalTest, a_name_that_leads_back_to_itself_is_its_mailbox) {
  LocalWorld& world =
      start("anna: anna, x@example.org\nbea: \\bea, y@example.org\ncleo: cleo@example.com, z@example.org\n");
  for (const char* name : {"anna", "bea", "cleo"}) {
    world.people->add(name);
    EXPECT_EQ(world.deliver(std::string(name) + "@example.com").kind, Kind::forwarded) << name;
    EXPECT_TRUE(has_mail(name)) << name;
  }
}

TEST_F(LocalTest, ends_loops_of_aliases) {
  const LocalResult result = start("a: b\nb: c\nc: a\n").deliver("a@example.com");
  EXPECT_EQ(result.kind, Kind::failed);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{5, 4, 6}));
}

TEST_F(LocalTest, bounds_how_deep_aliases_nest) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 1; i < depth; ++i)
      text += "a" + std::to_string(i) + ": a" + std::to_string(i + 1) + "\n";
    return text + "a" + std::to_string(depth) + ": anna\n";
  };
  LocalWorld& deep = start(nested(kAliasDepthMax));
  deep.people->add("anna");
  EXPECT_EQ(deep.deliver("a1@example.com").kind, Kind::delivered);
  LocalWorld& deeper = start(nested(kAliasDepthMax + 1));
  deeper.people->add("anna");
  EXPECT_EQ(deeper.deliver("a1@example.com").reply.status, (mail::EnhancedStatus{5, 4, 6}));
}

TEST_F(LocalTest, bounds_how_many_targets_one_recipient_has) {
  const auto many = [](std::size_t count) {
    std::string text = "all: u0@example.org";
    for (std::size_t i = 1; i < count; ++i) text += ", u" + std::to_string(i) + "@example.org";
    return text + "\n";
  };
  EXPECT_EQ(start(many(kLocalTargetsMax)).deliver("all@example.com").forward.size(), kLocalTargetsMax);
  const LocalResult result = start(many(kLocalTargetsMax + 1)).deliver("all@example.com");
  EXPECT_EQ(result.kind, Kind::deferred) << "an operator can put it right";
  EXPECT_THAT(result.forward, IsEmpty());
}

TEST_F(LocalTest, goes_on_here_with_a_single_local_address_and_sends_several_on) {
  LocalWorld& world = start("one: anna@example.com\ntwo: anna@example.com, bea@example.com\n");
  for (const char* name : {"anna", "bea"}) world.people->add(name);
  EXPECT_EQ(world.deliver("one@example.com").kind, Kind::delivered);
  EXPECT_THAT(addresses(world.deliver("two@example.com").forward),
              UnorderedElementsAre("anna@example.com", "bea@example.com"));
}

TEST_F(LocalTest, reads_included_lists_that_name_addresses_only) {
  write_file(folder_.path("list"), "# friends\nanna\nx@example.org, y@example.org\n");
  write_file(folder_.path("evil"), "|touch " + folder_.path("touched") + "\nanna\n");
  LocalWorld& world =
      start("list: :include:" + folder_.path("list") + "\nevil: :include:" + folder_.path("evil") +
            "\nlost: :include:/does/not/exist\n");
  world.people->add("anna");
  EXPECT_THAT(addresses(world.deliver("list@example.com").forward),
              ElementsAre("x@example.org", "y@example.org"));
  EXPECT_TRUE(has_mail("anna"));
  EXPECT_EQ(world.deliver("evil@example.com").kind, Kind::failed);
  EXPECT_FALSE(fs::exists(folder_.path("touched")));
  EXPECT_EQ(world.deliver("lost@example.com").kind, Kind::deferred) << "the list may come back";
}

TEST_F(LocalTest, mail_of_a_list_goes_on_from_its_owner) {
  write_file(folder_.path("more"), "bea\nx@example.org\n");
  LocalWorld& world = start("news: anna, y@example.com, :include:" + folder_.path("more") +
                            "\nowner-news: anna\nplain: anna\nboth: news, inner, plain\ninner: anna\n"
                            "Owner-Inner: bea\nsub: inner, z@example.org\nowner-sub: anna\n");
  for (const char* name : {"anna", "bea", "y"}) world.people->add(name);
  const std::string owner = "owner-news@example.com";
  EXPECT_THAT(world.deliver("News@example.com").forward,
              ElementsAre(Forward{"anna@example.com", owner}, Forward{"y@example.com", owner},
                          Forward{"bea@example.com", owner}, Forward{"x@example.org", owner}));
  EXPECT_FALSE(has_mail("anna")) << "as a recipient of the new message";
  EXPECT_THAT(world.deliver("plain@example.com").forward, IsEmpty());
  EXPECT_TRUE(has_mail("anna"));
  EXPECT_THAT(world.deliver("sub@example.com").forward,
              ElementsAre(Forward{"inner@example.com", "owner-sub@example.com"},
                          Forward{"z@example.org", "owner-sub@example.com"}));
  // Lists inside of an alias that is none: each from its own.
  EXPECT_THAT(world.deliver("both@example.com").forward,
              ElementsAre(Forward{"anna@example.com", owner}, Forward{"y@example.com", owner},
                          Forward{"bea@example.com", owner}, Forward{"x@example.org", owner}));
  world.sender.clear();
  EXPECT_THAT(world.deliver("sub@example.com").forward, ElementsAre(Forward{"z@example.org", ""}))
      << "a report stays one";
}

TEST_F(LocalTest, places_of_a_list_get_it_from_its_owner_who_hears_of_their_failure) {
  LocalWorld& world = start("news: " + folder_.path("box") + ", \\anna, \"|exit 67\"\nowner-news: bea\n");
  world.people->add("anna");
  const LocalResult result = world.deliver("news@example.com");
  EXPECT_EQ(result.kind, Kind::failed);
  EXPECT_EQ(result.owner, "owner-news@example.com");
  EXPECT_THAT(read_file(folder_.path("box")), HasSubstr("Return-Path: <owner-news@example.com>\n"));
  EXPECT_TRUE(has_mail("anna"));
}

TEST_F(LocalTest, a_list_that_names_itself_ends) {
  LocalWorld& world = start("news: news, anna@example.com\nowner-news: anna\n");
  world.people->add("anna");
  world.people->add("news");
  EXPECT_THAT(addresses(world.deliver("news@example.com").forward), ElementsAre("anna@example.com"));
  EXPECT_TRUE(has_mail("news")) << "the mailbox of that name";
}

TEST_F(LocalTest, leaves_the_sender_of_a_list_to_lmtp) {
  LocalWorld& world = start("news: \\anna, \\bea\nowner-news: bea\n", "lmtp:127.0.0.1:24");
  for (const char* name : {"anna", "bea"}) world.people->add(name);
  const LocalResult result = world.deliver("news@example.com");
  EXPECT_EQ(result.lmtp_recipient, "anna@example.com");
  EXPECT_EQ(result.lmtp_sender, "owner-news@example.com");
  EXPECT_THAT(result.forward, ElementsAre(Forward{"bea@example.com", "owner-news@example.com"}));
}

TEST_F(LocalTest, delivers_to_files_folders_and_commands_of_aliases) {
  LocalWorld& world = start("box: " + folder_.path("box") + "\nfolder: " + folder_.path("m/") +
                            "\nrun: \"|cat > " + folder_.path("out") + "\"\n");
  EXPECT_EQ(world.deliver("box@example.com").target, "mbox:" + folder_.path("box"));
  EXPECT_EQ(world.deliver("folder@example.com").target, "maildir:" + folder_.path("m"));
  EXPECT_EQ(world.deliver("run@example.com").kind, Kind::delivered);
  EXPECT_THAT(read_file(folder_.path("box")), HasSubstr("\nSubject: hello\n"));
  EXPECT_EQ(files_in(folder_.path("m/new")).size(), 1U);
  EXPECT_THAT(read_file(folder_.path("out")), HasSubstr("\nSubject: hello\n"));
}

TEST_F(LocalTest, does_not_do_again_what_an_earlier_attempt_has_done) {
  LocalWorld& world = start("all: anna, x@example.org, \"|test -e " + folder_.path("go") + " || exit 75\"\n");
  world.people->add("anna");
  FinishedTargets finished;
  const LocalResult first = world.deliver("all@example.com", &finished);
  EXPECT_EQ(first.kind, Kind::deferred);
  EXPECT_THAT(addresses(first.forward), ElementsAre("x@example.org"))
      << "a broken command keeps nobody's mail";
  mark_forwarded(first.forward, finished);
  EXPECT_TRUE(has_mail("anna"));

  EXPECT_EQ(world.deliver("all@example.com", &finished).kind, Kind::deferred);
  EXPECT_TRUE(has_mail("anna")) << "one copy";
  write_file(folder_.path("go"), "");
  const LocalResult last = world.deliver("all@example.com", &finished);
  EXPECT_EQ(last.kind, Kind::delivered);
  EXPECT_THAT(last.forward, IsEmpty());
  EXPECT_TRUE(has_mail("anna")) << "one copy";
}

TEST_F(LocalTest, sends_on_what_was_not_yet_durable_again) {
  LocalWorld& world = start("all: x@example.org, y@example.org, \"|exit 75\"\n");
  FinishedTargets finished;
  mark_forwarded(std::vector<Forward>{{"x@example.org", ""}}, finished);
  EXPECT_THAT(addresses(world.deliver("all@example.com", &finished).forward), ElementsAre("y@example.org"));
}

TEST_F(LocalTest, delivers_to_the_others_when_one_target_fails_for_good) {
  LocalWorld& world = start("all: anna, gone, x@example.org\n");
  world.people->add("anna");
  const LocalResult result = world.deliver("all@example.com");
  EXPECT_EQ(result.kind, Kind::failed);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{5, 1, 1}));
  EXPECT_THAT(result.reply.text, HasSubstr("gone"));
  EXPECT_THAT(addresses(result.forward), ElementsAre("x@example.org"));
  EXPECT_TRUE(has_mail("anna"));
}

TEST_F(LocalTest, leaves_lmtp_to_the_caller_and_says_to_whom) {
  LocalWorld& world = start("info: anna\nboth: anna, bea\nkeep: \\anna, x@example.org\nbad: anna, gone\n",
                            "lmtp:127.0.0.1:24");
  for (const char* name : {"anna", "bea"}) world.people->add(name);
  const LocalResult direct = world.deliver("Anna+news@example.com");
  EXPECT_EQ(direct.kind, Kind::lmtp);
  EXPECT_EQ(direct.lmtp_server, "127.0.0.1:24");
  EXPECT_EQ(direct.lmtp_recipient, "Anna+news@example.com");
  EXPECT_EQ(world.deliver("info@example.com").lmtp_recipient, "anna@example.com");
  const LocalResult both = world.deliver("both@example.com");
  EXPECT_EQ(both.lmtp_recipient, "anna@example.com");
  EXPECT_THAT(addresses(both.forward), ElementsAre("bea@example.com"));
  const LocalResult kept = world.deliver("keep@example.com");
  EXPECT_EQ(kept.kind, Kind::lmtp);
  EXPECT_THAT(addresses(kept.forward), ElementsAre("x@example.org"));
  const LocalResult bad = world.deliver("bad@example.com");
  EXPECT_EQ(bad.kind, Kind::lmtp);
  EXPECT_EQ(bad.reply.status, (mail::EnhancedStatus{5, 1, 1}));
}

TEST_F(LocalTest, waits_for_a_locked_mbox_without_blocking_then_defers) {
  LocalWorld& world = start("", "mbox:" + folder_.path("%u"));
  world.people->add("anna");
  write_file(folder_.path("anna.lock"), "1");
  const Instant before = core_.now();
  const LocalResult result = world.deliver("anna@example.com");
  EXPECT_EQ(result.kind, Kind::deferred);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{4, 2, 0}));
  EXPECT_GE(core_.now() - before, kLockWait);
  fs::remove(folder_.path("anna.lock"));
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
}

TEST_F(LocalTest, obeys_the_forward_file_of_who_we_are) {
  LocalWorld& world = start("", "maildir:~/Maildir");
  for (const char* name : {"anna", "bea", "cleo", "dora"}) {
    const std::string home = folder_.path(name);
    fs::create_directory(home);
    accounts::User& user = world.people->add(name, home);
    user.uid = ::geteuid();
    user.gid = ::getegid();
  }
  const auto put = [&](const char* name, std::string_view text) {
    write_file(folder_.path(std::string(name) + "/.forward"), text);
    ::chmod(folder_.path(std::string(name) + "/.forward").c_str(), 0600);
  };
  put("anna", "\\anna, x@example.org\n");
  put("bea", "bea@example.com\n\"|cat > out\"\n");
  put("cleo", "dora\n");
  put("dora", "cleo\n");
  const LocalResult anna = world.deliver("anna@example.com");
  EXPECT_EQ(anna.kind, Kind::forwarded);
  EXPECT_THAT(addresses(anna.forward), ElementsAre("x@example.org"));
  EXPECT_EQ(files_in(folder_.path("anna/Maildir/new")).size(), 1U);
  EXPECT_EQ(world.deliver("bea@example.com").kind, Kind::delivered);
  EXPECT_EQ(files_in(folder_.path("bea/Maildir/new")).size(), 1U);
  EXPECT_THAT(read_file(folder_.path("bea/out")), HasSubstr("Subject: hello")) << "it runs in the home";
  EXPECT_EQ(world.deliver("cleo@example.com").kind, Kind::delivered) << "a ring of two ends in a mailbox";
  EXPECT_EQ(files_in(folder_.path("cleo/Maildir/new")).size(), 1U);

  world.settings.mailboxes.forward_files = false;
  ASSERT_TRUE(world.local->set_settings(world.settings));
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
  EXPECT_EQ(files_in(folder_.path("anna/Maildir/new")).size(), 2U);
}

TEST_F(LocalTest, a_forward_file_may_include_a_list_that_its_user_owns) {
  LocalWorld& world = start("", "maildir:~/Maildir");
  world.people->add("anna", folder_.path()).uid = ::geteuid();
  const std::string list = folder_.path("friends");
  const auto put = [](const std::string& path, std::string_view text, mode_t mode = 0600) {
    write_file(path, text);
    ::chmod(path.c_str(), mode);
  };
  put(folder_.path(".forward"), "\\anna\n:include:" + list + "\n");
  put(list, "x@example.org\ny@example.org\n");
  EXPECT_THAT(addresses(world.deliver("anna@example.com").forward),
              ElementsAre("x@example.org", "y@example.org"));
  put(list, "x@example.org\n", 0660);
  const LocalResult open_to_others = world.deliver("anna@example.com");
  EXPECT_EQ(open_to_others.kind, Kind::deferred) << "its user can mend it";
  EXPECT_THAT(open_to_others.reply.text, HasSubstr("may be written by others"));
  EXPECT_THAT(open_to_others.forward, IsEmpty());
  for (const std::string& place :
       {"|touch " + folder_.path("touched"), folder_.path("box"), ":include:" + folder_.path(".forward")}) {
    put(list, place + "\n");
    EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::failed) << place;
  }
  EXPECT_FALSE(fs::exists(folder_.path("touched")) || fs::exists(folder_.path("box")));
  fs::remove(list);
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::deferred) << "it may come back";
}

TEST_F(LocalTest, a_forward_file_that_cannot_be_trusted_or_read_is_none) {
  LocalWorld& world = start("", "maildir:~/Maildir");
  world.people->add("anna", folder_.path()).uid = ::geteuid();
  write_file(folder_.path(".forward"), "x@example.org\n");
  ::chmod(folder_.path(".forward").c_str(), 0666);
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
  write_file(folder_.path(".forward"), "not an address\n");
  ::chmod(folder_.path(".forward").c_str(), 0600);
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
  EXPECT_EQ(files_in(folder_.path("Maildir/new")).size(), 2U);
}

TEST_F(LocalTest, without_a_helper_serves_users_of_the_system_only_outside_of_their_homes) {
  LocalWorld& home = start("", "maildir:~/Maildir");
  home.people->add("anna", folder_.path("anna")).uid = 4242;
  const LocalResult result = home.deliver("anna@example.com");
  EXPECT_EQ(result.kind, Kind::deferred);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{4, 3, 5}));
  EXPECT_THAT(result.reply.text, HasSubstr("helper"));
  LocalWorld& outside = start();
  outside.people->add("anna", folder_.path("anna")).uid = 4242;
  EXPECT_EQ(outside.deliver("anna@example.com").kind, Kind::delivered);
}

TEST_F(LocalTest, defers_for_an_account_without_the_home_that_the_location_needs) {
  LocalWorld& world = start("", "maildir:~/Maildir");
  world.people->add("anna");
  EXPECT_EQ(world.deliver("anna@example.com").reply.status, (mail::EnhancedStatus{4, 3, 5}));
}

TEST_F(LocalTest, pipes_to_the_configured_command) {
  LocalWorld& world = start("", "pipe:cat > " + folder_.path("%u.%d"));
  world.people->add("anna");
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
  EXPECT_THAT(read_file(folder_.path("anna.example.com")), HasSubstr("Subject: hello"));
}

TEST_F(LocalTest, begins_nothing_after_abort) {
  LocalWorld& world = start("", "pipe:sleep 1000");
  world.people->add("anna");
  world.local->abort();
  const LocalResult result = world.deliver("anna@example.com");
  EXPECT_EQ(result.kind, Kind::deferred);
  EXPECT_EQ(result.reply.status, (mail::EnhancedStatus{4, 3, 2}));
}

TEST_F(LocalTest, refuses_settings_that_cannot_work_and_keeps_the_old_ones) {
  LocalWorld& world = start();
  world.people->add("anna");
  LocalSettings broken = world.settings;
  broken.mailboxes.location = "shop";
  EXPECT_THAT(world.local->set_settings(broken).error().text, HasSubstr("maildir:PATH"));
  broken = world.settings;
  broken.aliases_text = "good: anna\nno colon\n";
  EXPECT_THAT(world.local->set_settings(broken).error().text, HasSubstr("line 2"));
  EXPECT_EQ(world.deliver("anna@example.com").kind, Kind::delivered);
}

TEST(LocalAliasTable, is_that_of_the_file) {
  EXPECT_THAT(Local::alias_table("Info: anna\nsales: info\n")->names(),
              UnorderedElementsAre("info", "sales"));
  EXPECT_THAT(Local::alias_table("oops").error().text, HasSubstr("line 1"));
}

std::string expand(std::string_view location, LocationNames names) {
  const auto parsed = parse_location(location);
  if (!parsed) return "wrong: " + parsed.error().text;
  const auto path = expand_location(*parsed, names);
  return path ? *path : "refused: " + path.error().text;
}

TEST(MailboxLocation, puts_names_into_the_path) {
  const LocationNames anna = names_for("anna", "/home/anna", "example.com");
  EXPECT_EQ(expand("maildir:/m/%d/%n/%u/%%", anna), "/m/example.com/anna/anna/%");
  EXPECT_EQ(expand("maildir:~/Maildir/", anna), "/home/anna/Maildir");
  EXPECT_EQ(expand("mbox:/var/mail/%u", anna), "/var/mail/anna");
  const LocationNames bea = names_for("bea@example.org", "", "example.com");
  EXPECT_EQ(expand("maildir:/m/%d/%n", bea), "/m/example.org/bea");
  EXPECT_THAT(expand("maildir:~/Maildir", bea), HasSubstr("no home"));
}

TEST(MailboxLocation, lets_no_name_climb_or_hide) {
  for (const std::string name : {"..", ".", "../etc", "a/b", "/etc", ".ssh", "", "a\nb", "a\x7f"})
    EXPECT_THAT(expand("maildir:/m/%n", {.user = name, .domain = "d", .name = name}),
                testing::StartsWith("refused"))
        << name;
  const std::string longest(kMailboxNameMax, 'a');
  EXPECT_EQ(expand("maildir:/m/%n", {.name = longest}), "/m/" + longest);
  EXPECT_THAT(expand("maildir:/m/%n", {.name = longest + "a"}), testing::StartsWith("refused"));
}

TEST(MailboxLocation, lets_no_name_become_a_word_of_a_shell) {
  EXPECT_EQ(expand("pipe:sort -u \"%u\" %n", {.user = "a\"; rm -rf $(pwd) `id`'|&\\\n", .name = "-rf"}),
            "sort -u \"a___rm_-rf___pwd___id______\" _rf");
}

TEST(MailboxLocation, says_what_is_wrong_with_it) {
  for (const char* text :
       {"", "maildir:", "maildir:Maildir", "mbox:/var/mail/%x", "mbox:/var/mail/%", "maildir:/m/../%n",
        "lmtp:localhost", "lmtp::24", "lmtp:host:port", "shop", "imap:x"})
    EXPECT_THAT(expand(text, {}), testing::StartsWith("wrong: mailboxes.location")) << text;
  EXPECT_EQ(expand("lmtp:[::1]:24", {}), "[::1]:24");
}

}  // namespace
}  // namespace ringpost::deliver::local_test
