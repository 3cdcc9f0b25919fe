"""RabbitMQ past the sidecar, with what OpenStack's own environment has to speak to it: as one of its services."""

from __future__ import annotations

import subprocess

from parts import openstack, rabbitmq

from support.world import lab

# Nova's notifications are kept in a queue of ours until they are told again.
KEPT = "e2e-kept"
BODY = f"""
import sys
from kombu import Connection
channel = Connection(sys.argv[1]).channel()
def kept():
    while (message := channel.basic_get("{KEPT}", no_ack=True)) is not None:
        yield message
"""


def lose_queue() -> None:
    """The sidecar's queue is deleted while it listens, with what is in it."""
    _run('channel.queue_delete("openstackmanager")')


def keep() -> None:
    """From now on what Nova tells is kept as well."""
    _run(
        f'channel.queue_declare("{KEPT}", durable=True, auto_delete=False)\n'
        f'channel.queue_bind("{KEPT}", "nova", "versioned_notifications.info")'
    )


def tell_again() -> int:
    """All that was kept is told twice more, the last first; says how many notifications there were."""
    done = _run(
        f"""
messages = list(kept())
channel.queue_delete("{KEPT}")
for message in [each for old in reversed(messages) for each in (old, old)]:
    onward = channel.prepare_message(
        message.body, content_type=message.content_type, content_encoding=message.content_encoding,
        headers=message.headers,
    )
    channel.basic_publish(onward, "nova", "versioned_notifications.info")
print(len(messages))
"""
    )
    return int(done)


def all_heard(queues: list[str]) -> bool:
    """Somebody listens on each of these queues."""
    listeners = _run(
        f"""
from amqp.exceptions import NotFound
connection = Connection(sys.argv[1])
def listeners(queue):
    try:
        return connection.channel().queue_declare(queue, passive=True).consumer_count
    except NotFound:
        return 0
print(min(map(listeners, {queues!r})))
"""
    )
    return int(listeners) > 0


def _run(script: str) -> str:
    address = f"amqp://openstack:{lab.secret('rabbitmq-openstack')}@{rabbitmq.url(lab).removeprefix('amqp://')}/"
    argv = [openstack.program(lab, "python"), "-c", f"{BODY}\n{script}", address]
    done = subprocess.run(argv, env=lab.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
