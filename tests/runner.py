"""Every check there is, a stage at a time: `tests/run` (make test), `--all` (make test-all), `--bench`,
`--torture N` (kills the sidecar for N hours).

A stage that fails ends the run. All logs and pictures are in target/test. The lab of the tests has free
ports and a folder of its own, so a demo may be running; it is stopped at the end, whatever happens.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "target/test"
LAB_DIR = OUT / "lab"
os.environ |= {
    "LAB_DIR": str(LAB_DIR), "LAB_FREE_PORTS": "1", "LAB_SIDECAR_PROFILE": "dev", "CARGO_TERM_COLOR": "never",
}  # fmt: skip
sys.path.insert(0, str(ROOT / "tests/lab"))

import apt  # noqa: E402
import installed  # noqa: E402
import settings  # noqa: E402
from parts import sidecar  # noqa: E402

# What only the tests need; the lab brings its own.
PACKAGES = {
    "chromium", "chromium-driver", "fonts-dejavu-core", "gcc", "libc6-dev", "ngircd", "openssh-client", "openssl",
    "php-cli", "php-mbstring", "python3-venv", "sudo",
}  # fmt: skip
# The lab runs Debian 12's MediaWiki 1.39; `--all` also brings that wiki to the other one, Debian 13's, and walks the
# road again, and has everything in a lab that begins with it.
OTHER = "1.43"
SMOKE = ["tests/e2e/test_road.py", "tests/e2e/test_bots.py::test_an_instance_s_life"] + [
    f"tests/e2e/test_signing.py::test_{name}"
    for name in ["the_shim_is_heard", "who_is_not_the_shim_is_not_heard", "the_sidecar_is_the_person",
                 "who_is_not_the_sidecar_is_nobody", "the_parent_is_checked_inside_the_save"]
]  # fmt: skip
REQUIREMENTS = ROOT / "tests/e2e/requirements.txt"
# Always of all packages: another choice has other features, and everything is built anew for it.
CARGO_TEST = ["cargo", "test", "--workspace", "--locked"]
CLOSING = re.compile(r"^(test result: .*|=+ .* in [\d.]+s.*|\d+ (passed|failed).*|Ran \d+ tests.*|OK)$")


class Failed(Exception):
    """A stage did not pass; its log says why."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log


class Run:
    """One run: what was said last by each stage's own tests, and where their logs are."""

    def __init__(self) -> None:
        self.closing: list[str] = []

    def stage(self, name: str, *commands: list[str] | Callable[[], None], **more: str) -> None:
        """Runs the commands of a stage; says its name and its seconds."""
        log = OUT / f"{name.replace(' ', '-')}.log"
        begun = time.monotonic()
        try:
            with log.open("w") as out:
                for command in commands:
                    if callable(command):
                        command()
                    else:
                        self._command(command, out, more)
        except (Failed, settings.LabError) as error:
            print(f"FAILED in stage {name} after {time.monotonic() - begun:.0f} s", flush=True)
            if isinstance(error, settings.LabError):
                raise
            raise Failed(log) from None
        told = summary(log)
        print(f"{name:<14} {time.monotonic() - begun:7.1f} s   {told}", flush=True)

    def _command(self, command: list[str], out, more: dict[str, str]) -> None:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | more, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        if done.returncode != 0:
            out.flush()
            raise Failed(Path(out.name))

    def shown(self, name: str, command: list[str], **more: str) -> None:
        """Like stage(), for long ones: everything is shown as it comes."""
        log = OUT / f"{name.replace(' ', '-')}.log"
        begun = time.monotonic()
        print(f"{name} …", flush=True)
        with log.open("w") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | more, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
            for line in process.stdout or []:
                out.write(line)
                print(f"  {line}", end="", flush=True)
        if process.wait() != 0:
            print(f"FAILED in stage {name} after {time.monotonic() - begun:.0f} s", flush=True)
            raise Failed(log)
        print(f"{name:<14} {time.monotonic() - begun:7.1f} s   {summary(log)}", flush=True)


def summary(log: Path) -> str:
    """What the tests of a stage say at their end, in a few words."""
    text = log.read_text(errors="replace")
    passed = re.findall(r"test result: ok\. (\d+) passed", text)
    if passed:
        return f"{sum(map(int, passed))} passed"
    closing = [line for line in text.splitlines() if CLOSING.match(line)]
    return next((line.strip("= ") for line in reversed(closing) if line != "OK"), "")


