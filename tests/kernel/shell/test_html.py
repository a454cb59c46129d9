"""The page: whole, quick, the same for every reader, and nothing foreign runs in it or leaves it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from kernel.contract import Picture
from kernel.errors import UserError
from kernel.shell import cases as selecting
from kernel.shell.arrange import blocks, number
from kernel.shell.chart import charts
from kernel.shell.html import write
from kernel.shell.thumbnails import thumbnail

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; install it: apt-get install chromium")

HIT = "document.title='HIT'"
ATTACKS = (
    "<script>{js}</script>", "<script src='{url}'></script>", "</script><script>{js}</script>", "</SCRIPT ><script>{js}</script>",
    "<!--<script>", "<!--<script>{js}//--></script>", "--><script>{js}</script>", "]]><script>{js}</script>",
    '<img src=x onerror="{js}">', "<img src='{url}'>", "<img/src=x/onerror={js}>", "<IMG SRC=x OnErRoR={js}>",
    '"><img src=x onerror={js}>', "'><img src=x onerror={js}>", "`><img src=x onerror={js}>", "</textarea><img src=x onerror={js}>",
    "</title><script>{js}</script>", "</style><script>{js}</script>", "</select><script>{js}</script>", "</option><img src=x onerror={js}>",
    "</pre><script>{js}</script>", "</td></tr></table><script>{js}</script>", "</desc></title></svg><script>{js}</script>",
    "<svg onload={js}>", "<svg><script>{js}</script></svg>", "<svg><animate onbegin={js} attributeName=x dur=1s>",
    "<svg><set attributeName=onmouseover to={js}>", "<svg><use href='{url}#x'/></svg>", "<svg><image href='{url}'/></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.{js}</script>'>", "<math><mtext><img src=x onerror={js}></mtext></math>",
    "<math><maction actiontype=statusline xlink:href=javascript:{js}>x</maction></math>", "<body onload={js}>", "<body background='{url}'>",
    "<iframe src=javascript:parent.{js}>", "<iframe src='{url}'></iframe>", '<iframe srcdoc="<script>parent.{js}</script>"></iframe>',
    "<object data='{url}'></object>", "<object data='data:text/html,<script>parent.{js}</script>'>", "<embed src='{url}'>",
    "<a href=javascript:{js}>x</a>", "<a href='data:text/html,<script>{js}</script>' id=x autofocus>x</a>", "<base href='{url}/'>",
    "<meta http-equiv=refresh content='0;url={url}'>", "<meta http-equiv=refresh content='0;javascript:{js}'>",
    '<meta http-equiv=Content-Security-Policy content="script-src *">', "<link rel=stylesheet href='{url}'>", "<link rel=prefetch href='{url}'>",
    "<link rel=dns-prefetch href='{url}'>", "<link rel=icon href='{url}'>", "<style>@import '{url}';</style>",
    "<style>body{{background:url({url})}}</style>", '<div style="background:url({url})">x</div>', "<p style='behavior:url({url})'>",
    "<input autofocus onfocus={js}>", "<select autofocus onfocus={js}><option>1</select>", "<textarea autofocus onfocus={js}></textarea>",
    "<details open ontoggle={js}>x</details>", "<video><source onerror={js}></video>", "<video poster='{url}'></video>", "<audio src=x onerror={js}>",
    "<marquee onstart={js}>x</marquee>", "<form action='{url}'><button autofocus onfocus={js}>x</button></form>", "<form id=filters><input name=x>",
    "<template><script>{js}</script></template>", '<noscript><p title="</noscript><img src=x onerror={js}>">', "<xmp><img src=x onerror={js}></xmp>",
    "<table background='{url}'>", "<isindex type=image src=x onerror={js}>", "<keygen autofocus onfocus={js}>", "<portal src='{url}'>",
    "<frameset onload={js}>", "<plaintext>", "![x]({url})", "[x](javascript:{js})", "javascript:{js}", "data:text/html,<script>{js}</script>",
    "\u2028{js}\u2029//", "\\u003cscript\\u003e{js}\\u003c/script\\u003e", '\\"-{js}-\\"', '";{js};//', "';{js};//", "${{{js}}}", "`;{js};`",
    "{{{{ cycler.__init__.__globals__.os.system('true') }}}}", "{{% include '/etc/passwd' %}}", "{{{{ data|safe }}}}", "&lt;script&gt;{js}&lt;/script&gt;",
    "&#60;script&#62;{js}&#60;/script&#62;", "\ufeff<script>{js}</script>", "<scr\0ipt>{js}</scr\0ipt>", "+ADw-script+AD4-{js}+ADw-/script+AD4-",
    "\ud83d<script>{js}</script>", "\x1b]8;;javascript:{js}\x07x", "\u202e>tpircs/<>tpircs<", "__proto__", "constructor", "toString",
    "<img id=data><form name=title>", "<script type=application/json id=data>[]</script>", "x" * 3_000 + "<script>{js}</script>",
)  # fmt: skip


class Listener(BaseHTTPRequestHandler):
    """Answers everything with a script, and remembers that it was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.end_headers()
        self.wfile.write(HIT.encode())

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on loopback, and what it was asked for."""
    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Listener,), {"asked": asked})) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def browse(page: Path, folder: Path, *options: str) -> tuple[str, str]:
    """The page's content after a headless Chromium has run it, and what the browser had to say."""
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={folder / 'profile'}",
        "--disable-background-networking", "--enable-logging=stderr", "--virtual-time-budget=6000", *options, "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=300, check=True)
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def with_script(page: Path, script: str) -> Path:
    """The page with a script of the test's own, let in by the page's nonce."""
    text = page.read_text()
    nonce = re.search(r"script-src 'nonce-([^']+)'", text)[1]
    changed = page.with_name("changed.html")
    changed.write_text(text.replace("</body>", f'<script nonce="{nonce}">{script}</script></body>'))
    return changed


