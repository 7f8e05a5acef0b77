"""The tables in docs/ that programs write: `python -m tests.docs` writes those that need no measuring."""

from __future__ import annotations

import re
from pathlib import Path

from bot.config import VARIABLES, Secret
from bot.query.terms import TERMS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"


def pages() -> list[Path]:
    """README and everything in docs/."""
    return [README, *sorted(DOCS.glob("*.md"))]


def read(name: str) -> str:
    """A page of docs/: `operating.md`."""
    return (DOCS / name).read_text(encoding="utf-8")


def between(mark: str, folder: Path = DOCS) -> str:
    """What stands between `<!-- mark -->` and `<!-- /mark -->`."""
    return _found(mark, folder)[1][2]


def put(mark: str, text: str, folder: Path = DOCS) -> None:
    """Replace what stands between those marks."""
    page, found = _found(mark, folder)
    document = page.read_text(encoding="utf-8")
    new = f"{document[: found.start(2)]}{text.strip()}\n{document[found.end(2) :]}"
    page.write_text(new, encoding="utf-8")


def _found(mark: str, folder: Path) -> tuple[Path, re.Match[str]]:
    pattern = re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- /{mark} -->)", re.DOTALL)
    [place] = [
        (page, match)
        for page in folder.glob("*.md")
        for match in pattern.finditer(page.read_text(encoding="utf-8"))
    ]
    return place


def table(*rows: tuple[str, ...]) -> str:
    """Rows as Markdown, the first one as the head."""
    head, *body = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body]) + "\n"


def variables_table() -> str:
    """Every variable of the environment."""
    rows = []
    for name, row in VARIABLES.items():
        default = row.default.reveal() if isinstance(row.default, Secret) else row.default
        text = f"{default:g}" if isinstance(default, float) else str(default or "")
        rows.append((f"`{name}`", f"`{text}`" if text else "", row.metadata["meaning"]))
    return table(("variable", "default", "meaning"), *rows)


def terms_table() -> str:
    """Every term of a question."""
    rows = [
        (
            f"`{row.example}`",
            row.meaning,
            row.values,
            row.default,
            ", ".join(f"`{key}=`" for key in row.synonyms),
        )
        for row in TERMS.values()
    ]
    return table(("term", "meaning", "takes", "without it", "also written"), *rows)


def words_table() -> str:
    """Every value that has other words."""
    rows = [
        (f"`{row.key}={value}`", ", ".join(words))
        for row in TERMS.values()
        for value, words in (row.words or {}).items()
    ]
    return table(("value", "also understood"), *rows)


TABLES = {"variables": variables_table, "terms": terms_table, "words": words_table}

if __name__ == "__main__":
    for name, made in TABLES.items():
        put(name, made())
