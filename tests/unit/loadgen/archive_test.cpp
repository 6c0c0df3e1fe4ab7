#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail_archive.hpp"

namespace ringpost::loadgen {
namespace {

using testing::ElementsAre;

std::vector<std::string> mbox(std::string_view text) {
  std::vector<std::string> mails;
  const auto done = for_each_of_mbox(text, [&](std::string_view mail) -> Result<void> {
    mails.emplace_back(mail);
    return {};
  });
  EXPECT_TRUE(done);
  return mails;
}

std::string tar_entry(std::string_view name, std::string_view content, char type = '0') {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  std::string size = "00000000000";
  std::size_t rest = content.size();
  for (std::size_t i = size.size(); i-- > 0; rest /= 8) size[i] = static_cast<char>('0' + rest % 8);
  block.replace(124, size.size(), size);
  block[156] = type;
  block.replace(257, 5, "ustar");
  block += content;
  return block + std::string((512 - content.size() % 512) % 512, '\0');
}

TEST(Mbox, gives_each_mail_without_its_separator_and_quotes) {
  EXPECT_THAT(mbox("From a\nA: 1\n\nx\n>From b\n>>From c\nFrom here\n\nFrom d\nB: 2\n\ny\n"),
              ElementsAre("A: 1\n\nx\nFrom b\n>From c\nFrom here\n", "B: 2\n\ny\n"));
  EXPECT_THAT(mbox("From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nC: 3"),
              ElementsAre("A: 1\r\n\r\nx\r\n", "C: 3"));
  EXPECT_THAT(mbox("From a"), ElementsAre(""));
}

TEST(Tar, gives_regular_files_and_passes_others) {
  const std::string mail(700, 'm');
  const std::string text = tar_entry("d/", "", '5') + tar_entry("d/1", mail) + tar_entry("d/2", "two") +
                           tar_entry("x", "header", 'x') + std::string(1024, '\0');
  ASSERT_TRUE(is_tar(text));
  std::vector<std::string> mails;
  EXPECT_TRUE(for_each_of_tar(text, [&](std::string_view one) -> Result<void> {
    mails.emplace_back(one);
    return {};
  }));
  EXPECT_THAT(mails, ElementsAre(mail, "two"));
}

TEST(Tar, complains_about_what_is_cut_off) {
  const std::string text = tar_entry("cut.eml", std::string(2000, 'm')).substr(0, 1000);
  const auto done = for_each_of_tar(text, [](std::string_view) -> Result<void> { return {}; });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, testing::HasSubstr("cut.eml"));
}

}  // namespace
}  // namespace ringpost::loadgen