def main(words: list[str]) -> int:
    hours = torture_hours(words)
    if hours is None and words not in ([], ["--all"], ["--bench"]):
        print("usage: tests/run [--all | --bench | --torture HOURS]", file=sys.stderr)
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (OUT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tests are running in this checkout already", file=sys.stderr)
            return 1
        begun = time.monotonic()
        closing = ""
        passed = False
        try:
            if hours is not None:
                closing = torture(hours)
            elif words == ["--bench"]:
                closing = bench()
            else:
                closing = everything(all_of_it=words == ["--all"])
            passed = True
        except Failed as failed:
            closing = tail(failed.log)
        except settings.LabError as error:
            closing = f"{error}" + (f"\n{tail(error.log)}" if error.log else "")
        finally:
            lab_away(keep=not passed)
        print(f"{'all of it' if passed else 'until then':<14} {time.monotonic() - begun:7.1f} s", flush=True)
        print(closing, flush=True)
        return 0 if passed else 1


def everything(*, all_of_it: bool) -> str:
    run = Run()
    lab_away(keep=False)
    lab = settings.create()
    run.stage("packages", lambda: apt.install(lab, PACKAGES) and None, lambda: rust_components())
    run.stage("fmt", ["cargo", "fmt", "--all", "--check"])
    run.stage("tidy", ["/usr/bin/python3", "-B", "-m", "unittest", "discover", "-s", "tests/tidy"])
    run.stage("php", *([["php", "-l", name] for name in php_files()]), ["php", "php-shim/tests/run.php"])
    if all_of_it:
        # It compiles everything once more.
        run.stage("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    run.stage("cargo test", CARGO_TEST)
    contract = f"{sidecar.built(lab)} contract | diff php-shim/contract.json -"
    run.stage("contract", ["sh", "-c", contract])
    deny(run, all_of_it)
    run.shown("lab", ["tests/lab/lab", "up"])
    adapters(run, lab, "adapters")
    if all_of_it:
        os.environ |= {"CONFLICTS": "200", "CHURN": "40", "TRIES": "5", "KILLS": "25"}
    closing = e2e(run, lab, "e2e", ["tests/e2e"])
    if all_of_it:
        run.shown("galera", ["/usr/bin/python3", "-B", "tests/galera/cluster.py"])
        run.shown(f"wiki {OTHER}", ["tests/lab/lab", "up", "mediawiki"], LAB_MEDIAWIKI=OTHER)
        closing = f"{closing}\n{e2e(run, lab, f'smoke {OTHER}', SMOKE)}"
        # A second lab from nothing, with the other MediaWiki.
        lab_away(keep=False)
        lab = settings.create()
        run.shown(f"lab {OTHER}", ["tests/lab/lab", "up"], LAB_MEDIAWIKI=OTHER)
        adapters(run, lab, f"adapters {OTHER}")
        closing = f"{closing}\n{e2e(run, lab, f'e2e {OTHER}', ['tests/e2e'])}"
        crashes(run, lab, [])
        return closing
    crashes(run, lab, ["steps::", "boundaries::", "kills::"])
    return closing


def adapters(run: Run, lab: settings.Lab, stage: str) -> None:
    # The cluster has a stage of its own.
    programs = test_programs("sidecar/backends").values()
    run.stage(stage, *([*program, "--ignored", "--skip", "galera"] for program in programs), **lab_environment(lab))


def test_programs(package: str) -> dict[str, list[str]]:
    """How each test program of a package is started, as cargo would. Asked to run one of them, cargo counts other
    features and builds half of the world anew."""
    command = [*CARGO_TEST, "--no-run", "--quiet", "--message-format=json"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    built = [json.loads(line) for line in told.splitlines()]
    folder = ROOT / package
    return {
        each["target"]["name"]: ["env", "-C", str(folder), each["executable"]]
        for each in built
        if each["reason"] == "compiler-artifact"
        and each["target"]["kind"] == ["test"]
        and Path(each["manifest_path"]).parent == folder
    }


def crashes(run: Run, lab: settings.Lab, some: list[str]) -> None:
    """The last in a lab: what they leave on the wiki looks like a lost database to the lab's own sidecar.
    Without names all of them, which takes longer and brings the neighbours down in every way."""
    run.stage("durability", *durability(*some), **lab_environment(lab))


def durability(*words: str) -> list[list[str]]:
    """The lab's own sidecar is away meanwhile, since it watches the same cloud."""
    durability = test_programs("sidecar/server")["durability"]
    test = [*durability, "--ignored", "--test-threads", "1", "--nocapture"]
    return [["tests/lab/lab", "down", "sidecar"], [*test, *words]]


def torture_hours(words: list[str]) -> float | None:
    try:
        return float(words[1]) if words[:1] == ["--torture"] and len(words) == 2 else None
    except ValueError:
        return None


def torture(hours: float) -> str:
    """A million pages after people's edits; five hundred servers that come, change and go while parts are killed; then
    kills the sidecar at random instants for so long: each round says how many kills there were by then."""
    run = Run()
    pages = ["cargo", "test", "-p", "osm-core", "--locked", "--lib", "region"]
    run.stage("a million pages", pages, COMPOSITIONS="1000000")
    lab_away(keep=False)
    lab = settings.create()
    run.shown("lab", ["tests/lab/lab", "up"])
    os.environ |= {"CHURN": "500", "KILLS": "25"}
    e2e(run, lab, "churn", ["tests/e2e/test_churn.py"])
    down, test = durability("killed_at_random_instants")
    run.stage("sidecar", down)
    run.shown("torture", test, **lab_environment(lab), TORTURE_HOURS=str(hours))
    log = (OUT / "torture.log").read_text(errors="replace")
    return re.findall(r"^\d+ kills in .*$", log, re.M)[-1]


def e2e(run: Run, lab: settings.Lab, stage: str, what: list[str]) -> str:
    """Its closing line: what passed, and in which time."""
    python = tests_venv(lab) / "bin/python"
    pictures = OUT / stage.replace(" ", "-")
    run.shown(stage, [str(python), "-B", "-m", "pytest", *what], E2E_OUT=str(pictures))
    return (OUT / f"{stage.replace(' ', '-')}.log").read_text(errors="replace").splitlines()[-1]


def bench() -> str:
    run = Run()
    lab_away(keep=False)
    settings.create()
    run.shown("lab", ["tests/lab/lab", "up"], LAB_SIDECAR_PROFILE="release")
    run.shown("bench", ["tests/bench/run"])
    return ""


def php_files() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / "php-shim").rglob("*.php"))]


