#include "server/material.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace ringpost::server {
namespace {

class MaterialTest : public testing::Test {
 protected:
  MaterialTest() {
    std::string pattern = testing::TempDir() + "materialXXXXXX";
    folder_ = mkdtemp(pattern.data());
    configuration_.domains.aliases = FilePath{};
  }
  ~MaterialTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, std::string_view text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  Result<std::shared_ptr<const Material>> read() const {
    return read_material(std::make_shared<const Configuration>(configuration_), nullptr);
  }

  std::string folder_;
  Configuration configuration_;
};

TEST_F(MaterialTest, needs_no_certificate_when_none_is_named) {
  const auto material = read();
  ASSERT_TRUE(material) << material.error().text;
  EXPECT_EQ((*material)->tls_server.main.certificate_pem, "");
}

// A renewal that is half done leaves such files. A server that then goes on in clear text would be a silent downgrade.
TEST_F(MaterialTest, takes_an_empty_certificate_for_an_error_and_not_for_none) {
  for (const char* text : {"", "no certificate\n"}) {
    configuration_.tls.certificate = file("cert.pem", text);
    configuration_.tls.key = file("key.pem", text);
    const auto material = read();
    ASSERT_FALSE(material) << "\"" << text << "\"";
    EXPECT_NE(material.error().text.find("cert.pem"), std::string::npos) << material.error().text;
  }
}

}  // namespace
}  // namespace ringpost::server
