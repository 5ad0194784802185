"""`python -m fake_models --port 0` serves until it is stopped, and prints its port."""

import argparse
import threading

from fake_models.server import FakeModels


def main() -> None:
    """Parse, serve, wait."""
    parser = argparse.ArgumentParser(prog="fake_models", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--no-record", action="store_true", help="keep nothing in memory")
    given = parser.parse_args()
    with FakeModels(
        host=given.host, port=given.port, latency=given.latency, record=not given.no_record
    ) as models:
        print(models.port, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
