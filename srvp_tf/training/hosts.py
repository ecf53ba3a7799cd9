"""The hosts that train together, as `TF_CONFIG` names them to every process. No TensorFlow here."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from srvp_tf.errors import UserError

EXAMPLE = (
    """'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, """
    """"task": {"type": "worker", "index": 0}}'"""
)
_JOBS = ("chief", "worker")  # in the order in which workers are numbered


class Cluster(NamedTuple):
    """The workers of a run, one process each, and which of them this process is.

    addresses: host:port of every worker; the first is the chief, the only one that writes.
    index: this process' place among them.
    chiefs: 1 if the first one's job is called "chief", and the others' are numbered without it.
    """

    addresses: tuple[str, ...]
    index: int
    chiefs: int = 0

    def names(self, indices: Iterable[int]) -> str:
        """`worker 1 (host1:2222), worker 3 (host3:2222)`."""
        return ", ".join(f"worker {i} ({self.addresses[i]})" for i in sorted(indices))


def cluster_of(jobs: Mapping[str, Sequence[str]], job: str, task: int) -> Cluster:
    """The `Cluster` of job -> addresses of its tasks, seen from a task of a job."""
    chiefs = len(jobs.get("chief", ()))
    addresses = tuple(address for name in _JOBS for address in jobs.get(name, ()))
    return Cluster(addresses, task + (chiefs if job == "worker" else 0), chiefs)


def cluster_from_environment(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """What `TF_CONFIG` says; None if it is not set. Raises `UserError` if it makes no sense."""
    text = environment.get("TF_CONFIG")
    if not text:
        return None
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _fault(f"is no JSON ({error})") from None
    jobs = _jobs(_child(tree, "cluster", dict))
    task = _child(tree, "task", dict)
    kind, index = _child(task, "type", str), _child(task, "index", int)
    if kind not in jobs:
        raise _fault(f"gives this process the task {kind!r}, the cluster has {', '.join(jobs)}")
    if not 0 <= index < len(jobs[kind]):
        raise _fault(f"gives this process index {index} of {len(jobs[kind])} {kind}s")
    return cluster_of(jobs, kind, index)


def _jobs(cluster: dict) -> dict[str, list[str]]:
    """Job -> addresses of the tasks, the chief's first."""
    unknown = sorted(cluster.keys() - set(_JOBS))
    if unknown or not cluster:
        found = f"has the jobs {', '.join(unknown)}" if unknown else "names no job"
        raise _fault(f"{found}: this program has workers, and a chief if you like")
    jobs = {job: _child(cluster, job, list) for job in _JOBS if job in cluster}
    addresses = [address for job in jobs.values() for address in job]
    for address in addresses:
        host, colon, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16):
            raise _fault(f"has the address {address!r}, which is not host:port")
    if len(set(addresses)) < len(addresses):
        raise _fault("has an address twice: every worker needs its own")
    if "chief" in jobs and len(jobs["chief"]) != 1:
        raise _fault(f"has {len(jobs['chief'])} chiefs: there is one, or none at all")
    if not addresses:
        raise _fault("names no worker")
    return jobs


def _child(parent: Any, key: str, kind: type) -> Any:
    value = parent.get(key) if isinstance(parent, dict) else None
    if type(value) is not kind:
        names = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}
        raise _fault(f'lacks "{key}", {names[kind]}')
    return value


def _fault(what: str) -> UserError:
    return UserError(f"TF_CONFIG {what}: unset it, or set it like {EXAMPLE}")
