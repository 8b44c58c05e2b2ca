# SPDX-License-Identifier: Apache-2.0
"""A validator for the keywords of JSON Schema 2020-12 that our schema uses; any other keyword is an error."""

import re

KNOWN = {"$ref", "type", "const", "enum", "required", "properties", "additionalProperties", "items", "minItems", "maxItems",
         "contains", "minimum", "maximum", "minLength", "pattern", "not", "oneOf", "anyOf"}
ANNOTATIONS = {"$schema", "title", "$defs"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return name == "number" or float(value).is_integer()
    return isinstance(value, TYPES[name])


def same(a, b):
    """JSON's equality: 1 is not true."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


class Schema:
    def __init__(self, root):
        self.root = root

    def errors(self, value, name):
        """What breaks the definition `name`: texts with the place, none when it holds."""
        return list(self.check(value, {"$ref": "#/$defs/" + name}, name))

    def holds(self, value, schema):
        return not any(True for _ in self.check(value, schema, ""))

    def check(self, value, schema, at):
        unknown = set(schema) - KNOWN - ANNOTATIONS
        if unknown:
            raise ValueError("schema keyword not known here: %s" % sorted(unknown))
        for key, rule in schema.items():
            if key in KNOWN:
                yield from getattr(self, "on_" + key.strip("$"))(value, rule, at)

    def on_ref(self, value, rule, at):
        yield from self.check(value, self.root["$defs"][rule.rsplit("/", 1)[1]], at)

    def on_type(self, value, rule, at):
        names = rule if isinstance(rule, list) else [rule]
        if not any(is_type(value, name) for name in names):
            yield "%s: %r is not %s" % (at, value, " or ".join(names))

    def on_const(self, value, rule, at):
        if not same(value, rule):
            yield "%s: %r is not %r" % (at, value, rule)

    def on_enum(self, value, rule, at):
        if not any(same(value, r) for r in rule):
            yield "%s: %r is none of %s" % (at, value, rule)

    def on_required(self, value, rule, at):
        if isinstance(value, dict):
            for key in rule:
                if key not in value:
                    yield "%s: %s is missing" % (at, key)

    def on_properties(self, value, rule, at):
        if isinstance(value, dict):
            for key, schema in rule.items():
                if key in value:
                    yield from self.check(value[key], schema, at + "." + key)

    def on_additionalProperties(self, value, rule, at):  # every use here stands without `properties`
        if isinstance(value, dict):
            for key, member in value.items():
                yield from self.check(member, rule, at + "." + key)

    def on_items(self, value, rule, at):
        if isinstance(value, list):
            for i, member in enumerate(value):
                yield from self.check(member, rule, "%s[%d]" % (at, i))

    def on_contains(self, value, rule, at):
        if isinstance(value, list) and not any(self.holds(m, rule) for m in value):
            yield "%s: no element as it must hold" % at

    def on_minItems(self, value, rule, at):
        if isinstance(value, list) and len(value) < rule:
            yield "%s: fewer than %d elements" % (at, rule)

    def on_maxItems(self, value, rule, at):
        if isinstance(value, list) and len(value) > rule:
            yield "%s: more than %d elements" % (at, rule)

    def on_minimum(self, value, rule, at):
        if is_type(value, "number") and value < rule:
            yield "%s: %r is below %r" % (at, value, rule)

    def on_maximum(self, value, rule, at):
        if is_type(value, "number") and value > rule:
            yield "%s: %r is above %r" % (at, value, rule)

    def on_minLength(self, value, rule, at):
        if isinstance(value, str) and len(value) < rule:
            yield "%s: shorter than %d" % (at, rule)

    def on_pattern(self, value, rule, at):
        if isinstance(value, str) and not re.search(rule, value):
            yield "%s: %r does not match %s" % (at, value, rule)

    def on_not(self, value, rule, at):
        if self.holds(value, rule):
            yield "%s: %r is what it must not be" % (at, value)

    def on_anyOf(self, value, rule, at):
        if not any(self.holds(value, r) for r in rule):
            yield "%s: %r fits no alternative" % (at, value)

    def on_oneOf(self, value, rule, at):
        fitting = [r for r in rule if self.holds(value, r)]
        if len(fitting) == 1:
            return
        named = [r for r in rule if self.holds(value.get("event"), r.get("properties", {}).get("event", {"const": None}))] \
            if isinstance(value, dict) and "event" in value else []
        if not fitting and len(named) == 1:  # say what is wrong with the event that was meant
            yield from self.check(value, named[0], at)
        else:
            yield "%s: fits %d alternatives, must fit one: %.200r" % (at, len(fitting), value)
