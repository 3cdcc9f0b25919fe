"""The same edits by pywikibot, which bots of wikis are mostly written with."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from support.wiki import GRANTS
from support.world import OPERATOR, lab, maintenance

SCRIPT = """
import sys, time
import pywikibot
site = pywikibot.Site()
site.login()
titles, text = sys.argv[2:], sys.argv[1]
pages = [pywikibot.Page(site, title) for title in titles]
begun = None
for page in pages:
    if begun is None and page is not pages[0]:
        begun = time.perf_counter()
    page.text = text + "\\npywikibot"
    page.save(summary="raw edit", quiet=True, botflag=True)
print((len(pages) - 1) / (time.perf_counter() - begun))
"""


def edits_a_second(titles: list[str], text: str) -> float:
    """One after the other, as it saves: it reads each page before."""
    app, password = f"bench{secrets.token_hex(4)}", secrets.token_hex(16)
    maintenance("createBotPassword", "--appid", app, "--grants", GRANTS, OPERATOR.name, password)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lab_family.py").write_text(
            "from pywikibot import family\n"
            "class Family(family.Family):\n"
            "    name = 'lab'\n"
            f"    langs = {{'en': '127.0.0.1:{lab.port('wiki')}'}}\n"
            "    def protocol(self, code): return 'http'\n"
            "    def scriptpath(self, code): return ''\n"
        )
        (folder / "passwords.py").write_text(f"({OPERATOR.name!r}, BotPassword({app!r}, {password!r}))\n")
        (folder / "passwords.py").chmod(0o600)
        (folder / "user-config.py").write_text(
            "family, mylang = 'lab', 'en'\n"
            f"family_files['lab'] = {str(folder / 'lab_family.py')!r}\n"
            f"usernames['lab']['en'] = {OPERATOR.name!r}\n"
            "password_file = 'passwords.py'\nput_throttle = 0\nminthrottle = 0\nmaxlag = 5\nsimulate = False\n"
        )
        (folder / "bench.py").write_text(SCRIPT)
        done = subprocess.run(
            [sys.executable, "-B", str(folder / "bench.py"), text, *titles], cwd=folder, text=True,
            capture_output=True, env=lab.environment() | {"PYWIKIBOT_DIR": str(folder)},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return float(done.stdout.split()[-1])
