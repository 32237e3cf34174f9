"""Which lines of the requirements must be accounted for: commands and data in fences, rows of
tables, items of lists and checklists, labelled lines ("**Trigger:** ..."), headings with a
value. Used by tests/lint/requirements_test and by refresh."""
import hashlib
import os
import re

FENCE = re.compile(r"^\s*(```+|~~~+)\s*(\w*)")
ITEM = re.compile(r"^\s*([-*+]|\d+[.)])\s+(\[[ xX]\])?")
ROW = re.compile(r"^\s*\|.*\|\s*$")
RULE = re.compile(r"^\s*\|[\s:|-]+\|\s*$")


def digest(line):
    """Of the line without its end and without space at the end."""
    return hashlib.sha256(line.rstrip().encode("utf-8", "surrogateescape")).hexdigest()


def in_fence(line, language):
    text = line.strip()
    if not re.search(r"\w", text):
        return None
    if language in ("bash", "sh", "sql") and re.match(r"#|--\s", text):
        return None
    return "command" if language in ("bash", "sh", "sql") else "text"


def outside(lines, i):
    line = lines[i]
    if ROW.match(line):
        head = i + 1 < len(lines) and RULE.match(lines[i + 1])
        return None if RULE.match(line) or head else "row"
    item = ITEM.match(line)
    if item:
        return "checklist" if item.group(2) else "item"
    if re.match(r"^\*\*[^*]+\*\*", line):
        return "label"
    if re.match(r"^#+ .*:\s+\S", line):
        return "heading"
    return None


def extract(path):
    """(line number, kind, text) of each."""
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        lines = [l.rstrip("\n") for l in f.read().split("\n")]
    language = None
    for i, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence:
            language = None if language is not None else fence.group(2).lower()
            continue
        kind = in_fence(line, language) if language is not None else outside(lines, i)
        if kind:
            yield i + 1, kind, line


def documents(folder):
    return sorted(n for n in os.listdir(folder) if n.endswith(".txt") or n.endswith(".md"))
