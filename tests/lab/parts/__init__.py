"""The parts of the lab: each module of this package is one, found by its presence.

How a part is written
---------------------
A part is a module with these names (`Part` below says the types):

    NAME      its name on the command line and in NEEDS
    PACKAGES  Debian packages, installed before anything else, in one apt run for all parts
    NEEDS     names of the parts that must be healthy before start() is called
    PATIENCE  seconds that health() may take to be content after start()

    daemons(lab)  names of the daemons it starts (see daemon.py); log files are LAB_DIR/log/<daemon>.log
    install(lab)  expensive things that all labs of the machine share, into lab.cache; runs as soon as
                  the packages are there, at the same time as other parts; must be quick when done
    start(lab)    writes configuration, makes databases, calls daemon.ensure(); returns without waiting
    health(lab)   None when the part does its work, else the reason why not, in a few words; must not
                  take more than some seconds, must not change anything
    setup(lab)    what can be made only when the part is healthy (accounts, content)
    url(lab)      where a person or program reaches it

Everything is called on each `up`, so everything gets or creates: a second `up` changes nothing and
mends what is down. Raise LabError(reason, log) with words that a person can act on. `lab` (settings.Lab)
brings folders, files, ports, secrets and commands of the lab's system user:

    lab.folder("memcached")          LAB_DIR/memcached, owned by the system user
    lab.write(path, text)            a file of the system user, 0640; True when it changed
    lab.port("wiki"), lab.url("wiki", "/x")   names are those of settings.PORTS; add a new one there
    lab.secret("wiki-admin")         a password: generated once, kept in LAB_DIR/secrets/wiki-admin
    lab.run(argv, "mediawiki")       runs a command as the system user, output into log/mediawiki.log;
                                     as_root=True for installs
    lab.cache                        shared by all labs; use installed.once() for what is made there

    daemon.ensure(lab, "nginx", argv, config=[file], ports=["wiki"])   start, restart when changed, or leave
    daemon.down_reason(lab, "nginx") for the first line of health()
    probe.http(url), probe.port(lab, "ldap")                            checks fit for health()
    mariadb.database(lab, "wiki")    database and account of that name, password lab.secret("mariadb-wiki")
    mariadb.query(lab, sql)          as the database's root, rows as lists of strings
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from settings import Lab, LabError


class Part(Protocol):
    NAME: str
    PACKAGES: list[str]
    NEEDS: list[str]
    PATIENCE: float

    def daemons(self, lab: Lab) -> list[str]: ...
    def install(self, lab: Lab) -> None: ...
    def start(self, lab: Lab) -> None: ...
    def health(self, lab: Lab) -> str | None: ...
    def setup(self, lab: Lab) -> None: ...
    def url(self, lab: Lab) -> str: ...


def load() -> dict[str, Part]:
    """All parts by name, each after those that it needs."""
    modules = (importlib.import_module(f"parts.{found.name}") for found in pkgutil.iter_modules(__path__))
    found = {module.NAME: cast(Part, module) for module in modules}
    ordered: dict[str, Part] = {}

    def add(name: str, wanted_by: str) -> None:
        if name not in found:
            raise LabError(f"{wanted_by} needs part {name}, and there is no such part")
        if name not in ordered:
            for need in found[name].NEEDS:
                add(need, name)
            ordered[name] = found[name]

    for name in found:
        add(name, "the lab")
    return ordered


def objection(lab: Lab, part: Part) -> str | None:
    """The part's health, where not even asking works being an answer too."""
    try:
        return part.health(lab)
    except LabError as error:
        return str(error)


def choose(parts: dict[str, Part], names: list[str]) -> dict[str, Part]:
    """The named parts and what they need; all where none is named."""
    for name in names:
        if name not in parts:
            raise LabError(f"there is no part {name}; there are {', '.join(parts)}")
    wanted = set(names or parts)
    for name in reversed(parts):
        if name in wanted:
            wanted |= set(parts[name].NEEDS)
    return {name: part for name, part in parts.items() if name in wanted}
