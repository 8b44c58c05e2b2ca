# SPDX-License-Identifier: Apache-2.0
"""Splits the CUDA source of a TVM module into one normalised text a kernel function.

As kernel_source.py does for LLVM IR: the name of the function, the names of its arguments and of
its variables are numbered in order of appearance, comments and indentation go, everything that
decides the machine code stays, the launch bounds too.  The head of the module goes: it is TVM's own
text and holds a definition for all functions as soon as one of them needs it.  Standard library only; knows the text that TVM 0.14's CodeGenCUDA writes.
"""

import re

_HEADER = re.compile(
    r'^extern "C" __global__ void (?P<bounds>(?:__launch_bounds__\([^)]*\) )?)(?P<name>\w+)'
    r"\((?P<arguments>[^)]*)\) \{$"
)
_DECLARATION = re.compile(r'^extern "C" __global__ void .*\);$')
_COMMENT = re.compile(r"//.*$|/\*.*?\*/")
# A variable where it is declared: a type of one or more words, then its name.
_VARIABLE = re.compile(
    r"^(?:for \()?(?:extern |const |volatile |alignas\(\d+\) |__shared__ |__align__\(\d+\) |unsigned )*"
    r"[A-Za-z_][\w:<>, ]*?[ *&](?:__restrict__ )?(?P<name>[A-Za-z_]\w*)(?:\[[^\]]*\])*(?: =|;|\()"
)
_NO_DECLARATION = re.compile(r"^(?:return|goto|else|if|while|case|#)\b|^[\w.\[\] ]+ [-+*/]?= ")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def in_order(text):
    """`text` with its functions in the order of their names, so that equal kernels give equal code.

    TVM writes them in the order of a table of pointers, which changes from process to process.
    """
    head, *parts = re.split(r'^(?=extern "C" __global__ )', text, flags=re.MULTILINE)
    name = re.compile(r"void +(\w+)\(")

    def key(part):
        first = part.splitlines()[0]
        bounds_gone = re.sub(r"__launch_bounds__\([^)]*\)", "", first)
        return (not _DECLARATION.match(first), name.search(bounds_gone).group(1))

    return head + "".join(sorted((p.rstrip("\n") + "\n\n" for p in parts), key=key))


class Module:
    """The CUDA source of one module, by the kernel functions that it defines."""

    def __init__(self, text):
        self.functions = {}  # name -> (launch bounds, arguments, lines), in the order of the text
        body = None
        for line in text.splitlines():
            if body is not None:
                if line == "}":
                    body = None
                else:
                    body.append(line)
                continue
            match = _HEADER.match(line)
            if match:
                body = []
                self.functions[match.group("name")] = (
                    match.group("bounds").strip(),
                    match.group("arguments"),
                    body,
                )

    def kernel_text(self, host):
        """The kernels that the host function `host` launches, in the order of their numbers; ""
        when there are none here."""
        mine = re.compile(re.escape(host) + r"_kernel(?:_(\d+))?$")
        found = []
        for name in self.functions:
            match = mine.match(name)
            if match:
                found.append((int(match.group(1) or 0), name))
        if not found:
            return ""
        parts = [self._function(index, name) for index, (_, name) in enumerate(sorted(found))]
        return "\n\n".join(parts) + "\n"

    def _function(self, index, name):
        bounds, arguments, body = self.functions[name]
        names = {name: "kernel%d" % index}
        for argument in arguments.split(","):
            words = _WORD.findall(argument)
            if words:
                names.setdefault(words[-1], "a%d" % len(names))
        lines = [_COMMENT.sub("", line).strip() for line in body]
        for line in lines:
            match = None if _NO_DECLARATION.match(line) else _VARIABLE.match(line)
            if match:
                names.setdefault(match.group("name"), "v%d" % len(names))

        def rename(text):
            return _WORD.sub(lambda match: names.get(match.group(0), match.group(0)), text)

        head = "__global__ void %s %s(%s) {" % (bounds, names[name], rename(arguments))
        return "\n".join([head] + [rename(line) for line in lines if line] + ["}"])
