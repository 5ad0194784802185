"""What one Python file defines, imports and uses: found once for each text, without running it."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from agentcore_new import names

# What every module has without defining it.
IMPLICIT = frozenset(
    {"__dict__", "__doc__", "__file__", "__name__", "__package__", "__path__", "__spec__"}
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)
# Looked up before a node is looked at, which costs more than all the rest.
IMPORTS = frozenset({ast.Import, ast.ImportFrom})
USING = IMPORTS | {ast.Attribute, ast.Call}
BINDING = frozenset(
    {ast.Name, ast.arg, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}
    | {ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping}
)
NAMING = BINDING | {ast.Attribute, ast.keyword, ast.alias}

Lines = dict[str, int]
# What each name of a scope is bound to: a dotted name, or nothing that an import says.
Bindings = Mapping[str, str]
Children = dict[ast.AST, list[ast.AST]]


@dataclass(frozen=True, slots=True, eq=False)
class PythonFacts:
    """The facts of one text; each exists once, and equality is identity.

    Args:
        path: The file.
        module: Its dotted name.
        imported: The modules that it imports and that are not of others, their packages among
            them, each with its line.
        needed: What it takes from such a module, by import or as an attribute, each with its line;
            "module" is also what may be a name in one.
        uses: The modules that it uses if they are there: its own package, those that it imports,
            and `a.b.c` of `from a.b import c`.
        defined: The names that it has at top level.
        is_open: Whether it can have other names as well.
        words: Its identifiers and texts.
        texts: Its texts alone.
    """

    path: str
    module: str
    imported: Lines = field(default_factory=dict)
    needed: dict[str, Lines] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()
    is_open: bool = False
    words: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


def module_name(path: str) -> str:
    """Return the dotted name of the module at `path`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def is_of_others(package: str) -> bool:
    """Tell whether the top-level `package` is Python's, or of what the project depends on."""
    return package in sys.stdlib_module_names or _normal(package) in _dependencies()


@cache
def facts_of(path: str, text: str) -> PythonFacts:
    """Return the facts of the Python file at `path`; of one that is not Python, none."""
    module = module_name(path)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # the compiler of the guard says what is wrong
        words = frozenset(re.findall(r"\w+", text))
        return PythonFacts(path, module, is_open=True, words=words, texts=words)
    children = _children(tree)
    nodes = list(children)
    shared = {
        name for node in nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
    }
    reader = _Reader(path.split("/")[:-1], shared, children)
    reader.read(tree, ())
    texts = frozenset(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    defined = IMPLICIT.union(_names(tree, children))
    return PythonFacts(
        path=path,
        module=module,
        imported=reader.imported,
        needed=reader.needed,
        uses=frozenset(reader.uses).union(reader.imported),
        defined=defined,
        is_open="*" in defined,  # a `__getattr__` is for others: our own imports name what is there
        words=texts.union(_identifiers(nodes)),
        texts=texts,
    )


@cache
def _dependencies() -> frozenset[str]:
    # A module of the project is reserved too, and may be missing in this one.
    return names.reserved_names().difference(names.PROJECT_MODULES)


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).strip("-").lower()


