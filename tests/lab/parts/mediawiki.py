"""MediaWiki from Debian's package, used unmodified, with the shim; nginx, PHP and a job runner."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

import daemon
import installed
import mediawiki_extras as extras
import probe
from parts import mariadb
from settings import HOST, Lab

NAME = "mediawiki"
PHP = "8.2"
# nginx is named so that apache2, which MediaWiki would take as well, stays out.
PACKAGES = [
    "mediawiki", "nginx",
    *(f"php{PHP}-{name}" for name in ["fpm", "cli", "mysql", "intl", "mbstring", "xml", "curl", "apcu", "gmp"]),
]  # fmt: skip
NEEDS = ["mariadb", "memcached"]
PATIENCE = 60.0

HERE = Path(__file__).resolve().parents[1] / "mediawiki"
SYSOP = "WikiSysop"


def daemons(lab: Lab) -> list[str]:
    return ["php-fpm", "nginx", "wiki-jobs"]


def install(lab: Lab) -> None:
    extras.tree(lab)
    extras.semantic_mediawiki(lab)


def start(lab: Lab) -> None:
    home = lab.folder("mediawiki")
    for name in ["cache", "images", "tmp", "extensions", "smw"]:
        lab.folder("mediawiki", name)
    _link_extensions(lab)
    settings_changed = _write_settings(lab)
    fresh = not mariadb.query(lab, "SHOW TABLES LIKE 'page'", "wiki")
    if fresh:
        _install_wiki(lab)
    _update_wiki(lab)
    if fresh:
        _write_pages(lab)
    _write_servers(lab)
    if settings_changed and daemon.running(lab, "php-fpm"):
        # The localisation cache looks at the files of messages, not at which extensions there are.
        shutil.rmtree(home / "cache", ignore_errors=True)
        lab.folder("mediawiki", "cache")
    env = _environment(lab)
    config = [_settings_file(lab), lab.root / "php-shim" / "extension.json"]
    daemon.ensure(lab, "php-fpm", [f"/usr/sbin/php-fpm{PHP}", "--nodaemonize", "--fpm-config", str(home / "fpm.conf")],
                  env=env, config=[*config, home / "fpm.conf"])  # fmt: skip
    daemon.ensure(lab, "nginx", ["/usr/sbin/nginx", "-c", str(home / "nginx.conf"), "-p", f"{home}/", "-g", "daemon off;"],
                  config=[home / "nginx.conf", home / "fastcgi_params"], ports=["wiki"])  # fmt: skip
    daemon.ensure(lab, "wiki-jobs", [*_maintenance(lab, "runJobs"), "--wait"], env=env, config=config)


def health(lab: Lab) -> str | None:
    return daemon.down_reason(lab, *daemons(lab)) or probe.http(
        lab.url("wiki", "/api.php?action=query&meta=openstackmanagerinfo&format=json")
    )


def setup(lab: Lab) -> None:
    # Copied: the checkout may be where the lab's user cannot read.
    script = lab.folder("mediawiki") / "accounts.php"
    lab.write(script, (HERE / "accounts.php").read_text())
    lab.run([*_maintenance(lab, script), str(lab.dir / "accounts.json")], "mediawiki",
            env=_environment(lab))  # fmt: skip


def url(lab: Lab) -> str:
    return lab.url("wiki", "/wiki/Special:NovaInstance")


def keys_file(lab: Lab, direction: str) -> Path:
    """The keys with which requests are signed: "shim" to the sidecar, "wiki" to the wiki."""
    path = lab.folder("secrets") / f"{direction}.keys"
    if not path.exists():
        lab.write(path, f"demo:{secrets.token_hex(32)}\n", 0o600)
    return path


def _link_extensions(lab: Lab) -> None:
    """The packaged extensions, and ours from the checkout."""
    folder = lab.folder("mediawiki", "extensions")
    wanted = {path.name: path for path in (extras.tree(lab) / "extensions-core").iterdir()}
    wanted["OpenStackManager"] = lab.root / "php-shim"
    wanted["SetRecorder"] = HERE / "SetRecorder"
    if semantic := extras.semantic_mediawiki(lab):
        wanted["SemanticMediaWiki"] = semantic
    for name, source in wanted.items():
        link = folder / name
        if not _can_read(lab, source):
            # A checkout that the lab's user cannot reach.
            shutil.copytree(source, link, dirs_exist_ok=True)
        elif not link.is_symlink() or link.readlink() != source:
            shutil.rmtree(link) if link.is_dir() and not link.is_symlink() else link.unlink(missing_ok=True)
            link.symlink_to(source)


def _can_read(lab: Lab, path: Path) -> bool:
    done = subprocess.run(["test", "-r", str(path)], user=lab.uid, group=lab.gid, extra_groups=[])
    return done.returncode == 0


def _settings_file(lab: Lab) -> Path:
    return lab.folder("mediawiki") / "LocalSettings.php"


def _write_settings(lab: Lab) -> bool:
    semantic = extras.semantic_mediawiki(lab)
    values = {
        "server": lab.url("wiki"),
        "folder": str(lab.folder("mediawiki")),
        "log": str(lab.log("mediawiki-debug")),
        "secretKey": lab.secret("wiki-secret-key"),
        "database": {
            "server": f"{HOST}:{lab.port('mariadb')}",
            "name": "wiki",
            "user": "wiki",
            "password": mariadb.database(lab, "wiki"),
        },
        "memcached": f"{HOST}:{lab.port('memcached')}",
        "sidecar": lab.url("sidecar"),
        "shimKeys": str(keys_file(lab, "shim")),
        "wikiKeys": str(keys_file(lab, "wiki")),
        "smw": semantic is not None,
        "autoload": extras.autoload(semantic),
    }
    # A nowdoc: nothing in it is read as PHP.
    text = "<?php\n$lab = json_decode( <<<'JSON'\n" + json.dumps(values, indent=1) + "\nJSON\n, true );\n"
    return lab.write(_settings_file(lab), text + (HERE / "LocalSettings.php").read_text().removeprefix("<?php\n"))


def _environment(lab: Lab) -> dict[str, str]:
    return {"MW_INSTALL_PATH": str(extras.tree(lab)), "MW_CONFIG_FILE": str(_settings_file(lab))}


def _maintenance(lab: Lab, script: str | Path) -> list[str]:
    """The command for a maintenance script, of MediaWiki (by name) or of ours (by path)."""
    folder = extras.tree(lab) / "maintenance"
    if (folder / "run.php").exists():
        return [f"/usr/bin/php{PHP}", str(folder / "run.php"), str(script)]
    return [f"/usr/bin/php{PHP}", str(script if isinstance(script, Path) else folder / f"{script}.php")]


def _install_wiki(lab: Lab) -> None:
    """Makes the tables. The settings that the installer writes are not used."""
    lab.run(
        [*_maintenance(lab, "install"),
         f"--confpath={lab.folder('mediawiki', 'tmp')}", "--dbtype=mysql",
         f"--dbserver={HOST}:{lab.port('mariadb')}", "--dbname=wiki", "--dbuser=wiki",
         f"--dbpassfile={lab.secret_file('mariadb-wiki')}", f"--passfile={lab.secret_file('wiki-sysop')}",
         f"--server={lab.url('wiki')}", "--scriptpath=", "OpenStackManager demo", SYSOP],
        "mediawiki", env={"MW_INSTALL_PATH": str(extras.tree(lab))},
    )  # fmt: skip


def _update_wiki(lab: Lab) -> None:
    """update.php takes seconds: it is run only when MediaWiki or an extension is another than last time."""
    semantic = extras.semantic_mediawiki(lab)
    wanted = {
        "mediawiki": extras.version(lab),
        "code": installed.key(
            lab.root / "php-shim" / "extension.json", lab.root / "php-shim" / "src" / "SchemaHooks.php",
            *([semantic / "extension.json"] if semantic else []),
        ),
    }  # fmt: skip
    before = extras.recorded(lab)
    if before == wanted:
        return
    lab.run([*_maintenance(lab, "update"), "--quick"], "mediawiki", env=_environment(lab))
    if before and semantic:
        # What pages say that were there before it is not known to it.
        script = semantic / "maintenance" / "rebuildData.php"
        lab.run(_maintenance(lab, script), "mediawiki", env=_environment(lab))
    lab.write(lab.folder("mediawiki") / "updated", json.dumps(wanted))


def _write_pages(lab: Lab) -> None:
    """A way in: the main page and the sidebar. From then on they belong to whoever edits them."""
    for page in (HERE / "pages").iterdir():
        lab.run([*_maintenance(lab, "edit"), f"--user={SYSOP}", "--summary=the lab's own", page.name], "mediawiki",
                env=_environment(lab), input=page.read_text())  # fmt: skip


def _write_servers(lab: Lab) -> None:
    home = lab.folder("mediawiki")
    values = {
        "HOME": str(home),
        "PORT": str(lab.port("wiki")),
        "HOST": HOST,
        "TREE": str(extras.tree(lab)),
        "SETTINGS": str(_settings_file(lab)),
        "LOG": str(lab.log("php")),
        "WORKERS": str(max(8, 2 * (os.cpu_count() or 1))),
    }
    for name in ["fpm.conf", "nginx.conf", "fastcgi_params", "logo.svg"]:
        text = (HERE / name).read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        lab.write(home / name, text)