def title_of(dom: str) -> str:
    return re.search(r"<title>(.*?)</title>", dom, re.DOTALL)[1]


def png(image: Image.Image, **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **settings)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it has many pixels."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x01\x00\x00\x00\x00"
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(len(d).to_bytes(4) + n + d + zlib.crc32(n + d).to_bytes(4) for n, d in chunks)


def data_of(page: Path) -> dict:
    """The cases and pictures in the page."""
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)[1])


class Links(HTMLParser):
    """Collects every address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs if name in {"href", "src", "action", "srcset", "style", "background"}]


@pytest.fixture
def hostile(make_card, make_line, make_shown, listener):
    """A run in which every text is an attack, each attack in every field."""
    texts = [attack.format(js=HIT, url=f"{listener[0]}/{at}") for at, attack in enumerate(ATTACKS)]
    lines = [make_line(task=t, perspective=t, model=t, metric=t, unit=t) for t in texts]
    lines += [make_line(task=t, perspective=t, model=f"{t} player", player=t) for t in texts]
    lines += [make_line(task=t, model="under-test") for t in texts]
    long = "\n".join(texts)
    card = make_card(*lines, run=long, suite=long, status=long, created=long, notes=tuple(texts), manifest={t: [t, {t: t}] for t in texts})
    shown = [
        make_shown(
            task=t, perspective=t, model=("under-test", t)[at % 2], case=t, status=("failed", "scored", "unscored")[at % 3], reason=t, error=t,
            question=t, pictures=(Picture(t.encode("utf-8", "surrogatepass")),), answers=(t, t), gold={t: t}, facts={t: t},
        )
        for at, t in enumerate(texts)
    ]  # fmt: skip
    return card, shown


@in_a_browser
def test_nothing_foreign_runs_in_the_page(hostile, listener, tmp_path):
    """Some hundred attacks in every text field: no script runs, no request leaves, and the policy had nothing to stop."""
    card, shown = hostile
    write(card, shown, tmp_path / "report.html")
    everything = """
      for (let i = 0; i < 20; i++) document.getElementById('further').click();
      document.querySelectorAll('details').forEach((d) => { d.open = true; });
      document.querySelectorAll('#cases button, #cases img').forEach((b) => b.dispatchEvent(new Event('mouseover')));
      document.documentElement.dataset.seen = document.querySelectorAll('article.case').length;
      document.documentElement.dataset.foreign =
        document.querySelectorAll('main :is(iframe, object, embed, base, link, meta, a, math, form:not(#filters), video, audio, template, style)').length;
      setTimeout(() => { document.documentElement.dataset.late = document.title; }, 2000);
    """

    dom, said = browse(with_script(tmp_path / "report.html", everything), tmp_path)

    assert len(ATTACKS) >= 60
    assert f'data-seen="{len(ATTACKS)}"' in dom
    assert 'data-foreign="0"' in dom
    assert title_of(dom) != "HIT"
    assert 'data-late="HIT"' not in dom
    assert listener[1] == []
    assert "Content Security Policy" not in said
    assert "Uncaught" not in said


@in_a_browser
def test_the_browser_would_notice(listener, tmp_path):
    """The test of the test: the same attacks in a careless page do run and do ask."""
    page = tmp_path / "careless.html"
    attacks = [a for a in ATTACKS if a.startswith(("<img", "<svg onload", "<script src"))]
    page.write_text("<!doctype html><title>calm</title><body>" + "".join(a.format(js=HIT, url=listener[0]) for a in attacks))

    dom, _ = browse(page, tmp_path)

    assert title_of(dom) == "HIT"
    assert listener[1]


@in_a_browser
def test_the_pages_script_shows_and_filters(card, cases, tmp_path):
    """The cases appear, failures first, and model, task, status and words narrow them."""
    write(card, cases, tmp_path / "report.html")
    acting = """
      const note = (name, value) => { document.documentElement.dataset[name] = value; };
      const count = () => document.querySelectorAll('article.case').length;
      const found = () => document.getElementById('found').textContent.replace(/,/g, '').match(/of (\\d+)/)?.[1];
      const set = (id, pick) => {
        const field = document.getElementById(id);
        field.value = [...field.options].find((o) => o.textContent === pick).value;
        field.dispatchEvent(new Event('change'));
      };
      note('first', [...document.querySelectorAll('article.case .pill')].slice(0, 4).map((p) => p.textContent).join());
      note('shown', count()); note('all', found());
      document.getElementById('further').click(); note('more', count());
      set('task', 'shapes-ood-snow'); note('task', found());
      set('model', 'gold'); note('model', found());
      set('model', 'all under test');
      [...document.querySelectorAll('.chip')].filter((c) => c.dataset.status !== 'failed').forEach((c) => c.click()); note('failed', found());
      note('views', document.querySelectorAll('article.case img').length);
      note('colours', [...document.querySelectorAll('article.case img')].filter((i) => i.src.startsWith('data:image/webp')).length);
      [...document.querySelectorAll('.chip')].forEach((c) => c.click());
      document.getElementById('search').value = 'SNOW-0007'; document.getElementById('search').dispatchEvent(new Event('input'));
      setTimeout(() => note('search', found()), 1000);
    """

    dom, said = browse(with_script(tmp_path / "report.html", acting), tmp_path)
    noted = dict(re.findall(r'data-(\w+)="([^"]*)"', dom[:2000]))

    expected = {"first": "failed,failed,unscored,wrong", "shown": "40", "all": "1280", "more": "80", "task": "20", "model": "3", "failed": "2"}
    assert {**expected, "views": "2", "colours": "2", "search": "1"} == noted
    assert "Uncaught" not in said
    assert "Content Security Policy" not in said


@in_a_browser
def test_the_page_fits_a_phone(card, cases, tmp_path):
    """Nothing makes the page itself scroll sideways."""
    write(card, cases[:200], tmp_path / "report.html")
    measuring = "document.documentElement.dataset.over = document.documentElement.scrollWidth - document.documentElement.clientWidth;"

    dom, _ = browse(with_script(tmp_path / "report.html", measuring), tmp_path, "--window-size=500,900")

    assert 'data-over="0"' in dom


def test_the_page_is_small_and_quickly_made(card, cases, tmp_path):
    """Ten thousand cases: a few megabytes, in seconds (ten times the promise, for slow machines)."""
    began = time.process_time()
    write(card, cases, tmp_path / "report.html")

    assert time.process_time() - began < 60
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


def test_the_policy_is_strict_and_links_lead_nowhere(card, cases, tmp_path):
    """The page may load nothing, and there is no address in it but an empty icon."""
    write(replace(card, suite="http://evil.example/<a href=x>"), cases[:50], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    parser = Links()
    parser.feed(text)

    nonce = re.search(r"'nonce-([^']+)'", text)[1]
    policy = f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
    assert policy in text
    assert parser.found == [("link", "href", "data:,")]
    assert "innerHTML" not in text
    assert not set("\x1b\x9b\u202e\u2028\u2029\u200b") & set(text)


def test_two_pages_have_two_nonces(make_card, tmp_path):
    """A nonce that can be guessed is none."""
    for name in ("a", "b"):
        write(make_card(), [], tmp_path / name)

    nonces = {re.search(r"'nonce-([^']+)'", (tmp_path / name).read_text())[1] for name in ("a", "b")}
    assert len(nonces) == 2


def test_pictures_are_made_anew_and_stand_once(make_card, make_shown, tmp_path):
    """No byte of the original gets into the page: no profile, no comment, nothing after the end."""
    image = Image.new("RGB", (600, 300), (10, 90, 160))
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", "HIDDEN")
    original = png(image, pnginfo=comment, icc_profile=b"HIDDEN-PROFILE") + b"HIDDEN-TAIL"
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0HIDDEN", comment=b"HIDDEN")
    several = [make_shown(case=f"c-{n}", pictures=(Picture(original), Picture(jpeg.getvalue())), drawn=(Picture(original),)) for n in range(9)]
    write(make_card(), several, tmp_path / "report.html")

    data = data_of(tmp_path / "report.html")
    decoded = [base64.b64decode(picture.partition(",")[2]) for picture in data["pictures"]]
    assert len(decoded) == 2
    assert all(b"HIDDEN" not in picture for picture in decoded)
    assert {(256, 128)} == {Image.open(io.BytesIO(picture)).size for picture in decoded}
    assert [case["pictures"] for case in data["cases"]] == [[0, 1]] * 9
    assert [case["drawn"] for case in data["cases"]] == [[0]] * 9


@pytest.mark.parametrize(
    "data",
    [
        b"", b"not a picture", png(Image.new("RGB", (64, 64)))[:-40], bomb(10_000, 5_000), bomb(100_000, 100_000), bomb(2**31 - 1, 2**31 - 1),
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["empty", "text", "cut", "50 megapixels", "10 gigapixels", "overflow", "gif", "svg", "eps"],
)  # fmt: skip
def test_what_cannot_be_decoded_has_a_placeholder(data, make_card, make_shown, tmp_path):
    """Broken, enormous and foreign formats are refused before they are decoded; the case is shown all the same."""
    began = time.process_time()
    write(make_card(), [make_shown(pictures=(Picture(data),))], tmp_path / "report.html")

    assert data_of(tmp_path / "report.html")["cases"][0]["pictures"] == [-1]
    assert time.process_time() - began < 5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_picture_is_shown(mode):
    """Grey, palette, transparent, sixteen bit."""
    assert thumbnail(png(Image.new(mode, (30, 20)))).startswith("data:image/webp;base64,")


def test_long_answers_are_cut(make_card, make_shown, tmp_path):
    """Ten megabytes in one answer, a thousand answers and pictures: a small page that says what it leaves out."""
    case = make_shown(answers=("x" * 10_000_000, *["y"] * 999), facts={f"f{n}": n for n in range(100)}, gold="g" * 9_999)
    write(make_card(), [case], tmp_path / "report.html")
    entry = data_of(tmp_path / "report.html")["cases"][0]

    assert (tmp_path / "report.html").stat().st_size < 100_000
    assert entry["answers"][0] == "x" * 4_000 + "… (9,996,000 more characters)"
    assert entry["more"] == "992 more answers, 68 more facts"


def test_hostile_text_is_made_visible(make_card, make_shown, tmp_path):
    """The page shows controls and turned text with the same symbols as the terminal."""
    write(make_card(), [make_shown(answers=("\x1b[2J\u202e\ud800",), reason="\u200b", gold="\u2028")], tmp_path / "report.html")
    entry = data_of(tmp_path / "report.html")["cases"][0]

    assert entry["answers"] == ["␛[2J<U+202E><U+D800>"]
    assert (entry["reason"], entry["gold"]) == ("<U+200B>", "<U+2028>")


def test_failures_come_first_and_the_rest_is_a_fair_sample(make_card, make_line, make_shown, tmp_path, monkeypatch):
    """When not all cases fit: every failure, then the same number for each task and model, the same cases for each model."""
    monkeypatch.setattr(selecting, "SAMPLE", 40)
    models = ("a", "b")
    lines = [make_line(task=t, model=m, planned=500, scored=495, failed=5) for t in ("t", "u") for m in models]
    lines += [make_line(task=t, model="g", player="gold", planned=500, scored=500) for t in ("t", "u")]
    every = [
        make_shown(task=line.task, model=line.model, case=f"c-{n}", **({"status": "failed", "value": None} if n < line.failed else {"value": float(n % 2)}))
        for line in lines
        for n in range(500)
    ]
    write(make_card(*lines), every, tmp_path / "report.html")
    shown = data_of(tmp_path / "report.html")["cases"]
    chosen = {
        (task, model): {case["case"] for case in shown if (case["task"], case["model"]) == (task, model) and case["status"] != "failed"}
        for task in ("t", "u")
        for model in ("a", "b", "g")
    }

    assert [case["status"] for case in shown[:20]] == ["failed"] * 20
    assert [case["status"] for case in shown] == sorted((case["status"] for case in shown), key=["failed", "wrong", "right"].index)
    assert chosen["t", "a"] == chosen["t", "b"] == chosen["u", "a"]
    assert {model: len(names) for (task, model), names in chosen.items() if task == "t"} == {"a": 10, "b": 10, "g": 3}
    told = "66 of 3,000 cases are here: all 20 failed and unscored ones; of the others up to 10 of each model under test on each task"
    assert told in (tmp_path / "report.html").read_text()


def test_all_of_a_small_run_is_shown(make_card, make_line, make_shown, tmp_path):
    """Where everything fits the page says so."""
    write(make_card(make_line(planned=2, scored=2)), [make_shown(case="a"), make_shown(case="b", value=0.0)], tmp_path / "report.html")

    assert "All 2 cases are here." in (tmp_path / "report.html").read_text()
    assert [case["status"] for case in data_of(tmp_path / "report.html")["cases"]] == ["wrong", "right"]


def test_right_and_wrong_need_a_share(make_card, make_line, make_shown, tmp_path):
    """Lower may be better, a share may be partial, and seconds are neither right nor wrong."""
    lines = [
        make_line(task="toxic", higher_is_better=False), make_line(task="slow", unit="seconds", higher_is_better=False), make_line(task="part"),
    ]  # fmt: skip
    cases = [make_shown(task="toxic", value=1.0), make_shown(task="slow", value=0.0), make_shown(task="part", value=0.5)]
    write(make_card(*lines), cases, tmp_path / "report.html")

    assert {c["task"]: c["status"] for c in data_of(tmp_path / "report.html")["cases"]} == {"toxic": "wrong", "slow": "scored", "part": "partial"}


def test_a_report_is_written_whole_or_not_at_all(make_card, tmp_path, monkeypatch):
    """When the disk fails the old page stands, nothing is left beside it, and one line says what to do."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\); free space there or name another path"):
        write(make_card(), [], path)

    assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["none/report.html", "folder", "file/report.html"])