class _Reader:
    """Collects what a text takes from modules, scope by scope.

    Args:
        package: The parts of the package that it is in.
        shared: Names that functions bind in scopes around them.
        children: What stands in each node.
    """

    def __init__(self, package: list[str], shared: set[str], children: Children) -> None:
        self._package = package
        self._shared = shared
        self._children = children
        self.imported: Lines = {}
        self.needed: dict[str, Lines] = {}
        self.uses = {".".join(package[:count]) for count in range(1, len(package) + 1)}

    def read(self, scope: ast.AST, outer: tuple[Bindings, ...]) -> None:
        """Read a scope and those in it; `outer` are the bindings that it sees."""
        own = list(_own(scope, self._children))
        visible = (*outer, self._bindings(own))
        # What a class body binds is not seen by its functions.
        for_inner = outer if isinstance(scope, ast.ClassDef) else visible
        for node in own:
            if type(node) in USING:
                self._use(node, visible)
            if isinstance(node, SCOPES):
                self.read(node, for_inner)

    def _use(self, node: ast.AST, visible: tuple[Bindings, ...]) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self._import(alias.name, node.lineno)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.Attribute(ctx=ast.Load()):
                self._need(_dotted(node.value, visible), node.attr, node.lineno)
            case ast.Call():
                self._read_call(node, visible)

    def _bindings(self, own: list[ast.AST]) -> Bindings:
        bindings: dict[str, str] = {}
        for node in own:
            if type(node) not in BINDING and type(node) not in IMPORTS:
                continue
            for name, target in self._bound_by(node):
                bindings[name] = target if bindings.get(name, target) == target else ""
        return {name: "" if name in self._shared else bindings[name] for name in bindings}

    def _bound_by(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = _top(alias.name)
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{self._source(node)}.{alias.name}"
        else:
            for name in _bound(node):
                yield name, ""

    def _source(self, node: ast.ImportFrom) -> str:
        """Return the module from which `node` imports, a relative one by its whole name."""
        if not node.level:
            return node.module or ""
        depth = len(self._package) - node.level + 1
        if depth < 1:
            return "." * node.level + (node.module or "")
        return ".".join([*self._package[:depth], *filter(None, [node.module])])

    def _import(self, module: str, line: int) -> None:
        parts = module.split(".") if not module.startswith(".") else [module]
        if not is_of_others(parts[0]):
            for count in range(1, len(parts) + 1):
                self.imported.setdefault(".".join(parts[:count]), line)

    def _import_from(self, node: ast.ImportFrom) -> None:
        source = self._source(node)
        self._import(source, node.lineno)
        for alias in node.names:
            self.uses.add(f"{source}.{alias.name}")
            if alias.name != "*":
                self._need(source, alias.name, node.lineno)

    def _need(self, module: str, name: str, line: int) -> None:
        if module and not is_of_others(_top(module)):
            self.needed.setdefault(module, {}).setdefault(name, line)

    def _read_call(self, node: ast.Call, visible: tuple[Bindings, ...]) -> None:
        """Read `getattr(module, "name")` and `patch.setattr(module, "name", value)`."""
        match node:
            case ast.Call(ast.Name("getattr"), [module, ast.Constant(str(name))], []) | ast.Call(
                ast.Attribute(attr="setattr"), [module, ast.Constant(str(name)), _], []
            ):
                self._need(_dotted(module, visible), name, node.lineno)


def _dotted(node: ast.AST, visible: tuple[Bindings, ...]) -> str:
    """Return the dotted name of an expression that starts at an import, else nothing."""
    match node:
        case ast.Name(id=name):
            return next((each[name] for each in reversed(visible) if name in each), "")
        case ast.Attribute(value=value, attr=attr):
            start = _dotted(value, visible)
            return start and f"{start}.{attr}"
    return ""


def _children(tree: ast.AST) -> Children:
    """Return the nodes that stand in each node, in their order, without what adds no name."""
    children: Children = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        inside: list[ast.AST] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                inside += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                inside.append(value)
        children[node] = inside
        waiting += inside
    return children


def _own(scope: ast.AST, children: Children) -> Iterator[ast.AST]:
    """Yield the nodes of a scope: of the scopes in it these themselves, and not what is in them."""
    waiting = children[scope][::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, SCOPES):
            waiting += children[node][::-1]


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds, which is no import."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def _names(tree: ast.Module, children: Children) -> Iterator[str]:
    """Yield the names that a module has at top level, and those that its functions give it."""
    own = list(_own(tree, children))
    # `x: int` alone binds nothing, and the name of an exception ends with its handler.
    unbound = {
        id(node.target) for node in own if isinstance(node, ast.AnnAssign) and not node.value
    }
    for node in own:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or _top(alias.name) for alias in node.names)
        elif type(node) in BINDING - {ast.ExceptHandler} and id(node) not in unbound:
            yield from _bound(node)
    for inner in children:
        if isinstance(inner, ast.Global):
            yield from inner.names


def _identifiers(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if type(node) not in NAMING:
            continue
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case ast.alias(name=name, asname=asname):
                yield from name.split(".")
                yield asname or name
            case _:
                yield from _bound(node)


def _top(module: str) -> str:
    return module.partition(".")[0]
