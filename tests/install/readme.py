# SPDX-License-Identifier: BSD-2-Clause
"""What README.md has a newcomer do, in its order: commands, what they print, and files to write."""
import re

# An inline `code` is a command if it begins with one of these and says more than the name.
PROGRAMS = ("vit", "sh", "cmake", "man", "cc", "cp", "export")

FENCE = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
INLINE = re.compile(r"`([^`]+)`")
COMMENT = re.compile(r"\s+#\s+(.*)$")
FILE_NAMED = re.compile(r"[\w.-]+\.(?:npy|jsonl|json|safetensors|db)\b")


class Command:
    """text: for a shell. line: where it stands. expected: the lines that it prints, None where the page
    does not show them. files: those that the comment behind it names."""

    def __init__(self, text, line, expected=None):
        comment = COMMENT.search(text)
        self.text, self.line, self.expected = COMMENT.sub("", text), line, expected
        self.files = FILE_NAMED.findall(comment[1]) if comment else []


class File:
    """A program in the page, and the name that the page gives it."""

    def __init__(self, name, text, line):
        self.name, self.text, self.line = name, text, line


def block_commands(text, line):
    """Lines that begin with "$ " are commands, and the lines behind them are what they print. In a block
    without such lines every line is a command."""
    lines = [(line + i, part) for i, part in enumerate(text.splitlines())]
    if not any(part.startswith("$ ") for _, part in lines):
        return [Command(part, at) for at, part in lines if part.strip()]
    found = []
    for at, part in lines:
        if part.startswith("$ "):
            found.append(Command(part[2:], at, []))
        else:
            found[-1].expected.append(part)
    return found


def inline_codes(text, line):
    for match in INLINE.finditer(text):
        yield " ".join(match[1].split()), line + text.count("\n", 0, match.start())


def is_command(code):
    words = code.split()
    return len(words) > 1 and words[0] in PROGRAMS


def steps(page):
    """(commands and files in the order of the page, inline codes that are no commands)"""
    found, others, at = [], [], 0

    def take_prose(text, line):
        for code, where in inline_codes(text, line):
            if is_command(code):
                found.append(Command(code, where))
            elif code not in others:
                others.append(code)

    for fence in FENCE.finditer(page):
        prose, line = page[at:fence.start()], page.count("\n", 0, at) + 1
        take_prose(prose, line)
        inside = page.count("\n", 0, fence.start()) + 2
        if fence[1] == "c":
            name = [code for code, _ in inline_codes(prose, line)][-1]
            found.append(File(name, fence[2], inside))
        elif fence[1] in ("", "sh"):
            found += block_commands(fence[2], inside)
        elif fence[1] == "python":
            pass  # it needs packages from PyPI: the tests serve_clients and python_docs run it
        else:
            raise ValueError("README.md:%d: what is to be done with a block of %s?" %
                             (inside - 1, fence[1]))
        at = fence.end()
    take_prose(page[at:], page.count("\n", 0, at) + 1)
    return found, others
