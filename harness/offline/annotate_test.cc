// SPDX-License-Identifier: Apache-2.0
// What judge writes: captures with comments, and one conversation alone.
#include "harness/offline/annotate.h"

#include <fstream>
#include <iterator>

#include "harness/offline/capture_test.h"
#include "harness/offline/extract.h"
#include "harness/wire/capture_reader.h"

namespace tcpassay {
namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The server sends text behind its FIN; with `innocent` only an acknowledgment.
class JudgedCapture : public CaptureJudged {
 protected:
  FileResult judged(bool innocent = false) {
    open();
    exchange();
    write(down({.fin = true, .ack = true}, 51, 101));
    write(up({.ack = true}, 101, 52), std::chrono::milliseconds(3));
    write(up({.psh = true, .ack = true}, 101, 52, 10), std::chrono::milliseconds(3));
    write(down({.psh = !innocent, .ack = true}, 52, 111, innocent ? 0 : 20));
    file_.close();
    CaptureResult capture = judge_capture(path_, {});
    FileResult result{.file = path_, .outcome = capture.outcome};
    result.capture = std::move(capture);
    return result;
  }
  std::string beside(const char* ending) const { return path_ + ending; }
};

TEST_F(JudgedCapture, FindingsStandOnTheirPackets) {
  const FileResult result = judged();
  ASSERT_EQ(result.outcome, Outcome::kFail) << result.why;
  const auto comments = comments_of(result);
  ASSERT_EQ(comments.size(), 1u);
  EXPECT_EQ(comments[0].frame, 10u);
  const std::string out = beside(".pcapng");
  annotate_capture(path_, comments, out);
  EXPECT_NE(contents(out).find("tcpassay: MUST "), std::string::npos);
  CaptureReader before(path_), after(out);
  for (auto one = before.next(); one; one = before.next()) {
    const auto same = after.next();
    ASSERT_TRUE(same);
    EXPECT_EQ(same->when, one->when);
    EXPECT_TRUE(std::equal(one->packet.begin(), one->packet.end(), same->packet.begin(), same->packet.end()));
  }
  EXPECT_FALSE(after.next());
  std::remove(out.c_str());
}

TEST_F(JudgedCapture, WhereNothingIsFoundThereIsNoComment) {
  const FileResult result = judged(true);
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
  EXPECT_TRUE(comments_of(result).empty());
}

TEST_F(JudgedCapture, AConversationAloneIsCondemnedAsBefore) {
  const FileResult result = judged();
  const std::string out = beside("_alone");
  const std::string says = extract_conversation(result, 0, out);
  const FileResult packets = judge_file(out + ".pcapng"), script = judge_file(out + ".pkt");
  ASSERT_EQ(packets.outcome, Outcome::kFail) << packets.why;
  ASSERT_EQ(script.outcome, Outcome::kFail) << contents(out + ".pkt");
  const Rule rule = result.capture->conversations[0].ends[1].verdict->rule;
  EXPECT_EQ(packets.capture->conversations[0].ends[1].verdict->rule, rule);
  const std::string id(info(rule).id);  // the same rule, or both are named
  EXPECT_TRUE(says.ends_with("breaks " + id + ", as in the capture") || says.ends_with("in the capture it is " + id))
      << says;
  EXPECT_EQ(contents(out + ".pkt").find("// judged as a script"), 0u);
  const std::string octets = contents(out + ".pcapng");
  EXPECT_EQ(octets.find("xxxxx"), std::string::npos);                             // the text
  EXPECT_EQ(octets.find("192.0.2.2"), std::string::npos);                         // the server, in comments
  EXPECT_EQ(octets.find(std::string("\xc0\x00\x02\x02", 4)), std::string::npos);  // ... and in headers
  EXPECT_THROW(extract_conversation(result, 7000, out), CaptureError);
  for (const char* ending : {".pcapng", ".pkt"}) std::remove((out + ending).c_str());
}

TEST_F(JudgedCapture, AConversationAloneIsInnocentAsBefore) {
  const FileResult result = judged(true);
  const std::string out = beside("_alone");
  extract_conversation(result, 1, out);
  EXPECT_EQ(judge_file(out + ".pcapng").outcome, Outcome::kPass);
  const FileResult script = judge_file(out + ".pkt");
  EXPECT_EQ(script.outcome, Outcome::kPass) << contents(out + ".pkt") << script.why;
  for (const char* ending : {".pcapng", ".pkt"}) std::remove((out + ending).c_str());
}

// One SEND explains the segments as far as the one with PSH, and not what follows when all is acknowledged.
TEST_F(JudgedCapture, ACallReachesAsFarAsThePush) {
  open();
  write(down({.ack = true}, 1, 1, 1000), std::chrono::milliseconds(3));
  write(down({.psh = true, .ack = true}, 1001, 1, 500));
  write(down({.ack = true}, 1501, 1, 1000));
  write(up({.ack = true}, 1, 2501), std::chrono::milliseconds(3));
  write(down({.psh = true, .ack = true}, 2501, 1, 100));
  file_.close();
  CaptureResult capture = judge_capture(path_, {});
  FileResult result{.file = path_, .outcome = capture.outcome};
  result.capture = std::move(capture);
  const std::string out = beside("_alone");
  extract_conversation(result, 1, out);
  const std::string script = contents(out + ".pkt");
  for (const char* call : {"write(4, ..., 1500) = 1500", "write(4, ..., 1000) = 1000", "write(4, ..., 100) = 100"})
    EXPECT_NE(script.find(call), std::string::npos) << call << "\n" << script;
  for (const char* ending : {".pcapng", ".pkt"}) std::remove((out + ending).c_str());
}

}  // namespace
}  // namespace tcpassay