def test_a_path_that_cannot_be_written_is_one_line(make_card, tmp_path, name):
    """A missing folder, a folder where the page should be, a file where the folder should be."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write(make_card(), [], tmp_path / name)

    assert {tmp_path / "folder", tmp_path / "file"} == set(tmp_path.iterdir())


def test_a_chart_says_in_words_what_it_shows(make_card, make_line):
    """Who cannot see the bars hears the numbers; positions are per cent of the axis."""
    card = make_card(make_line(mean=0.5, low=0.25, high=0.75), make_line(model="g", player="gold", mean=1.0))
    [(measure, chart)] = charts(blocks(card)[0], {"shapes-vlm": 0})
    [strip] = chart.strips

    assert measure == "accuracy (share, higher is better)"
    assert strip.description == "shapes-vlm 0.50, 95 % interval 0.25 to 0.75; gold 1.00; chance 0.25"
    assert (strip.bars[0].start, strip.bars[0].width, strip.bars[0].low, strip.bars[0].high) == (0.0, 50.0, 25.0, 75.0)
    assert strip.chance == 25.0


@pytest.mark.parametrize("values", [(0.0, 0.0), (-3.0, 7.0), (1e-9, 2e-9), (1e12, 3e12), (float("nan"), float("inf")), (-5.0, -2.0)])
def test_any_numbers_have_an_axis(make_card, make_line, values):
    """Other units than shares get a round axis that holds them; what is not a number is not drawn."""
    lines = [make_line(task=f"t{v}", unit="seconds", mean=v, low=v, high=v, chance=None) for v in values]
    [(_, chart)] = charts(blocks(make_card(*lines))[0], {"shapes-vlm": 0})

    assert all(0 <= x <= 100 for x, _ in chart.ticks)
    assert 2 <= len(chart.ticks) <= 8
    assert all(bar.start is None or 0 <= bar.start + bar.width <= 100.01 for strip in chart.strips for bar in strip.bars)


def test_numbers_are_written_one_way():
    """Two decimals, no minus zero, a dash for none."""
    assert [number(v) for v in (0.9, 0.999, -0.0001, 12_345.4, None, float("nan"))] == ["0.90", "1.00", "0.00", "12,345", "-", "-"]
