// SPDX-License-Identifier: Apache-2.0
#include "harness/session/run_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/wire/capture_reader.h"
#include "harness/wire/segment_of.h"

namespace tcpassay {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;  // version of the log's format, in which enumerations are numbers

template <class Number>
void put_number(Json& json, const char* key, const std::optional<Number>& value) {
  if (value) json[key] = *value;
}

Json to_json(Tuple tuple) {
  return {tuple.local, tuple.remote};
}

Tuple tuple_from(const Json& json) {
  return {.local = json.at(0), .remote = json.at(1)};
}

std::string hex(std::span<const std::uint8_t> octets) {
  std::string text;
  text.reserve(2 * octets.size());
  for (const std::uint8_t octet : octets) fmt::format_to(std::back_inserter(text), "{:02x}", octet);
  return text;
}

Bytes octets_from(const std::string& text) {
  Bytes octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

Json to_json(const UserCall& call) {
  return {{"kind", static_cast<int>(call.kind)},
          {"handle", call.handle},
          {"port", call.port},
          {"length", call.length},
          {"how", call.how},
          {"urgent", call.urgent},
          {"host", static_cast<int>(call.host)},
          {"option", static_cast<int>(call.option)},
          {"value", call.value},
          {"result", call.result},
          {"error", static_cast<int>(call.error)},
          {"pair", to_json(call.tuple)},
          {"text", hex(call.text)}};
}

// Its text is put into `store`.
UserCall call_from(const Json& json, std::deque<Bytes>& store) {
  UserCall call{.kind = static_cast<CallKind>(json.at("kind").get<int>()),
                .handle = json.at("handle"),
                .port = json.at("port"),
                .length = json.at("length"),
                .how = json.at("how"),
                .urgent = json.at("urgent"),
                .host = static_cast<Host>(json.at("host").get<int>()),
                .option = static_cast<SocketOption>(json.at("option").get<int>()),
                .value = json.at("value"),
                .result = json.at("result"),
                .error = static_cast<UserError>(json.at("error").get<int>()),
                .tuple = tuple_from(json.at("pair"))};
  call.text = store.emplace_back(octets_from(json.at("text")));
  return call;
}

Json to_json(const StateReport& report) {
  Json json{{"state", static_cast<int>(report.state)}};
  put_number(json, "una", report.snd_una);
  put_number(json, "nxt", report.snd_nxt);
  put_number(json, "rcv", report.rcv_nxt);
  return json;
}

StateReport report_from(const Json& json) {
  const auto number = [&](const char* key) -> std::optional<std::uint32_t> {
    return json.contains(key) ? std::optional(json.at(key).get<std::uint32_t>()) : std::nullopt;
  };
  return {.state = static_cast<State>(json.at("state").get<int>()),
          .snd_una = number("una"),
          .snd_nxt = number("nxt"),
          .rcv_nxt = number("rcv")};
}

Json to_json(const IcmpArrives& message) {
  return {{"version", message.version},
          {"type", message.type},
          {"code", message.code},
          {"mtu", message.mtu},
          {"seq", message.seq.value}};
}

IcmpArrives message_from(const Json& json) {
  return {.version = json.at("version"),
          .type = json.at("type"),
          .code = json.at("code"),
          .mtu = json.at("mtu"),
          .seq = SndSeq{json.at("seq").get<std::uint32_t>()}};
}

Json to_json(const Terms& terms) {
  return {{"msl", terms.msl.count()},
          {"mms_r", terms.mms_r},
          {"mms_s", terms.mms_s},
          {"mss", terms.default_mss},
          {"fast_open_unseen", terms.fast_open_unseen}};
}

Terms terms_from(const Json& json) {
  return {.msl = Time(json.at("msl").get<std::int64_t>()),
          .mms_r = json.at("mms_r"),
          .mms_s = json.at("mms_s"),
          .default_mss = json.at("mss"),
          .fast_open_unseen = json.value("fast_open_unseen", false)};
}

// The packets of the capture by frame number. A frame that is not an IP packet counts, but is empty.
class Frames {
 public:
  explicit Frames(const std::string& path) : reader_(path) {}

  ByteView packet(std::uint64_t number) {
    while (!ended_ && number_ < number) {
      const auto captured = reader_.next();
      ended_ = !captured;
      if (captured) number_ = captured->number, packet_ = captured->packet;
    }
    if (ended_) throw CaptureError(fmt::format("frame {} is not in the capture", number));
    return number_ == number ? packet_ : ByteView{};
  }

 private:
  CaptureReader reader_;
  ByteView packet_{};
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

template <class SegmentT>
SegmentT segment_in(ByteView packet, int oddity, std::deque<Bytes>& store) {
  const auto decoded = decode(packet);
  if (!decoded) {
    SegmentT broken;
    broken.fault = Fault::kTruncated;
    return broken;
  }
  SegmentT segment = observed<SegmentT>(*decoded);
  segment.ip.oddity = static_cast<Carrier::Oddity>(oddity);
  segment.text = store.emplace_back(decoded->text.begin(), decoded->text.end());
  return segment;
}

Event event_from(const Json& json, Frames& frames, std::deque<Bytes>& store) {
  Event event{.from = Time(json.at("t").at(0).get<std::int64_t>()),
              .until = Time(json.at("t").at(1).get<std::int64_t>()),
              .tuple = tuple_from(json.at("pair"))};
  if (json.contains("in")) {
    event.what = segment_in<Arriving>(frames.packet(json.at("in")), json.at("oddity"), store);
  } else if (json.contains("out")) {
    event.what = segment_in<Departing>(frames.packet(json.at("out")), json.at("oddity"), store);
  } else if (json.contains("call")) {
    event.what = call_from(json.at("call"), store);
  } else if (json.contains("report")) {
    event.what = report_from(json.at("report"));
  } else if (json.contains("icmp")) {
    frames.packet(json.at("frame"));
    event.what = message_from(json.at("icmp"));
  } else {
    event.what = Quiet{};
  }
  return event;
}

std::uint64_t frame_of(const Json& json) {
  for (const char* key : {"in", "out", "frame"}) {
    if (json.contains(key)) return json.at(key);
  }
  return 0;
}

}  // namespace

struct RunLog::File {
  std::ofstream stream;
};

std::string run_log_of(const std::string& capture) {
  return std::filesystem::path(capture).replace_extension(".run").string();
}

RunLog::RunLog(std::string path) : path_(std::move(path)), part_(path_ + ".part"), file_(std::make_unique<File>()) {
  file_->stream.open(part_);
  if (!file_->stream) throw CaptureError(fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
}

RunLog::~RunLog() {
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void RunLog::line(const std::string& json) {
  file_->stream << json << '\n';
}

void RunLog::begins(const Terms& terms, const std::string& name) {
  line(Json{{"format", kFormat}, {"scenario", name}, {"terms", to_json(terms)}}.dump());
}

void RunLog::happens(const Event& event) {
  Json json{{"t", {event.from.count(), event.until.count()}}, {"pair", to_json(event.tuple)}};
  if (const auto* in = std::get_if<Arriving>(&event.what)) {
    json["in"] = ++frames_;
    json["oddity"] = static_cast<int>(in->ip.oddity);
  } else if (const auto* out = std::get_if<Departing>(&event.what)) {
    json["out"] = ++frames_;
    json["oddity"] = static_cast<int>(out->ip.oddity);
  } else if (const auto* call = std::get_if<UserCall>(&event.what)) {
    json["call"] = to_json(*call);
  } else if (const auto* report = std::get_if<StateReport>(&event.what)) {
    json["report"] = to_json(*report);
  } else if (const auto* message = std::get_if<IcmpArrives>(&event.what)) {
    json["frame"] = ++frames_;
    json["icmp"] = to_json(*message);
  }
  line(json.dump());
}

void RunLog::close() {
  file_->stream.close();
  std::error_code error;
  if (file_->stream) std::filesystem::rename(part_, path_, error);
  if (!file_->stream || error) throw CaptureError(path_ + ": cannot be written");
  file_.reset();
}

namespace {

// Every number of a log is whole; what is not may be too large for the number that it would become.
Json parsed(const std::string& line) {
  return Json::parse(line, [](int, Json::parse_event_t, const Json& json) {
    if (json.is_number_float()) throw CaptureError("a number is not whole: " + json.dump());
    return true;
  });
}

}  // namespace

struct RunLogReader::File {
  File(const std::string& capture, const std::string& log) : stream(log), frames(capture) {
    if (!stream) throw CaptureError(fmt::format("{}: cannot be read: {}", log, std::strerror(errno)));
  }

  std::ifstream stream;
  Frames frames;
  std::string line;
  std::uint64_t number = 0;
};

RunLogReader::RunLogReader(const std::string& capture, std::string log)
    : log_(std::move(log)), file_(std::make_unique<File>(capture, log_)) {
  if (!std::getline(file_->stream, file_->line)) throw CaptureError(log_ + ": is empty");
  file_->number = 1;
  try {
    const Json json = parsed(file_->line);
    if (json.at("format") != kFormat) throw CaptureError("the log has a format that this version cannot read");
    scenario_ = json.at("scenario");
    terms_ = terms_from(json.at("terms"));
  } catch (const std::exception& error) {
    throw CaptureError(fmt::format("{}:1: {}", log_, error.what()));
  }
}

RunLogReader::~RunLogReader() = default;

std::optional<RunLogReader::Entry> RunLogReader::next(std::deque<Bytes>& store) {
  if (!std::getline(file_->stream, file_->line)) return std::nullopt;
  ++file_->number;
  try {
    const Json json = parsed(file_->line);
    return Entry{.event = event_from(json, file_->frames, store), .frame = frame_of(json)};
  } catch (const std::exception& error) {
    throw CaptureError(fmt::format("{}:{}: {}", log_, file_->number, error.what()));
  }
}

}  // namespace tcpassay
