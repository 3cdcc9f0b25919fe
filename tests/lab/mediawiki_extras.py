"""Where the wiki's code comes from: which MediaWiki, and Semantic MediaWiki where it can be had.

LAB_MEDIAWIKI=1.39 (Debian 12's package, the default) or 1.43 (Debian 13's package, unpacked into the
lab's cache). A lab keeps the one that it was begun with. SMW_DIR names a folder SemanticMediaWiki with its
libraries (vendor/autoload.php in it, or in the folder two above); without it Composer is asked.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import apt
import installed
from settings import Lab, LabError

PACKAGED = Path("/usr/share/mediawiki")
SERIES = ["1.39", "1.43"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

SEMANTIC_PACKAGE = "mediawiki/semantic-media-wiki"
# 5.1 has MediaWiki 1.43 among what it takes, but its queries fail there.
SEMANTIC = {"1.39": "~5.1.0", "1.43": "~6.0.1"}


def tree(lab: Lab) -> Path:
    """The folder with MediaWiki's index.php."""
    if _series(lab) == "1.39":
        return PACKAGED
    folder = installed.once(lab, "mediawiki-1.43", "trixie", lambda path: _unpack(lab, path))
    return folder / "usr" / "share" / "mediawiki"


def version(lab: Lab) -> str:
    found = re.search(r"'MW_VERSION', '([^']+)'", (tree(lab) / "includes" / "Defines.php").read_text())
    if not found:
        raise LabError(f"{tree(lab)} does not say which MediaWiki it is")
    return found[1]


def recorded(lab: Lab) -> dict:
    """What update.php was last run for; empty before the first time."""
    stamp = lab.dir / "mediawiki" / "updated"
    return json.loads(stamp.read_text()) if stamp.exists() else {}


def _series(lab: Lab) -> str:
    begun = ".".join(recorded(lab).get("mediawiki", SERIES[0]).split(".")[:2])
    asked = os.environ.get("LAB_MEDIAWIKI") or begun
    if asked not in SERIES:
        raise LabError(f"LAB_MEDIAWIKI={asked}: there is {' and '.join(SERIES)}")
    if asked < begun:
        raise LabError(f"the wiki in {lab.dir} is one of MediaWiki {begun} and cannot go back to {asked}: "
                       "name another LAB_DIR")  # fmt: skip
    return asked


def _unpack(lab: Lab, folder: Path) -> None:
    """The package of the next Debian, fetched and checked by apt, beside what apt knows of this one."""
    for name in ["lists/partial", "cache/archives/partial", "deb"]:
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} trixie main\n")
    options = [f"-oDir::Etc::sourcelist={sources}", "-oDir::Etc::sourceparts=/dev/null",
               f"-oDir::State::lists={folder / 'lists'}", f"-oDir::Cache={folder / 'cache'}",
               "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none", "-oAcquire::Retries=3"]  # fmt: skip
    lab.run(["apt-get", "-q", *options, "update"], "mediawiki", as_root=True)
    lab.run(["apt-get", "-q", *options, "download", "mediawiki/trixie", "mediawiki-classes/trixie"], "mediawiki",
            cwd=folder / "deb", as_root=True)  # fmt: skip
    for package in (folder / "deb").glob("*.deb"):
        lab.run(["dpkg-deb", "--extract", str(package), str(folder)], "mediawiki", as_root=True)


def _mirror() -> str:
    """The one that this machine takes Debian from."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"],
        capture_output=True, text=True,
    )  # fmt: skip
    mirror = next(iter(asked.stdout.split()), None)
    if mirror is None:
        raise LabError("apt names no mirror of Debian: LAB_MEDIAWIKI=1.43 is fetched from one")
    return mirror


def semantic_mediawiki(lab: Lab) -> Path | None:
    """The folder of Semantic MediaWiki, if it can be had."""
    given = os.environ.get("SMW_DIR")
    if given:
        folder = Path(given).absolute()
        if not (folder / "extension.json").exists():
            raise LabError(f"SMW_DIR={given} has no extension.json: it is to name the folder SemanticMediaWiki")
        return folder
    apt.install(lab, {"composer", "unzip"})
    if not _registry_answers():
        return None
    wanted = SEMANTIC[_series(lab)]
    folder = installed.once(lab, "semantic-mediawiki", installed.key(wanted), lambda path: _compose(lab, path, wanted))
    return folder / "extensions" / "SemanticMediaWiki"


def autoload(semantic: Path | None) -> str | None:
    """The file that makes Semantic MediaWiki's libraries known."""
    if semantic is None:
        return None
    for folder in [semantic, semantic.parents[1]]:
        if (folder / "vendor" / "autoload.php").exists():
            return str(folder / "vendor" / "autoload.php")
    raise LabError(f"{semantic} has no libraries: there is no vendor/autoload.php in it, nor two folders above")


@functools.cache
def _registry_answers() -> bool:
    """Composer knows its registry, and a proxy where the environment names one."""
    command = ["composer", "show", "--all", "--no-interaction", "--working-dir=/", SEMANTIC_PACKAGE]
    environment = os.environ | {"COMPOSER_ALLOW_SUPERUSER": "1"}
    try:
        asked = subprocess.run(command, env=environment, capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        asked = None
    if asked is not None and asked.returncode == 0:
        return True
    print("mediawiki    Semantic MediaWiki is left out: SMW_DIR is not set, and Composer's registry does not answer",
          flush=True)  # fmt: skip
    return False


def _compose(lab: Lab, folder: Path, wanted: str) -> None:
    (folder / "composer.json").write_text(json.dumps({
        "require": {SEMANTIC_PACKAGE: wanted},
        "config": {"allow-plugins": {"composer/installers": True}},
    }))  # fmt: skip
    lab.run(["composer", "install", "--no-interaction", "--no-dev", "--no-progress",
             "--ignore-platform-reqs", f"--working-dir={folder}"],
            "mediawiki", env={"COMPOSER_ALLOW_SUPERUSER": "1"}, as_root=True)  # fmt: skip
