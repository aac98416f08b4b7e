// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/remote_place.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "harness/target/target.h"

namespace tcpassay {
namespace {

std::string refusal(const std::string& name) {
  try {
    remote_place(name);
  } catch (const TargetError& error) {
    return error.what();
  }
  return "";
}

TEST(RemotePlace, ReadsWhatStandsBehindTheAddress) {
  const RemotePlace place =
      remote_place("remote:10.9.0.1?from=10.9.0.9&agent=192.168.0.1:7777&interface=eth1&settle=3&as=linux");
  EXPECT_EQ(place.target.text(), "10.9.0.1");
  EXPECT_EQ(place.from.text(), "10.9.0.9");
  EXPECT_EQ(place.agent, "192.168.0.1:7777");
  EXPECT_EQ(place.wire, "eth1");
  EXPECT_EQ(place.settle, std::chrono::milliseconds(3));
  EXPECT_EQ(remote_stack("remote:10.9.0.1?from=10.9.0.9&as=linux"), "linux");
  EXPECT_EQ(remote_stack("remote:10.9.0.1"), "remote");
}

TEST(RemotePlace, AWireOfOurOwnHasAddresses) {
  EXPECT_EQ(remote_place("tap:tap0").target.text(), "10.77.0.1");
  EXPECT_EQ(remote_place("unix:/tmp/wire?local=/tmp/ours").own_path, "/tmp/ours");
}

TEST(RemotePlace, SaysWhatIsNotUnderstood) {
  EXPECT_NE(refusal("remote:nowhere").find("expected an address"), std::string::npos);
  EXPECT_NE(refusal("remote:10.9.0.1?form=10.9.0.9").find("unknown option 'form'"), std::string::npos);
  EXPECT_NE(refusal("remote:10.9.0.1?from=ten").find("expected an address of IPv4"), std::string::npos);
  EXPECT_NE(refusal("remote:10.9.0.1?target6=2001:db8::1").find("from6=SPARE"), std::string::npos);
  EXPECT_NE(refusal("tap:tap0?interface=eth0").find("unknown option"), std::string::npos);
}

TEST(RemotePlace, OnlyWhatWasPermittedMayBeTested) {
  EXPECT_FALSE(may_test(*Address::parse("192.0.2.7")));
  permit_testing("192.0.2.7");
  EXPECT_TRUE(may_test(*Address::parse("192.0.2.7")));
  EXPECT_FALSE(may_test(*Address::parse("192.0.2.8")));
  EXPECT_THROW(permit_testing("everything"), TargetError);
}

}  // namespace
}  // namespace tcpassay
