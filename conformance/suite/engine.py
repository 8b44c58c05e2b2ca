# SPDX-License-Identifier: Apache-2.0
"""Is a folder an engine as docs/formats.md says?  Raises CheckFailed with what is wrong."""

import hashlib
import json
import os
import re
import stat

from suite.outcome import CheckFailed

DTYPES = {"float32": 4, "float16": 2, "float64": 8, "bfloat16": 2, "int8": 1, "uint8": 1, "int16": 2,
          "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8, "bool": 1}
MAX_DEPTH = 4
_HEX = re.compile(r"[0-9a-f]{64}")


def need(condition, text):
    if not condition:
        raise CheckFailed(text)


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_json(path):
    need(os.path.isfile(path), f"{os.path.basename(path)} is absent")
    try:
        with open(path, encoding="utf-8") as handle:
            content = json.load(handle)
    except ValueError as error:
        raise CheckFailed(f"{os.path.basename(path)} is not JSON: {error}") from None
    need(isinstance(content, dict) and content.get("format") == 1, f"{os.path.basename(path)}: format is not 1")
    return content


def files_below(folder):
    """Relative paths of all regular files; CheckFailed for links, special files and deep folders."""
    found = set()
    for base, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(base, name)
            relative = os.path.relpath(path, folder)
            mode = os.lstat(path).st_mode
            need(stat.S_ISREG(mode) or stat.S_ISDIR(mode), f"{relative} is a link or a special file")
            need(relative.count(os.sep) <= MAX_DEPTH, f"{relative} lies deeper than {MAX_DEPTH} folders")
            if stat.S_ISREG(mode):
                found.add(relative)
    return found


def check_tensors(manifest, key, expected):
    """The manifest's inputs or outputs are those of the model: names (in any order), types, extents."""
    tensors = manifest.get(key)
    need(isinstance(tensors, list), f"manifest: {key} is not a list")
    seen = sorted((str(t.get("name")), t.get("dtype"), t.get("shape")) for t in tensors)
    wanted = sorted((t["name"], t["dtype"], t["shape"]) for t in expected)
    need(seen == wanted, f"manifest: {key} are {seen}, the model's are {wanted}")


def check_files(folder, manifest):
    listed = {}
    for entry in manifest.get("files", []):
        listed[entry.get("path")] = entry
    found = files_below(folder) - {"manifest.json"}
    need(set(listed) == found, f"manifest lists {sorted(map(str, listed))}, the folder has {sorted(found)}")
    for path, entry in listed.items():
        full = os.path.join(folder, path)
        need(entry.get("bytes") == os.path.getsize(full), f"{path}: {os.path.getsize(full)} bytes, "
             f"the manifest says {entry.get('bytes')}")
        need(entry.get("sha256") == sha256_file(full), f"{path}: its SHA-256 is not the manifest's")
    roles = [entry.get("role") for entry in listed.values()]
    need("artifact" in roles, "no file of role artifact")
    need(roles.count("kernel_map") == 1, "not exactly one file of role kernel_map")
    return listed


def check_kernels(folder, listed, detail):
    """kernels.json: not empty, ordinals from 0, sources present and hashed.  `detail`: compiler.toml `kernels`."""
    kernels = read_json(os.path.join(folder, "kernels.json")).get("kernels")
    need(isinstance(kernels, list) and kernels, "kernels.json: the kernel map is empty")
    for i, line in enumerate(kernels):
        need(line.get("ordinal") == i, f"kernels.json: ordinal {line.get('ordinal')} at place {i}")
        need(isinstance(line.get("layer"), str) and line["layer"], f"kernels.json: line {i} names no layer")
        if detail != "layer":
            need(isinstance(line.get("kernel"), str) and line["kernel"],
                 f"kernels.json: layer {line['layer']} names no kernel")
        digest, source = line.get("source_sha256", ""), line.get("source", "")
        need(digest == "" or _HEX.fullmatch(digest), f"kernels.json: source_sha256 {digest!r}")
        need(source == "" or source in listed, f"kernels.json: source {source} is no file of the engine")
    if detail == "source":
        need(any(line.get("source_sha256") for line in kernels),
             "kernels.json: compiler.toml says kernels = source, but no kernel has a source hash")
    return kernels


def check_engine(folder, request, description, inputs, outputs):
    """The whole folder against the request and the model.  Returns (manifest, kernels)."""
    manifest = read_json(os.path.join(folder, "manifest.json"))
    wanted = {"compiler": request["compiler"], "precision": request["precision"],
              "threads": request["threads"], "seed": request["seed"], "device": request.get("device", "cpu"),
              "decides_at": description["decides_at"], "model_sha256": sha256_file(request["model"])}
    for key, value in wanted.items():
        need(manifest.get(key) == value, f"manifest: {key} is {manifest.get(key)!r}, expected {value!r}")
    for key, value in request["options"].items():
        need(manifest.get("options", {}).get(key) == value,
             f"manifest: option {key} is {manifest.get('options', {}).get(key)!r}, the request says {value!r}")
    need(isinstance(manifest.get("version"), str) and manifest["version"], "manifest: no version")
    need(isinstance(manifest.get("packages"), dict), "manifest: packages is not an object")
    check_tensors(manifest, "inputs", inputs)
    check_tensors(manifest, "outputs", outputs)
    listed = check_files(folder, manifest)
    kernels = check_kernels(folder, listed, description["kernels"])
    decisions = manifest.get("rebuild", {}).get("decisions", [])
    need(set(decisions) <= set(listed), "manifest: a rebuild decision is no file of the engine")
    return manifest, kernels
