// SPDX-License-Identifier: Apache-2.0
#include "harness/site/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/version.h"
#include "harness/site/assets.h"
#include "harness/site/html.h"

namespace tcpassay {
namespace {

// Nothing is loaded but what stands in the report's own folder.
constexpr const char* kPolicy =
    "default-src 'none'; style-src 'self' file: 'unsafe-inline'; script-src 'self' file:; img-src 'self' file: data:; "
    "base-uri 'none'; form-action 'none'";

Html head_of(const Page& page, const std::string& about, const std::string& up) {
  const auto script = [&](const char* name) {
    return element("script", {{"src", up + "assets/" + name}, {"defer", ""}});
  };
  return tag("head", element("meta", {{"charset", "utf-8"}}) +
                         element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", kPolicy}}) +
                         element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
                         element("meta", {{"name", "generator"}, {"content", fmt::format("tcpassay {}", kVersion)}}) +
                         tag("title", page.title + " \u2013 " + about) +
                         element("link", {{"rel", "icon"}, {"href", "data:,"}}) +
                         element("link", {{"rel", "stylesheet"}, {"href", up + "assets/style.css"}}) +
                         script("index.js") + script("site.js"));
}

// Hidden until the script shows it: without the script it does nothing.
Html search_box() {
  return element("form", {{"class", "search"}, {"role", "search"}, {"hidden", ""}},
                 element("input", {{"type", "search"},
                                   {"placeholder", "Search: press /"},
                                   {"aria-label", "Search this report"},
                                   {"autocomplete", "off"}}) +
                     element("ol", {{"hidden", ""}, {"aria-label", "What was found"}}));
}

const char* sign_of(const std::string& standing) {
  if (standing == "obeyed" || standing == "passed" || standing == "accepted") return "\u2713";
  if (standing == "violated" || standing == "failed" || standing == "condemned" || standing == "died") return "\u2717";
  if (standing == "departed") return "\u25b2";
  if (standing == "option") return "\u25c7";
  return standing == "inconclusive" ? "?" : "\u2013";
}

}  // namespace

Site::Site(std::string folder, std::string about, std::vector<std::pair<std::string, std::string>> navigation)
    : folder_(std::move(folder)), about_(std::move(about)), navigation_(std::move(navigation)) {}

void Site::add(const Page& page) {
  const std::string up = way_up(page.path);
  Html items;
  for (const auto& [name, path] : navigation_) {
    Attributes attributes{{"href", up + path}};
    if (path == page.path) attributes.emplace_back("aria-current", "page");
    items += tag("li", element("a", attributes, name));
  }
  const Html bar = element("a", {{"class", "brand"}, {"href", up + "index.html"}}, "tcpassay") +
                   element("nav", {{"aria-label", "Pages"}}, tag("ul", items)) + search_box();
  const Html body = element("a", {{"class", "skip"}, {"href", "#main"}}, "Skip to the content") +
                    tag("header", element("div", {{"class", "bar"}}, bar)) +
                    element("main", {{"id", "main"}, {"tabindex", "-1"}}, page.main) +
                    tag("footer", tag("p", fmt::format("{}. Written by tcpassay {}.", about_, kVersion)));
  const Html whole =
      element("html", {{"lang", "en"}, {"data-root", up}}, head_of(page, about_, up) + tag("body", body));
  folder_.write(page.path, std::string(kDoctype) + whole.markup() + "\n");
}

void Site::publish() {
  folder_.write("assets/style.css", std::string(style_css()));
  folder_.write("assets/site.js", std::string(site_js()));
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const IndexEntry& entry : entries_) {
    all.push_back({{"kind", entry.kind}, {"name", entry.name}, {"about", entry.about}, {"url", entry.url}});
  }
  const std::string text = all.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  folder_.write("assets/index.js", "window.tcpassayIndex = " + text + ";\n");
  folder_.publish();
}

std::string way_up(std::string_view path) {
  std::string up;
  for (auto i = std::count(path.begin(), path.end(), '/'); i > 0; --i) up += "../";
  return up;
}

Html badge(const std::string& standing, const std::string& word) {
  std::string text = word.empty() ? standing : word;
  std::replace(text.begin(), text.end(), '_', ' ');
  return element("span", {{"class", "badge " + file_name_of(standing)}},
                 element("i", {{"aria-hidden", "true"}}, sign_of(standing)) + Html(" ") + Html(text));
}

Html command_line(const std::string& command) {
  if (command.empty()) return {};
  return element("div", {{"class", "command"}}, tag("code", command));
}

Html crumbs(const std::vector<std::pair<std::string, std::string>>& ways) {
  Html line;
  for (const auto& [name, link] : ways) {
    if (!line.empty()) line += " \u203a ";
    line += link.empty() ? Html(name) : link_to(link, name);
  }
  return element("p", {{"class", "crumbs"}}, line);
}

Html table(const std::vector<std::string>& heads, const Html& rows, const std::string& id, const std::string& caption) {
  Html columns;
  for (const std::string& head : heads) {
    const bool number = head.starts_with('#');
    Attributes attributes{{"scope", "col"}};
    if (number) attributes.emplace_back("class", "number");
    columns += element("th", attributes, number ? head.substr(1) : head);
  }
  const Html whole =
      element("table", {{"id", id}, {"aria-label", caption}}, tag("thead", tag("tr", columns)) + tag("tbody", rows));
  return element("div", {{"class", "wide"}, {"role", "region"}, {"aria-label", caption}, {"tabindex", "0"}}, whole);
}

}  // namespace tcpassay