def rust_components() -> None:
    """A toolchain of the minimal profile has neither."""
    for component in ["rustfmt", "clippy"]:
        if subprocess.run(["cargo", component.removeprefix("rust"), "--version"], capture_output=True).returncode != 0:
            subprocess.run(["rustup", "component", "add", component], check=True, capture_output=True)


def deny(run: Run, install: bool) -> None:
    """Building cargo-deny takes longer than all the rest, so `make test` uses it only where it is."""
    if install:
        run.stage("deny install", ["cargo", "install", "--locked", "--quiet", "cargo-deny"])
    if shutil.which("cargo-deny"):
        # Advisories would need a database from outside.
        run.stage("deny", ["cargo", "deny", "--offline", "--locked", "check", "licenses", "bans", "sources"])
    else:
        print(f"{'deny':<14} skipped     cargo-deny is not installed; tidy has checked licences and sources")


def lab_environment(lab: settings.Lab) -> dict[str, str]:
    """What `lab env` exports."""
    return dict(re.findall(r"^export (\w+)='(.*)'$", (lab.dir / "env").read_text(), re.M))


def tests_venv(lab: settings.Lab) -> Path:
    def make(folder: Path) -> None:
        lab.run(["/usr/bin/python3", "-m", "venv", str(folder)], "tests-venv", as_root=True)
        lab.run([str(folder / "bin/pip"), "install", "-q", "-r", str(REQUIREMENTS)], "tests-venv", as_root=True)

    return installed.once(lab, "tests", installed.key(REQUIREMENTS), make)


def lab_away(*, keep: bool) -> None:
    """Stops the lab of an earlier run or of this one; its state goes as well, unless someone has to look at it."""
    if not LAB_DIR.exists():
        return
    subprocess.run(["tests/lab/lab", "down"], cwd=ROOT, stdout=subprocess.DEVNULL)
    if keep and (LAB_DIR / "run").exists():
        print(f"the lab's logs: {LAB_DIR.resolve() / 'log'}", flush=True)
        return
    state = LAB_DIR.resolve()
    shutil.rmtree(state)
    if LAB_DIR.is_symlink():
        LAB_DIR.unlink()


def tail(log: Path, lines: int = 60) -> str:
    return f"{log}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
