"""The pages of the documentation as a test sees them: blocks of commands, of TOML and of output, code in the text, links."""

import dataclasses
import glob
import os
import re

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str  # "sh" for commands, else what the fence says
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def names():
    """README.md and the pages of docs, by their paths from the source's folder."""
    return ["README.md", *sorted(os.path.relpath(path, SOURCE) for path in glob.glob(os.path.join(SOURCE, "docs", "*.md")))]


def read(page):
    with open(os.path.join(SOURCE, page)) as file:
        return file.read()


def _indented(lines, at):
    """Where the indented block that begins at `at` ends; `at` itself when none does."""
    end = at
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    while end > at and not lines[end - 1].strip():
        end -= 1
    return end


def blocks(page):
    """Fences, and blocks that are indented by four behind an empty line: those are always commands."""
    lines = read(page).split("\n")
    found, at, after_empty = [], 0, True
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = lines.index("```", at + 1)
            found.append(Block(page, at + 2, line[3:].strip(), "\n".join(lines[at + 1 : end])))
            at = end
        elif after_empty and line.startswith("    "):
            end = _indented(lines, at)
            found.append(Block(page, at + 1, "sh", "\n".join(text[4:] for text in lines[at:end])))
            at = end - 1
        after_empty = not lines[at].strip()
        at += 1
    return found


def commands(block):
    """(line, command) of a block, without comments; a backslash at the end of a line joins it with the next."""
    found, begun = [], None
    for number, text in enumerate(block.text.split("\n"), block.line):
        text = re.sub(r"(^|\s+)#\s.*$", "", text).rstrip()
        if begun:
            number, text = begun[0], begun[1] + text.strip()
        begun = (number, text[:-1]) if text.endswith("\\") else None
        if text and not begun:
            found.append((number, text))
    assert not begun, f"{block.place}: ends in a backslash"
    return found


def codes(page):
    """What stands between backquotes in the text."""
    text = re.sub(r"(?ms)^```.*?^```", "", read(page))
    return re.findall(r"`([^`\n]+)`", text)


def links(page):
    return [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", read(page)) if not re.match(r"\w+:", target) and not target.startswith("#")]
