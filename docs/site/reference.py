"""The pages of the reference, made from the tables that the code itself runs by."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable, Iterable, Sequence

import aim_jupyter
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.parsing import MAGIC, PROGRAM, parser
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import config
from aim_jupyter.core.adapters import Change, FailureRule, known
from aim_jupyter.core.recipes.catalogue import catalogue
from aim_jupyter.core.records import Model, Recipe
from aim_jupyter.core.request.record import OPTIONS
from aim_jupyter.core.serving.crash import failures
from aim_jupyter.labserver.openapi import OPERATIONS
from aim_jupyter.tables import columns as tables
from aim_jupyter.tables.types import dtype

Cells = Iterable[object]


def table(head: Sequence[str], rows: Iterable[Cells]) -> str:
    """Return a table in Markdown; what a cell holds is text and never markup."""
    lines = [head, ["---"] * len(head), *([_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    text = html.escape(" ".join(str("" if value is None else value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|{}$~:#<])", r"\\\1", text)


def _block(text: str, language: str = "text") -> str:
    """Return text as a block whose fence is longer than any that it holds."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    return f"{'`' * (longest + 1)}{language}\n{text.rstrip()}\n{'`' * (longest + 1)}"


def verbs() -> str:
    """Return every verb, with how the magic and the command are called and each option."""
    said = "A magic and a command take the same line; many verbs are in [Python](python.md) too."
    return "\n\n".join(["# Verbs and options", said, *map(_verb, COMMANDS)])


def _verb(command: Command) -> str:
    name = command.name or "(no verb)"
    forms = [f"{PROGRAM} {command.name}".rstrip()]
    if not command.terminal:
        forms.insert(0, f"{MAGIC} {command.name}".rstrip())
    if command.cell:
        forms.append(f"%{MAGIC} {command.name}, with a cell: {command.cell}")
    # The same name in Python; what has another one there stands on the page of Python alone.
    called = command.name.replace(" ", "_")
    if called in aim_jupyter.__all__:
        forms.append(f"aim_jupyter.{called}(…)")
    prefix = PROGRAM if command.terminal else MAGIC
    helped = parser(command, prefix).format_help()
    return "\n\n".join([f"## {name}", _block("\n".join(forms)), _block(helped)])


def python() -> str:
    """Return every public name with its signature and docstring."""
    parts = ["# Python", "What `import aim_jupyter` gives."]
    for name in sorted(aim_jupyter.__all__):
        value = getattr(aim_jupyter, name)
        text = inspect.getdoc(value) if callable(value) else f"{name} = {value!r}"
        parts += [f"## {name}", _block(f"{_signature(name, value)}\n\n{text or ''}")]
    return "\n\n".join(parts)


def _signature(name: str, value: object) -> str:
    try:
        return f"{name}{inspect.signature(value)}" if callable(value) else name
    except ValueError:
        return name


def rest() -> str:
    """Return every route of the Jupyter server's extension."""
    rows = (
        (
            one.method.upper(),
            f"aim/{one.path}",
            one.summary,
            *(getattr(kind, "__name__", kind) for kind in (one.query, one.body, one.answer)),
            one.status,
        )
        for one in OPERATIONS
    )
    head = ["method", "route", "what it does", "query", "body", "answer", "status"]
    said = "Below the Jupyter server's address; `aim/openapi.json` has the types, for machines."
    return f"# REST\n\n{said}\n\n{table(head, rows)}"


def columns() -> str:
    """Return every column of every table with its type."""
    # The module's own words on what is promised.
    parts = ["# Columns", (tables.__doc__ or "").split("\n\n")[1]]
    for verb, names in tables.COLUMNS.items():
        index = tables.INDEX[verb]
        said = f"Index: `{index}`." if index else "The index counts the rows."
        rows = ((name, dtype(name, verb)) for name in names)
        parts += [f"## {verb}", said, table(["column", "type"], rows)]
    return "\n\n".join(parts)


def variables() -> str:
    """Return the variables that stand for an option of a launch, as AMD's AIM images take them."""
    said = "Each stands for an option of a launch, as in AMD's AIM images; what is typed wins. "
    said += "Folders and the rest: [configuration](../configuration.md)."
    rows = ((one.variable, one.word, one.help) for one in OPTIONS if one.variable)
    return f"# Variables\n\n{said}\n\n{table(['variable', 'option', 'what it does'], rows)}"


def recipes() -> str:
    """Return every recipe of the shipped catalogue, under a field that filters them."""
    rows = (
        _recipe(model, one)
        for model in catalogue([config.shipped_recipes()]).models
        for one in model.recipes
    )
    head = ["model", "recipe", "GPU", "GPUs", "precision", "context", "origin", "source"]
    field = (
        '<p><input id="catalogue-search" type="search" class="form-control" '
        'aria-label="search the recipes" placeholder="qwen mi300x fp8">'
        '<span id="catalogue-shown" role="status"></span></p>'
    )
    said = "Words in any order: a recipe is shown that has all of them."
    return f"# Catalogue\n\n{said}\n\n{field}\n\n{table(head, rows)}"


def _recipe(model: Model, one: Recipe) -> Cells:
    context = one.context_tokens or one.args.get("max-model-len", "")
    kind = (one.gpu_model, one.tp, one.precision)
    return (model.name, one.id, *kind, context, one.origin, one.source)


def failure_rules() -> str:
    """Return what each rule for a failed start finds in a log, says, and tries."""
    said = "What `%aim why` finds in a log: the engine's rules are tried before those for all. "
    said += "Words in braces are filled in from the log and from the machine."
    parts = ["# Failure rules", said]
    shared = failures.rules("")
    for title, rules in (*((one.title, one.failures) for one in known()), ("all engines", shared)):
        parts += [f"## For {title}", *map(_failure, rules)]
    return "\n\n".join(parts)


def _failure(rule: FailureRule) -> str:
    lines = [f"says: {rule.what}", *(f"cause: {each}" for each in rule.cause)]
    lines += [f"try: {_tried(one)}" for one in rule.change]
    return _block("\n".join([*lines, f"finds: {rule.match}"]))


def _tried(change: Change) -> str:
    options = [f"--{name} {value}".rstrip() for name, value in change.set.items()]
    options += [f"(without --{name})" for name in change.drop]
    return change.run or " ".join(options) or "the same line again"


#: The pages, by the name of their file.
PAGES: dict[str, Callable[[], str]] = {
    "verbs": verbs,
    "python": python,
    "rest": rest,
    "columns": columns,
    "variables": variables,
    "catalogue": recipes,
    "failures": failure_rules,
}
