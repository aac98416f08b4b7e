// SPDX-License-Identifier: Apache-2.0
// Search, filters and small comforts. Each page can be read without this script.
(function () {
  "use strict";
  const root = document.documentElement.dataset.root || "";

  // Search: the index is a script beside this one, since a page that was opened from a file may fetch nothing.
  function search(words) {
    const found = [];
    for (const entry of window.tcpassayIndex || []) {
      const text = (entry.name + " " + entry.about + " " + entry.kind).toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const name = entry.name.toLowerCase();
      found.push([name === words[0] ? 0 : name.startsWith(words[0]) ? 1 : name.includes(words[0]) ? 2 : 3, entry]);
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, 30).map((pair) => pair[1]);
  }

  function show(list, input) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    list.hidden = words.length === 0;
    if (list.hidden) return;
    const found = search(words);
    for (const entry of found) {
      const link = document.createElement("a");
      link.href = root + entry.url;
      link.append(entry.name);
      const about = document.createElement("small");
      about.append(entry.kind + ": " + entry.about);
      link.append(about);
      const item = document.createElement("li");
      item.append(link);
      list.append(item);
    }
    if (found.length > 0) return;
    const none = document.createElement("li");
    none.className = "none";
    none.append("nothing has these words");
    list.append(none);
  }

  function move(list, input, event) {
    const links = [input, ...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (event.key === "Escape") {
      list.hidden = true;
      input.focus();
    } else if (event.key === "Enter" && at === 0 && links.length > 1) {
      links[1].click();
    } else if (next !== undefined && links[next]) {
      links[next].focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  function beginSearch(box) {
    const input = box.querySelector("input");
    const list = box.querySelector("ol");
    box.hidden = false;
    input.addEventListener("input", () => show(list, input));
    box.addEventListener("keydown", (event) => move(list, input, event));
    box.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => { if (!box.contains(event.target)) list.hidden = true; });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.focus();
    });
  }

  // Filters: a row stays when it has the words and, for each choice, the word that was chosen. The address keeps them.
  function beginFilter(form) {
    const rows = [...document.getElementById(form.dataset.filter).tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const count = form.querySelector("output");
    const fields = [...form.elements].filter((field) => field.name);

    function value(field) { return field.type === "checkbox" ? (field.checked ? field.value : "") : field.value.trim(); }

    function stays(row, text) {
      return fields.every((field) => {
        const wanted = value(field);
        if (wanted === "") return true;
        if (field.name === "words") return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
        return (" " + (row.dataset[field.name] || "") + " ").includes(" " + wanted + " ");
      });
    }

    function apply() {
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !stays(row, texts[i]);
        shown += row.hidden ? 0 : 1;
      });
      count.value = shown + " of " + rows.length;
    }

    function remember() {
      const kept = new URLSearchParams();
      for (const field of fields) if (value(field) !== "" || field.defaultChecked) kept.set(field.name, value(field));
      history.replaceState(null, "", kept.size ? "#" + kept : location.pathname + location.search);
      apply();
    }

    function recall() {
      const kept = new URLSearchParams(location.hash.slice(1));
      for (const field of fields) {
        if (!kept.has(field.name)) continue;
        if (field.type === "checkbox") field.checked = kept.get(field.name) !== "";
        else field.value = kept.get(field.name);
      }
      apply();
    }

    form.hidden = false;
    form.addEventListener("input", remember);
    form.addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("hashchange", recall);
    recall();
  }

  function addCopyButton(command) {
    const button = document.createElement("button");
    button.type = "button";
    button.append("Copy");
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(command.querySelector("code").textContent).then(() => { button.textContent = "Copied"; });
    });
    command.append(button);
  }

  function openTarget() {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  }

  document.querySelectorAll(".search").forEach(beginSearch);
  document.querySelectorAll("form[data-filter]").forEach(beginFilter);
  if (navigator.clipboard) document.querySelectorAll(".command").forEach(addCopyButton);
  window.addEventListener("hashchange", openTarget);
  openTarget();
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
