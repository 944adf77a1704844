"""Which families of metrics there are, with their labels: read from the Swift that writes them, or of pages.

The forms that are understood are those that the sources use. A `begin` in any other form is an error, so that
no family is passed over.
"""

import os
import re

from .promql import Family

# Writes what `registry.counter` and `registry.gauge` declare; these are read where they are called.
DECLARED_ELSEWHERE = "Sources/Hands/Telemetry/Series.swift"
STRING = r'"((?:[^"\\]|\\.)*)"'
BEGIN = re.compile(r"\btext\.begin\(")
REGISTERED = re.compile(r"\.(counter|gauge)\(\s*" + STRING)
SAMPLE = re.compile(r"\btext\.(?:sample|histogram)\(")
PAIR = re.compile(r"\(\s*" + STRING + r"\s*,")
FUNCTION = re.compile(r"\bfunc (\w+)\s*\(")


class Unreadable(Exception):
    """A family is written in a form that is not known here; the message says where."""


def of_sources(root):
    """{name: Family} of everything that the Swift below `Sources` tells."""
    files = {}
    for folder, _, names in os.walk(os.path.join(root, "Sources")):
        for name in names:
            if name.endswith(".swift"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    files[os.path.relpath(path, root)] = without_comments(file.read())
    return of_files(files)


def of_files(files):
    """The same of {path: Swift without comments}."""
    found = {}
    for path in sorted(files):
        for name, kind, labels in declared(path, files):
            known = found.get(name, Family(kind, frozenset()))
            if known.kind != kind:
                raise Unreadable(f"{path}: {name} is a {kind} here, and a {known.kind} elsewhere")
            found[name] = Family(kind, known.labels | frozenset(labels))
    return found


def of_pages(pages):
    """{name: Family} of pages as `promtext.parse` gives them: what has been told so far, and no more.

    A page does not say kinds to those that ask promtext; they are known by the names of the samples.
    """
    found = {}
    for page in pages:
        for name, samples in page.items():
            parts = {sample for sample, _, _ in samples}
            histogram = f"{name}_bucket" in parts
            kind = "histogram" if histogram else "counter" if name.endswith("_total") else "gauge"
            labels = {label for _, have, _ in samples for label in have}
            known = found.get(name, Family(kind, frozenset()))
            found[name] = Family(kind, known.labels | (labels - {"le"} if histogram else labels))
    return found


def disagreements(declared_families, pages):
    """What pages tell that the sources, as they are read here, do not declare: one sentence each."""
    for name, told in sorted(of_pages(pages).items()):
        family = declared_families.get(name)
        if family is None:
            yield f"{name} is on a page, and no source declares it"
        elif family.kind != told.kind:
            yield f"{name} is a {told.kind} on a page, and a {family.kind} in the sources"
        elif more := told.labels - family.labels:
            yield f"{name} has {', '.join(sorted(more))} on a page, which no source writes"


def declared(path, files):
    """(name, kind, labels) of each family that a file writes."""
    text = files[path]
    for found in REGISTERED.finditer(text):
        arguments = enclosed(text, text.index("(", found.start()))
        listed = re.search(r"\blabels:\s*\[([^\]]*)\]", arguments)
        yield found.group(2), found.group(1), re.findall(STRING, listed.group(1)) if listed else []
    if path == DECLARED_ELSEWHERE:
        return
    begins = [found.start() for found in BEGIN.finditer(text)]
    for index, start in enumerate(begins):
        arguments = enclosed(text, text.index("(", start))
        end = min([block_end(text, start), *begins[index + 1:index + 2]])
        labels = labels_of_samples(path, files, text[start:end])
        said = re.match(r"\s*(?:" + STRING + r"|name)\s*,\s*(?:\.(\w+)|kind\b)", arguments)
        if not said:
            line = text.count("\n", 0, start) + 1
            raise Unreadable(f"{path}:{line}: this form of begin is not known: {arguments.split()[0]}")
        name, kind = said.groups()
        if name is not None and "\\(" not in name and kind:
            yield name, kind, labels
        else:
            yield from called(path, files, start, name or r"\(name)", kind, labels)


def called(path, files, start, pattern, kind, labels):
    """The families of a function that is told their names: by its first argument, or by `as:`."""
    text = files[path]
    function = [found for found in FUNCTION.finditer(text, 0, start)][-1]
    signature = enclosed(text, function.end() - 1)
    usual = re.search(r"Kind = \.(\w+)", signature)
    local = re.match(r"\s*_ name: String", signature)
    if not local and "as name: String" not in signature:
        line = text.count("\n", 0, start) + 1
        raise Unreadable(f"{path}:{line}: nobody says the name of this family")
    call = re.compile(rf"(?<!func )\b{function.group(1)}\(\s*" + STRING if local
                      else rf"\.{function.group(1)}\([^()]*\bas:\s*" + STRING)
    count = 0
    for where in [path] if local else files:
        for found in call.finditer(files[where]):
            arguments = enclosed(files[where], files[where].index("(", found.start()))
            own = re.search(r",\s*\.(counter|gauge|histogram)\b", arguments)
            which = kind or (own.group(1) if own else usual and usual.group(1))
            if not which:
                raise Unreadable(f"{where}: the kind of {found.group(1)} is not said")
            count += 1
            yield pattern.replace("\\(name)", found.group(1)), which, labels
    if not count:
        raise Unreadable(f"{path}: {function.group(1)} writes families, and nobody calls it")


def labels_of_samples(path, files, text):
    labels = set()
    samples = [enclosed(text, found.end() - 1) for found in SAMPLE.finditer(text)]
    if not samples:
        raise Unreadable(f"{path}: {text.split(',')[0]} has no samples behind it")
    for sample in samples:
        if "written:" in sample:
            labels |= labels_of_key(path, files)
        else:
            _, *rest = split(sample)
            if rest and not rest[0].startswith("[("):
                raise Unreadable(f"{path}: the labels of this sample cannot be read: {sample}")
            labels |= set(PAIR.findall(rest[0])) if rest else set()
    return labels


def labels_of_key(path, files):
    """What `labels` of the key of a table of totals says; the table is in this file."""
    key = re.search(r"[<\[](\w+Key)\s*[,:]", files[path])
    if not key:
        raise Unreadable(f"{path}: labels are written elsewhere, and by which key is not said")
    home = {os.path.basename(one): files[one] for one in files}
    own, party = home[f"{key.group(1)}.swift"], home["TrafficKey.swift"]
    body = body_of(own, r"var labels:[^{]*")
    labels = set(PAIR.findall(body))
    for side in re.findall(r'labels\("(\w+)"\)', body):
        written = PAIR.findall(body_of(party, r"func labels\(_ side: String\)[^{]*"))
        labels |= {one.replace("\\(side)", side) for one in written}
    if "labels(of: service)" in body:
        labels |= set(PAIR.findall(body_of(party, r"func labels\(of service:[^{]*")))
    return labels


def body_of(text, head):
    found = re.search(head + r"\{", text)
    if not found:
        raise Unreadable(f"no {head}")
    return enclosed(text, found.end() - 1)


def without_comments(text):
    """Swift with its comments gone and its lines kept; a string may hold what looks like one."""
    def kept(found):
        return found.group() if found.group().startswith('"') else "\n" * found.group().count("\n")

    return re.sub(r'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*[\s\S]*?\*/', kept, text)


def split(arguments):
    """The arguments of a call, at the commas that are in no bracket and no text."""
    found, depth, start = [], 0, 0
    for token in re.finditer(r'"(?:[^"\\\n]|\\.)*"|[(\[{)\]},]', arguments):
        depth += (token.group() in "([{") - (token.group() in ")]}")
        if token.group() == "," and depth == 0:
            found.append(arguments[start:token.start()].strip())
            start = token.end()
    return [*found, arguments[start:].strip()]


def enclosed(text, at):
    """What is between the bracket at that place and the one that closes it."""
    depth, start, skip = 0, at + 1, re.compile(r'"(?:[^"\\\n]|\\.)*"')
    while at < len(text):
        if text[at] == '"' and (string := skip.match(text, at)):
            at = string.end()
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return text[start:at]
        at += 1
    raise Unreadable(f"a bracket that nobody closes: {text[start:start + 40]}")


def block_end(text, at):
    """Where the block ends in which a place is."""
    depth, skip = 0, re.compile(r'"(?:[^"\\\n]|\\.)*"')
    while at < len(text) and depth >= 0:
        if text[at] == '"' and (string := skip.match(text, at)):
            at = string.end()
            continue
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
    return at
