#!/usr/bin/env python3
"""Finds references to files and sections that do not exist, in comments of the sources and in documents.

    scripts/check_references.py

A reference to a file is a name with one of the project's extensions; it is good if the name, or the path, is one
of a file that git has. A reference to a section is a link of Markdown, `(file.md#section)`. Prints each that leads
nowhere, with its line, and exits 1 if there is one.
"""
import re
import subprocess
import sys
from pathlib import Path

EXTENSIONS = ("cpp", "h", "def", "md", "py", "sh", "cir", "c")
NAME = re.compile(r"(?<![\w./*{-])((?:[\w.-]+/)*\w[\w.-]*\.(?:%s))(?![\w/(])" % "|".join(EXTENSIONS))
# What Cameo or the user makes in examples, and placeholders.
FOREIGN = re.compile(r"^((model|nets?|best|resnet50|digits|m_cameo|pair|heads|TARGET|scale|out/\w|before|OUT|X)\.(h|c|py|cir)|repeat\.sh|.*/EmitX\.cpp)$")
COMMENT = {".cpp": "//", ".h": "//", ".c": "//", ".def": "//"}
SECTION = re.compile(r"\]\(([\w./-]*\.md)?#([\w-]+)\)")


def sections(path):
    """The anchors of a document's headings, as Markdown viewers make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def comment_of(path, line):
    """What of a line may refer to files: all of a document's, the comment of a source's."""
    mark = COMMENT.get(path.suffix)
    if mark is None:
        return line
    start = line.find(mark)
    return line[start:] if start >= 0 and "include" not in line[:start] else ""


def main():
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    files = [name for name in listed if name]
    known = {part for name in files for part in suffixes(name)}
    wrong = 0
    for name in files:
        path = root / name
        if path.suffix not in COMMENT and path.suffix != ".md" or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
            for reference in NAME.findall(comment_of(path, line)):
                target = reference.removeprefix("./")
                while target.startswith("../"):
                    target = target[3:]
                if target not in known and not FOREIGN.match(target):
                    print(f"{name}:{number}: there is no file {reference}")
                    wrong += 1
            for document, section in SECTION.findall(line) if path.suffix == ".md" else []:
                target = path.parent / document if document else path
                if not target.is_file() or section not in sections(target):
                    print(f"{name}:{number}: there is no section {document}#{section}")
                    wrong += 1
    print(f"{len(files)} files, {wrong} references to nothing")
    return 1 if wrong else 0


def suffixes(name):
    """a/b/c.h, b/c.h and c.h."""
    parts = name.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


if __name__ == "__main__":
    sys.exit(main())
