#!/usr/bin/env python3
"""json_schema_test.py CRAWLD ROOT : the JSON Schema that `crawld schema` prints, and what
`crawld check` says, agree. The schema refuses no config that crawld accepts, and refuses what is wrong
by type, range, word or name. All cases come from the schema itself, so that a new key has its own."""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

CRAWLD, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])


def run(*words, **environment):
    return subprocess.run([CRAWLD, *words], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


SCHEMA_TEXT = run("schema").stdout
SCHEMA = json.loads(SCHEMA_TEXT)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


class Yaml12(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: no dates, no yes and no, no numbers in base 60."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in [
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")]:
    Yaml12.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), list(first))
Yaml12.add_constructor("tag:yaml.org,2002:int",
                       lambda loader, node: int(re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", node.value), 0))


def as_json(value):
    """A YAML value as JSON has it: names are texts."""
    if isinstance(value, dict):
        return {str(k).lower() if isinstance(k, bool) else str(k): as_json(v) for k, v in value.items()}
    return [as_json(v) for v in value] if isinstance(value, list) else value


def keys_refused(text):
    """The keys that the schema refuses in a config, as crawld writes them."""
    value = as_json(yaml.load(text, Loader=Yaml12))  # noqa: S506, a SafeLoader
    keys = set()
    for error in VALIDATOR.iter_errors(value):
        path = ["hosts[]" if p == "hosts" else p for p in error.absolute_path if not isinstance(p, int)]
        names = [""]
        if error.validator == "additionalProperties" and error.validator_value is False:
            names = ["." + n for n in error.instance if n not in error.schema["properties"]]
        elif error.validator == "required":
            names = ["." + n for n in error.validator_value if n not in error.instance]
        here = path[:2]  # a value in a list, or a header: its key's
        keys |= {(".".join(here) + name).lstrip(".") for name in names}
    return keys


def check(text, **environment):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "c.yaml")
        path.write_text(text)
        return run("check", "-c", str(path), **environment)


def keys_crawld_refuses(text, **environment):
    """The keys that crawld names, and all that it says."""
    said = check(text, **environment).stderr
    return set(re.findall(r"c\.yaml:\d+:\d+: (?!warning: )([^ ]+): ", said)), said


def leaves():
    """(section, name, schema) of every key; section is "" or "fetcher" or "hosts[]"."""
    for name, part in SCHEMA["properties"].items():
        entry = part.get("items", {})
        if "properties" in entry:
            yield from ((name + "[]", leaf, s) for leaf, s in entry["properties"].items())
        elif "properties" in part:
            yield from ((name, leaf, s) for leaf, s in part["properties"].items())
        else:
            yield "", name, part


def config_with(values):
    """A config of these values, {(section, name): value}, and what is required beside them."""
    config = {"name": "t", "data_dir": "/d", "identity": {"user_agent": "t (+http://t.example)"}}
    for (section, name), value in values.items():
        if section.endswith("[]"):
            config.setdefault(section[:-2], [{"match": "a.test"}])[0][name] = value
        elif section:
            config.setdefault(section, {})[name] = value
        else:
            config[name] = value
    return json.dumps(config)  # which is YAML


def whole(text):
    """A config of these lines, and of what is required beside them."""
    rest = {k: v for k, v in json.loads(config_with({})).items() if not text.startswith(k + ":")}
    return "".join(f"{k}: {json.dumps(v)}\n" for k, v in rest.items()) + text + "\n"


def path_of(section, name):
    return f"{section}.{name}" if section else name


def kind_of(schema):
    """How a value of a key is made: the types it may have, without those of a text that is expanded."""
    if "anyOf" in schema:
        return "word"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "array" in types:
        return "words" if "anyOf" in schema["items"] else "texts"
    if "object" in types:
        return "map"
    if "boolean" in types:
        return "bool"
    if types[0] == "integer":
        return "integer"
    # Sizes and durations tell their form.
    return "quantity" if ", as a number" in schema.get("patternErrorMessage", "") else "text"


def limits(schema):
    """The least and the most of a quantity, as they are written: "1KiB", "4GiB"."""
    return re.match(r"allowed: (\S+) to (\S+),", schema["patternErrorMessage"]).groups()


def beyond(text, step):
    number, unit = re.match(r"(\d+)(.*)", text).groups()
    return f"{int(number) + step}{unit}" if unit else int(number) + step


class JsonSchemaTest(unittest.TestCase):
    def assert_both_refuse(self, values, **environment):
        """Both refuse exactly these keys, each for itself."""
        self.assertTrue(values)
        text = config_with(values)
        expected = {path_of(*key) for key in values}
        named, said = keys_crawld_refuses(text, **environment)
        self.assertEqual(named - {"hosts[]"}, expected, said)
        self.assertEqual(keys_refused(text), expected)

    def test_the_file_in_config_is_what_the_program_prints(self):
        self.assertEqual((ROOT / "config/crawld.schema.json").read_text(), SCHEMA_TEXT,
                         "scripts/regenerate.sh writes it")

    def test_it_is_a_schema_of_draft_07_and_reads_the_same_in_2020_12(self):
        self.assertEqual(SCHEMA["$schema"], "http://json-schema.org/draft-07/schema#")
        jsonschema.Draft7Validator.check_schema(SCHEMA)
        later = copy.deepcopy(SCHEMA)
        later["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        jsonschema.Draft202012Validator.check_schema(later)
        # Nothing is used that draft 2020-12 has given another meaning.
        self.assertNotRegex(SCHEMA_TEXT, r'"(\$ref|definitions|dependencies|additionalItems)"')

    def test_every_key_is_explained_and_has_a_default_that_it_allows(self):
        count = 0
        for section, name, schema in leaves():
            with self.subTest(key=path_of(section, name)):
                self.assertTrue(schema["description"])
                required = "default" not in schema
                values = schema.get("examples", []) if required else [schema["default"]]
                for value in values:
                    jsonschema.Draft7Validator(schema).validate(value)
            count += 1
        self.assertGreater(count, 80)

    def test_every_sample_config_is_valid(self):
        samples = {path: path.read_text() for folder in ("config", "deploy", "bench")
                   for path in sorted((ROOT / folder).rglob("*.yaml*"))
                   if "user_agent:" in path.read_text()}
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
            blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M)
            samples.update({f"{page} {i}": block for i, block in enumerate(blocks) if "user_agent:" in block})
        self.assertGreater(len(samples), 5)
        for path, text in samples.items():
            with self.subTest(path=path):
                template = str(path).endswith(".in")
                text = re.sub(r"@(\w+)@", lambda m: "7" if "CONCURRENCY" in m[1] else "x", text) \
                    if template else text
                self.assertEqual(keys_refused(text), set())
                if not template:  # their seeds are elsewhere
                    said = check(text, SITE="http://127.0.0.1/")
                    self.assertEqual(said.returncode, 0, said.stderr)

    def test_samples_name_the_schema(self):
        named = 0
        for folder in ("config", "deploy"):
            for path in sorted((ROOT / folder).rglob("*.yaml")):
                text = path.read_text()
                if "user_agent:" not in text:
                    continue
                line = text.split("\n", 1)[0]
                found = re.fullmatch(r"# yaml-language-server: \$schema=(.*)", line)
                self.assertTrue(found, f"{path} begins with {line!r}")
                self.assertEqual((path.parent / found[1]).resolve(), (ROOT / "config/crawld.schema.json").resolve())
                named += 1
        self.assertGreaterEqual(named, 3)

    def test_what_crawld_accepts_is_valid(self):
        """In words that are seldom used."""
        for text in (
                "fetcher: {threads: '07', concurrency: '${C:-9}', http2: '${H:-true}', max_body: '${B:-1MiB}'}",
                "fetcher: {threads: 007, max_body: '1048576', min_speed: 0, http2: 'false'}",
                "politeness: {delay: 0, max_delay: 0ms, address_delay: '0', robots_max_age: 0090m}",
                "politeness:\n  delay: ${D:-1s}",
                "scope: {mode: '${M:-any}', follow: ['${F:-a}', area], max_depth: null}",
                "scope: {include: ['a$$b', '${P:-x}'], exclude: ['\\.pdf$']}",
                "log: {level: off, file: 1}",
                "seeds:\nfetcher:\nhosts:\n",
                "hosts: [{match: a.test}, {match: [b.test, 192.0.2.1], headers: {X-A: 7}}]",
                "hosts: [{match: a.test, username: 5, password: 007, delay: null, proxy: none}]",
                "fetcher: {proxy: 'http://u:p@h:1/', headers: {Accept-Language: en}}",
                "name: 2024",
                "name: ${A_NAME_THAT_IS_LONGER_THAN_WHAT_IT_STANDS_FOR_AND_THAN_IS_ALLOWED_64:-a}",
                "admin: {socket: null, listen: '${AN_ADDRESS_THAT_THE_OPERATOR_MAY_SET_FOR_ALL:-127.0.0.1:80}'}",
                "health: {park: 30d, backoff: 01ms}"):
            text = whole(text)
            with self.subTest(text=text):
                said = check(text)
                self.assertEqual(said.returncode, 0, said.stderr)
                self.assertEqual(keys_refused(text), set())

    def test_what_the_corpus_of_the_fuzzer_has_and_crawld_accepts_is_valid(self):
        seen = 0
        for path in sorted((ROOT / "tests/fuzz/corpus/config").iterdir()):
            text = path.read_bytes().decode("utf-8", "replace")
            if check(text).returncode == 0:
                seen += 1
                with self.subTest(path=path.name):
                    self.assertEqual(keys_refused(text), set())
        self.assertGreater(seen, 0)

    def test_wrong_types_are_refused_key_by_key(self):
        for wrong in ({"a": "map"}, [["a list in a list"]]):
            values = {}
            for section, name, schema in leaves():
                takes = {"map": dict, "words": list, "texts": list}.get(kind_of(schema))
                values[section, name] = 7 if takes is type(wrong) else wrong
            values["hosts[]", "match"] = wrong
            self.assert_both_refuse(values)

    def test_a_missing_value_is_refused_unless_null_means_something(self):
        values = {(section, name): None for section, name, schema in leaves()
                  if "null" not in json.dumps(schema.get("anyOf", schema.get("type")))}
        self.assertLess(len(values), len(list(leaves())))
        self.assert_both_refuse(values)
        others = {(section, name): None for section, name, _ in leaves()
                  if (section, name) not in values}
        self.assertEqual(keys_refused(config_with(others)), set())
        self.assertEqual(keys_crawld_refuses(config_with(others))[0], set())

    def test_words_that_are_none_are_refused(self):
        values = {}
        for section, name, schema in leaves():
            kind = kind_of(schema)
            if kind in ("word", "bool", "integer", "quantity"):
                values[section, name] = "nonsense"
            elif kind == "words":
                values[section, name] = ["nonsense"]
        self.assert_both_refuse(values)
        for kind, wrong in (("bool", "yes"), ("integer", 1.5), ("integer", -1), ("quantity", "1.5m"),
                            ("quantity", "7 m"), ("quantity", "7XB"), ("quantity", -1)):
            with self.subTest(wrong=wrong):
                self.assert_both_refuse({(s, n): wrong for s, n, schema in leaves()
                                         if kind_of(schema) == kind})

    def test_ranges_hold_at_the_limit_and_not_one_past_it(self):
        good, bad = [{}, {}], [{}, {}]
        for section, name, schema in leaves():
            key = section, name
            if kind_of(schema) == "integer":
                least, most = schema["minimum"], schema["maximum"]
            elif kind_of(schema) == "quantity":
                least, most = limits(schema)
            else:
                continue
            good[0][key], good[1][key] = least, most
            bad[1][key] = beyond(str(most), +1)
            if not re.fullmatch("0[a-zA-Z]*", str(least)):
                bad[0][key] = beyond(str(least), -1)
        for values in good:
            for as_text in (False, True):
                text = config_with({k: str(v) if as_text else v for k, v in values.items()})
                self.assertEqual(keys_refused(text), set())
                self.assertNotIn("out of range", keys_crawld_refuses(text)[1])
        for values in bad:
            self.assertGreater(len(values), 20)
            self.assert_both_refuse(values)
            self.assert_both_refuse({k: str(v) for k, v in values.items()})

    def test_texts_of_a_wrong_length_or_form_are_refused(self):
        for too_long in (False, True):
            values = {}
            for section, name, schema in leaves():
                kind = kind_of(schema)
                item = {"text": schema, "texts": schema.get("items"),
                        "map": schema.get("additionalProperties")}.get(kind)
                if item is None:
                    continue
                wrong = "x" * (item.get("maxLength", 1000) + 1) if too_long else ""
                if jsonschema.Draft7Validator(item).is_valid(wrong):  # an empty password is one
                    continue
                values[section, name] = {"text": wrong, "texts": [wrong], "map": {"X-A": wrong}}[kind]
            self.assertGreater(len(values), 20)
            self.assert_both_refuse(values)
        self.assert_both_refuse({
            ("", "name"): "A b", ("identity", "robots_token"): "bot/1", ("fetcher", "proxy"): "ftp://h:1",
            ("hosts[]", "proxy"): "no", ("fetcher", "headers"): {"a b": "c"},
            ("hosts[]", "headers"): {"": "c"}, ("hosts[]", "match"): []})

    def test_bad_expansions_are_refused_where_a_text_cannot_be_what_it_says(self):
        self.assert_both_refuse({(s, n): "${1}" for s, n, schema in leaves()
                                 if kind_of(schema) in ("word", "bool", "integer", "quantity")})

    def test_unknown_and_missing_keys_are_refused_in_every_section(self):
        sections = {section for section, _, _ in leaves()}
        self.assertGreater(len(sections), 12)
        self.assert_both_refuse({(section, "nonsense"): 1 for section in sections})
        self.assert_both_refuse({("", "fetcher.threads"): 1})
        required = 0
        for section, name, schema in leaves():
            if "default" in schema:
                continue
            config = json.loads(config_with({("hosts[]", "delay"): "1s"}))
            within = config["hosts"][0] if section == "hosts[]" else config[section] if section else config
            del within[name]
            named, said = keys_crawld_refuses(json.dumps(config))
            self.assertEqual(named, {path_of(section, name)}, said)
            self.assertEqual(keys_refused(json.dumps(config)), {path_of(section, name)})
            required += 1
        self.assertGreaterEqual(required, 4)

    def test_sections_are_maps_and_hosts_a_list_of_them(self):
        for text in ("fetcher: 7", "fetcher: [a]", "hosts: {match: a}", "hosts: [a]", "identity: 7",
                     "scope: {follow: [a, a]}", "hosts: [" + "{match: a.test}," * 1001 + "]"):
            with self.subTest(text=text[:40]):
                text = whole(text)
                self.assertNotEqual(check(text).returncode, 0)
                self.assertTrue(keys_refused(text))


unittest.main(argv=sys.argv[:1])
