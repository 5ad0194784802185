"""What the service takes, by botocore's model of it: paths, and what must hold for each value."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import unquote

# without types of its own
SERVICE: Any = (
    import_module("botocore.session").get_session().get_service_model("bedrock-agentcore")
)
OPERATIONS = ("CreateEvent", "ListEvents", "GetEvent", "DeleteEvent", "ListSessions")


class Refused(Exception):
    """What is answered instead: an exception of the service, by its name in the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The status of HTTP that the model gives it."""
        status: int = SERVICE.shape_for(self.code).metadata["error"]["httpStatusCode"]
        return status


def read(method: str, path: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the operation that is asked for, and its parameters.

    Raises:
        Refused: They are not as the model has them.
    """
    for name in OPERATIONS:
        http = SERVICE.operation_model(name).http
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
        if http["method"] == method and (match := re.fullmatch(pattern, path)):
            of_path = {key: unquote(value) for key, value in match.groupdict().items()}
            parameters = {**json.loads(body or b"{}"), **of_path}
            faults = [*_faults(SERVICE.operation_model(name).input_shape, parameters, name)]
            if faults:
                raise Refused("ValidationException", "; ".join(faults))
            return name, parameters
    raise Refused("ResourceNotFoundException", f"{method} {path}")


def status_of(operation: str) -> int:
    """The status of HTTP with which it succeeds."""
    status: int = SERVICE.operation_model(operation).http["responseCode"]
    return status


def codes_of(operation: str) -> set[str]:
    """The names of the exceptions that it may answer with."""
    return {shape.name for shape in SERVICE.operation_model(operation).error_shapes}


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What is wrong with a value; the texts are of no service."""
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path} is no {kind}"
        return
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    size = value if kind == "integer" else len(value) if kind in _SIZED else low
    if not low <= size <= high:
        yield f"{path} is not within {low} and {high}"
    if kind == "string":
        if not re.fullmatch(shape.metadata.get("pattern", "(?s).*"), value):
            yield f"{path} is not like {shape.metadata['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{path} is none of {shape.enum}"
    elif kind == "list":
        for number, item in enumerate(value):
            yield from _faults(shape.member, item, f"{path}[{number}]")
    elif kind == "map":
        for key, item in value.items():
            yield from _faults(shape.key, key, f"a key of {path}")
            yield from _faults(shape.value, item, f"{path}.{key}")
    elif kind == "structure":
        missing = {*shape.required_members} - value.keys()
        unknown = value.keys() - shape.members.keys()
        yield from (f"{path}.{name} is missing" for name in missing)
        yield from (f"{path}.{name} is unknown" for name in unknown)
        if shape.is_tagged_union and len(value) != 1:
            yield f"{path} must have one member"
        for name in value.keys() & shape.members.keys():
            yield from _faults(shape.members[name], value[name], f"{path}.{name}")


_SIZED = ("string", "list", "map")
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "timestamp": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}
