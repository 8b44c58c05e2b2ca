# SPDX-License-Identifier: Apache-2.0
"""Splits the LLVM IR of a TVM module into one normalised text a kernel.

Two builds of the same schedule differ in names only: TVM and LLVM number helper functions, string
constants, struct types, metadata and values in the order in which the module was put together.
Equal code must give equal text, so everything that is only a name is renumbered in order of
appearance, and everything that is only a note (comments, metadata, debug calls) is dropped.
Everything that decides the machine code is kept: instructions, types, constants, attributes,
calling conventions and the helper functions (parallel loop bodies, `_compute_`) that the kernel
reaches.

Standard library only; knows LLVM 17's text form as TVM 0.14 prints it.
"""

import hashlib
import re

_NAME = r'"[^"]*"|[-a-zA-Z$._0-9]+'
_GLOBAL = re.compile(r"@(%s)" % _NAME)
_DEFINE = re.compile(r"^define\b[^@]*@(%s)\(" % _NAME)
_CONSTANT = re.compile(r"^@(%s) = (.*)$" % _NAME)
_TYPE = re.compile(r"^%%(%s) = type (.*)$" % _NAME)
_ATTRIBUTES = re.compile(r"^attributes #(\d+) = (.*)$")
_LABEL = re.compile(r"^(%s):" % _NAME)
_METADATA = re.compile(r",? ?!(?:[a-zA-Z_.]+ )?!\d+|,? ?![a-zA-Z_.]+ !\{[^}]*\}")
# One step of the scanner over an instruction.  Strings come first, so that nothing inside them
# matches.
_TOKEN = re.compile(
    r'(?P<string>c?"[^"]*")|(?P<local>%%(?:%s))|(?P<global>@(?:%s))|(?P<attributes>#\d+)'
    % (_NAME, _NAME)
)
# Where a name after `%` is a type and not a value (both may be plain numbers).
_TYPE_POSITION = re.compile(r"(?:\bgetelementptr(?: inbounds)?|\balloca|\bload|\btype|[{,<]|x) $")


class Module:
    """One LLVM module as text, indexed by what it defines."""

    def __init__(self, text):
        self.functions = {}  # name -> list of lines, in the order of the text
        self._constants = {}
        self._types = {}
        self._attributes = {}
        body = None
        for line in text.splitlines():
            if body is not None:
                body.append(line)
                if line == "}":
                    body = None
                continue
            match = _DEFINE.match(line)
            if match:
                body = self.functions.setdefault(match.group(1), [line])
                continue
            for pattern, table in (
                (_CONSTANT, self._constants),
                (_TYPE, self._types),
                (_ATTRIBUTES, self._attributes),
            ):
                match = pattern.match(line)
                if match:
                    table[match.group(1)] = match.group(2)
                    break

    def kernel_text(self, name):
        """Normalised text of the function `name` and the functions of this module that it reaches.

        Returns "" when the module does not define it (a kernel of an imported module).
        """
        if name not in self.functions:
            return ""
        order = {name: "@self"}
        queue = [name]
        parts = []
        for current in queue:  # grows while it is walked
            lines = []
            numbers = {}
            for line in self.functions[current]:
                line = self._line(line, name, order, queue, numbers)
                if line:
                    lines.append(line)
            parts.append("\n".join(lines))
        return "\n\n".join(parts) + "\n"

    # -- one line of a function
    def _line(self, line, kernel, order, queue, numbers):
        line = _strip_comment(line).rstrip()
        if not line.strip() or "@llvm.dbg." in line:
            return ""
        line = _METADATA.sub("", line)

        def local(name):
            return numbers.setdefault(name, "%%v%d" % len(numbers))

        def replace(match):
            if match.group("local"):
                bare = match.group("local")[1:]
                if bare in self._types and self._is_type(match, bare):
                    return self._type_text(bare, 0)
                return local(bare)
            if match.group("global"):
                return self._global(match.group("global")[1:], kernel, order, queue)
            if match.group("attributes"):
                return self._attributes.get(match.group("attributes")[1:], "{ }")
            return match.group("string").replace(kernel, "@self")

        label = _LABEL.match(line)
        if label:
            return local(label.group(1))[1:] + ":"
        return _TOKEN.sub(replace, line)

    @staticmethod
    def _is_type(match, bare):
        # A type with a real name cannot be taken for a value: values of that name do not occur.
        return not bare.isdigit() or bool(_TYPE_POSITION.search(match.string[: match.start()]))

    def _type_text(self, name, depth):
        if depth > 8:
            return "%recursive"
        return re.sub(
            r"%%(%s)" % _NAME,
            lambda m: (
                self._type_text(m.group(1), depth + 1) if m.group(1) in self._types else m.group(0)
            ),
            self._types[name],
        )

    def _global(self, name, kernel, order, queue):
        if name in self.functions:
            if name not in order:
                order[name] = "@helper%d" % len(order)
                queue.append(name)
            return order[name]
        value = self._constants.get(name)
        # Linkage such as `private constant` makes a global of this module: its content is its name.
        # What the runtime fills in (`linkonce ... global`) keeps its name.
        if value is None or not re.match(r"(private|internal)\b", value):
            return "@" + name
        value = _METADATA.sub("", value).replace(kernel, "@self")
        return "@constant." + hashlib.sha256(value.encode("utf-8")).hexdigest()[:16]


def _strip_comment(line):
    """`line` without a `;` comment; semicolons inside quotes stay."""
    quoted = False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            return line[:position]
    return line
