"""How long a worker may be silent before TensorFlow counts it as dead."""

import contextlib

SECONDS = 60
"""Beats come every half of it, so a pause of the other half is survived. With TensorFlow's ten,
five seconds of a busy machine, or of one that is moved, may be the end.
"""


def be_patient(cluster):
    """Set it for the workers of a `Cluster`; call before their strategy is made.

    There is no public way. Where TensorFlow has changed its own, its ten seconds stay.
    """
    with contextlib.suppress(ImportError, AttributeError, TypeError):
        from tensorflow.python.eager import context

        sizes = {"chief": cluster.chiefs, "worker": len(cluster.addresses) - cluster.chiefs}
        jobs = [
            context.coordination_config_pb2.CoordinatedJob(name=job, num_tasks=size)
            for job, size in sizes.items()
            if size
        ]
        context.context().configure_coordination_service(
            service_type="standalone",
            service_leader=f"/job:{jobs[0].name}/replica:0/task:0",
            heartbeat_timeout_in_ms=1000 * SECONDS,
            coordinated_jobs=jobs,
        )
