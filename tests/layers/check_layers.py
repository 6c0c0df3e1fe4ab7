#!/usr/bin/env python3
"""Holds the tree to docs/layers.md: which module includes which, and which library has which room.

Usage: check_layers.py [ROOT]       Exit 1 and a line for each edge that the table does not allow.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
OURS = re.compile(r'^\s*#\s*include\s+"ringpost/([a-z0-9_]+)/([^"]+)"')
ANY = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')
SHORT = {"P": ["base", "buffer"], "R": ["base", "buffer", "observe", "io", "shard"]}


def rows(text):
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def read_tables(text):
    """The two tables: {module: set of modules or None for all} in order, and [(header prefix, set of modules)]."""
    modules, libraries = {}, []
    for cells in rows(text):
        if len(cells) != 3:
            continue
        name = cells[1].strip("`")
        if re.fullmatch(r"`[a-z0-9]+`", cells[1]):
            words = cells[2].split()
            modules[name] = None if words == ["all"] else {m for w in words for m in SHORT.get(w, [w])}
        elif "`" in cells[1]:
            libraries += [(prefix, set(cells[2].split())) for prefix in re.findall(r"`([^`]+)`", cells[1])]
    return modules, libraries


def sources():
    """(module, path, is options.hpp) of every source that belongs to a module."""
    for base in ("include/ringpost", "src"):
        for path in sorted((ROOT / base).glob("*/**/*.[ch]pp")):
            yield path.relative_to(ROOT / base).parts[0], path
    for path in sorted((ROOT / "tools/loadgen").glob("**/*.[ch]pp")):
        yield "loadgen", path


def faults(modules, libraries):
    order = list(modules)
    for name, allowed in modules.items():
        for other in allowed or []:
            if other not in order or order.index(other) >= order.index(name):
                yield f"docs/layers.md: {name} -> {other} does not point up the table"
    modules["loadgen"] = {m for m in order if m in
                          "base buffer observe scan crypto dns config mail sasl tls smtp schedule shaping policy io shard net resolve admin"
                          .split()}
    for module, path in sources():
        where = path.relative_to(ROOT)
        if module not in modules:
            yield f"{where}: module '{module}' is not in docs/layers.md"
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            ours, any_include = OURS.match(line), ANY.match(line)
            if ours:
                other, allowed = ours.group(1), modules[module]
                if path.name == "options.hpp" and other not in ("base", module):
                    yield f"{where}:{number}: options.hpp includes base only, not {other}"
                if other != module and allowed is not None and other not in allowed:
                    yield f"{where}:{number}: {module} may not include {other}"
            elif any_include:
                for prefix, rooms in libraries:
                    header = any_include.group(1)
                    if (header == prefix or (prefix.endswith("/") and header.startswith(prefix))) and module not in rooms:
                        yield f"{where}:{number}: <{header}> belongs to {' '.join(sorted(rooms))}, not {module}"


def main():
    modules, libraries = read_tables((ROOT / "docs/layers.md").read_text())
    if len(modules) < 10 or len(libraries) < 5:
        sys.exit("docs/layers.md: the tables were not found")
    found = list(faults(modules, libraries))
    print("\n".join(found) if found else f"{len(modules)} modules keep to docs/layers.md")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
