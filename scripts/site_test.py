# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site: no link of a page is dead, and the reference has every rule and every listed deviation."""
import importlib.machinery
import importlib.util
import re
from pathlib import Path

import pytest

from docs_test import ROOT, dead_links, pages

LOADER = importlib.machinery.SourceFileLoader("site_of_docs", str(ROOT / "scripts/site"))
site = importlib.util.module_from_spec(importlib.util.spec_from_loader(LOADER.name, LOADER))
LOADER.exec_module(site)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "pages"
    try:
        return folder, site.write_pages(folder)
    except SystemExit as why:
        pytest.skip(str(why))


def test_no_link_is_dead(made):
    folder, _ = made
    assert [dead for name in pages(folder) for dead in dead_links(folder, name)] == []


def test_every_page_stands_in_the_contents_once(made):
    folder, reference = made
    listed = [page for _, inside in site.contents(reference) for page in
              ([inside] if isinstance(inside, str) else [page for _, page in inside])]
    assert sorted(listed) == sorted(str(name) for name in pages(folder))


def test_the_reference_has_scenarios_and_deviations(made):
    folder, _ = made
    text = (folder / "reference/rfc9293-3.10.7.4.md").read_text()
    assert "## SA4_2_exact" in text and "| `corpus/3.10.7.4-2-rst/" in text and "*linux does otherwise:* " in text
    assert "R7323_2_2_both" in (folder / "reference/index.md").read_text()


def test_links_out_of_the_pages_become_names(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "x.def").touch()
    for name in site.PAGES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# A\n[def](x.def) [page](docs/b.md#b) [out](https://example.org/)\n")
    (tmp_path / "docs/b.md").write_text("# B\n[up](../README.md)\n")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    site.copy_pages(tmp_path / "to")
    assert (tmp_path / "to/README.md").read_text() == "# A\ndef [page](docs/b.md#b) [out](https://example.org/)\n"
    assert (tmp_path / "to/docs/b.md").read_text() == "# B\n[up](../README.md)\n"


def test_deviations_are_read_as_the_program_reads_them(tmp_path):
    (tmp_path / "a.txt").write_text("# no\nversion 6\nMUST_1: why\nrtt MUST_2: far\nsweep MUST_3 LISTEN CLOSED: rare\n"
                                    'dies "x": bad\n')
    (tmp_path / "b.txt").write_text("include a\nMUST_1: other\n")
    assert site.deviations_of(tmp_path, "a") == {"MUST_1": "why", "MUST_2": "far", "MUST_3": "rare"}
    assert set(site.deviations_of(tmp_path, "b")) == {"MUST_1", "MUST_2", "MUST_3"}


def test_the_program_and_the_build_have_one_version():
    header = (ROOT / "harness/base/version.h").read_text()
    assert re.search(r'kVersion = "([^"]+)"', header)[1] in re.search(r"project\(.*\)", (ROOT / "CMakeLists.txt").read_text())[0]


@pytest.mark.skipif(not site.has_mkdocs(), reason="no mkdocs (package mkdocs)")
def test_the_site_builds(made, tmp_path):
    folder, reference = made
    assert site.build(folder, tmp_path / "site", reference) == 0
    assert Path(tmp_path / "site/reference/rfc9293-3.5.html").exists()
