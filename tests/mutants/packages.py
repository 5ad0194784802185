"""Faults of `agentcore-new package`: what is in the zip, for which machine, what is refused."""

from mutants.mutant import one

FOLDER = "src/agentcore_new/packaging"
CONTENTS = f"{FOLDER}/contents.py"
DEPENDENCIES = f"{FOLDER}/dependencies.py"
ARCHIVE = f"{FOLDER}/archive.py"
PACKAGE = f"{FOLDER}/package.py"
TESTS = "tests/packages"

PACKAGES = (
    one(
        "hidden files in the package",
        CONTENTS,
        'return name.startswith(".")',
        'return name == ".git"',
        TESTS,
    ),
    one(
        "a database by another name in the package",
        CONTENTS,
        " or _is_database(folder / path)",
        "",
        TESTS,
    ),
    one(
        "an environment of another name in the package",
        CONTENTS,
        '            and not (Path(parent, name) / "pyvenv.cfg").exists()\n',
        "",
        TESTS,
    ),
    one(
        "what git ignores in the package",
        CONTENTS,
        "        if path in ignored:\n            continue\n",
        "",
        TESTS,
    ),
    one(
        "a folder left out because it is linked",
        CONTENTS,
        "            if Path(parent, name).is_symlink():",
        "            if not Path(parent, name).exists():",
        TESTS,
    ),
    one(
        "packages for this machine",
        DEPENDENCIES,
        '    for_arm = ["--python-version", python, "--python-platform", platform]\n',
        '    for_arm = ["--python-version", python]\n',
        TESTS,
    ),
    one(
        "packages for the oldest C library alone",
        DEPENDENCIES,
        'for tag in ("manylinux2014", "manylinux_2_28", "manylinux_2_34")',
        'for tag in ("manylinux2014",)',
        TESTS,
    ),
    one(
        "packages for a newer C library than that of the platform",
        DEPENDENCIES,
        '"manylinux_2_28", "manylinux_2_34")',
        '"manylinux_2_28", "manylinux_2_39")',
        TESTS,
    ),
    one(
        "no word on the Python that would do",
        DEPENDENCIES,
        "            if other != python and not _failure(",
        "            if other == python and not _failure(",
        TESTS,
    ),
    one(
        "other versions than those that are locked",
        DEPENDENCIES,
        '    if not (project / "uv.lock").exists():\n',
        '    if (project / "uv.lock").exists() or True:\n',
        TESTS,
    ),
    one(
        "a library for another machine packed",
        f"{FOLDER}/native.py",
        "return bool(machine != AARCH64)",
        "return bool(machine == 0)",
        TESTS,
    ),
    one(
        "the time of the installation in the package",
        ARCHIVE,
        "ZipInfo(path, EARLIEST)",
        "ZipInfo.from_file(file, path)",
        TESTS,
    ),
    one(
        "a file of the user's replaced by a package",
        ARCHIVE,
        "            if there.comment == MARK:\n",
        "            if there.comment is not None:\n",
        TESTS,
    ),
    one(
        "half a package left behind",
        ARCHIVE,
        "                Path(name).unlink()\n            raise\n",
        "                pass\n            raise\n",
        TESTS,
    ),
    one(
        "a package larger than AgentCore takes",
        ARCHIVE,
        '            check_size("zip", size, MAX_ZIP_BYTES)\n',
        "",
        TESTS,
    ),
    one(
        "the path of this machine's Python in the package",
        PACKAGE,
        "                texts[path] = SHEBANG + rest\n",
        "                texts[path] = file.read_bytes()\n",
        TESTS,
    ),
)
