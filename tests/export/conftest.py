"""Small exported models, and servers of them, made once per session where a test asks for them."""

import pytest

from tests.export.served import LABELS, serving
from tests.export.small_export import KINDS, RUNS, SmallExport


@pytest.fixture(scope="session")
def dcgan(tmp_path_factory):
    return SmallExport("dcgan", tmp_path_factory.mktemp("dcgan"))


@pytest.fixture(scope="session")
def vgg(tmp_path_factory):
    return SmallExport("vgg", tmp_path_factory.mktemp("vgg"))


LONG = [pytest.param(kind, marks=pytest.mark.long) for kind in RUNS if kind != "vgg"]


@pytest.fixture(scope="session", params=["vgg", *LONG])
def exported(request, tmp_path_factory):
    """A `SmallExport` of each kind."""
    if request.param in KINDS:
        return request.getfixturevalue(request.param)
    return SmallExport(request.param, tmp_path_factory.mktemp("variant"))


@pytest.fixture(scope="session")
def dcgan_server(dcgan):
    with serving(dcgan.served.parent, policy=LABELS) as server:
        yield server


@pytest.fixture(scope="session")
def vgg_server(vgg):
    with serving(vgg.served.parent, policy=LABELS) as server:
        yield server
