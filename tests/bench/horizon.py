"""Horizon, from PyPI, on the lab's own cloud: the peer of the list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import crowd
import daemon
import installed
import lxml.html
import requests
import settings
from parts import openstack
from support.waiting import until
from support.world import VOLUNTEER, lab

PACKAGES = ["horizon==27.0.0", "pymemcache==4.0.0"]
# Seconds for one page; its first of all is made while it still loads its modules.
TIMEOUT = 120


@contextmanager
def running(project_id: str) -> Iterator[Dashboard]:
    """Horizon in a uWSGI like the cloud's own, with somebody logged in to the benches' project."""
    venv = installed.once(lab, "horizon", installed.key(*PACKAGES), _install)
    home, port = lab.folder("horizon"), settings._free_ports(["horizon"])["horizon"]
    local = lab.folder("horizon", "local")
    lab.write(local / "__init__.py", "")
    lab.write(local / "local_settings.py", _settings(home))
    env = {"PYTHONPATH": str(home), "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings"}
    for words in (["collectstatic", "--noinput"], ["compress", "--force"]):
        lab.run([str(venv / "bin/python"), "-m", "django", *words], "horizon-setup", env=env)
    argv = [openstack.program(lab, "uwsgi"), "--http-socket", f"{settings.HOST}:{port}",
            "--module", "openstack_dashboard.wsgi", "--virtualenv", str(venv), "--master", "--die-on-term",
            "--need-app", "--lazy-apps", "--single-interpreter", "--enable-threads", "--processes", "2",
            "--threads", "4", "--buffer-size", "65535", "--disable-logging", "--chdir", str(lab.folder("empty")),
            "--add-header", "Connection: close"]  # fmt: skip
    daemon.ensure(lab, "horizon", argv, env=env)
    try:
        dashboard = Dashboard(f"http://{settings.HOST}:{port}")
        dashboard.log_in(project_id)
        yield dashboard
    finally:
        daemon.stop(lab, "horizon")


class Dashboard:
    """A person's browser, as far as HTML goes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = requests.Session()
        self._client.trust_env = False

    def log_in(self, project_id: str) -> None:
        (form,) = lxml.html.fromstring(until(self._login_page, "Horizon answers", TIMEOUT)).forms
        form.fields["username"], form.fields["password"] = VOLUNTEER.uid, lab.secret(f"ldap-{VOLUNTEER.uid}")
        form.fields["domain"] = "people"
        answer = self._client.post(self._address + "/auth/login/", data=form.form_values(), timeout=TIMEOUT)
        assert answer.status_code == 200 and "/auth/login" not in answer.url, answer.url
        self._get(f"/auth/switch/{project_id}/?next=/project/instances/")

    def instances(self, rows: int) -> None:
        """The page of that many rows of the project's instances."""
        self._client.cookies.set("API_RESULT_PAGE_SIZE", str(rows))
        page = lxml.html.fromstring(self._get("/project/instances/").text)
        found = page.xpath("//tr[starts-with(@id, 'instances__row__')]")
        assert len(found) == rows, len(found)

    def _login_page(self) -> str | None:
        try:
            answer = self._client.get(self._address + "/auth/login/", timeout=TIMEOUT)
        except requests.ConnectionError:
            return None
        return answer.text if answer.ok else None

    def _get(self, path: str) -> requests.Response:
        answer = self._client.get(urljoin(self._address, path), timeout=TIMEOUT)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer


def _install(folder: Path) -> None:
    for argv in (
        [openstack.PYTHON, "-m", "venv", str(folder)],
        [str(folder / "bin/pip"), "install", "--quiet", *PACKAGES],
    ):
        lab.run(argv, "horizon-install", as_root=True)


def _settings(home: Path) -> str:
    values = {
        "DEBUG": False,
        "ALLOWED_HOSTS": [settings.HOST],
        "WEBROOT": "/",
        "SECRET_KEY": lab.secret("horizon"),
        "STATIC_ROOT": str(lab.folder("horizon", "static")),
        "COMPRESS_OFFLINE": True,
        "OPENSTACK_KEYSTONE_URL": lab.url("keystone", "/v3"),
        "OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT": True,
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
                "LOCATION": f"{settings.HOST}:{lab.port('memcached')}",
            }
        },
    }
    return "".join(f"{name} = {value!r}\n" for name, value in values.items())
