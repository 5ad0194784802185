"""The fake models, and the servers under test, each started once a variant."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.databases import Database, database_of
from contract.otlp import Receiver, receiving
from contract.projects import Variant
from contract.server import Server, serve
from contract.stores import InMemory, Store
from contract.warm import Warm


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring together the tests that share a server, however their modules are called."""
    groups: dict[str, int] = {}
    for item in items:
        groups.setdefault(_group(item), len(groups))
    items.sort(key=lambda item: groups[_group(item)])


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""


@pytest.fixture(scope="session")
def model_server() -> Iterator[FakeModels]:
    """One for all servers under test."""
    with FakeModels() as models:
        yield models


@pytest.fixture(autouse=True)
def models(model_server: FakeModels) -> Iterator[FakeModels]:
    """The fake models, without memory of the test before."""
    model_server.clear()
    yield model_server
    model_server.clear()


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """What servers under test tell of their turns, if they are told where it is."""
    with receiving() as running:
        yield running


@pytest.fixture(scope="session")
def variant(request: pytest.FixtureRequest) -> Variant:
    """What `each` says."""
    value: Variant = request.param
    return value


@pytest.fixture(scope="session")
def new_store(request: pytest.FixtureRequest) -> Callable[[Variant, Path], Store]:
    """Make what a variant keeps its sessions in, which nobody else has."""

    def make(variant: Variant, folder: Path) -> Store:
        if variant.keeps:
            return database_of(variant, folder / "database", request)
        return InMemory()

    return make


@pytest.fixture(scope="session")
def server(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The project as it is."""
    folder = tmp_path_factory.mktemp(str(variant))
    environment, store = model_server.env(variant.provider), new_store(variant, folder)
    with serve(variant, folder, environment, store=store) as running:
        yield running


@pytest.fixture(scope="session")
def tight(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The project with the limits of the launcher."""
    folder = tmp_path_factory.mktemp(f"{variant}-tight")
    environment, store = model_server.env(variant.provider), new_store(variant, folder)
    with serve(variant, folder, environment, store=store, launcher=True) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Client:
    """A client of the project as it is."""
    return server.client


@pytest.fixture(scope="session")
def warm(
    request: pytest.FixtureRequest,
    variant: Variant,
    model_server: FakeModels,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Warm]:
    """The project, imported and ready to be started again and again."""
    folder = tmp_path_factory.mktemp(f"{variant}-warm")
    with Warm(variant, folder, model_server.env(variant.provider)) as project:
        project.learn(database_of(variant, folder / "learning", request).environment)
        yield project


@pytest.fixture
def database(request: pytest.FixtureRequest, variant: Variant, tmp_path: Path) -> Database:
    """An empty one, of the kind that the project keeps its sessions in."""
    return database_of(variant, tmp_path / "database", request)
