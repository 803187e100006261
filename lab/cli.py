"""`dlbc-lab`: attack models, and look at what evidence is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlbc.cli import progress, run_main, say, show
from dlbc.config import Settings
from dlbc.errors import UsageError

if TYPE_CHECKING:
    from lab.table import Row

PATH = click.Path(path_type=Path)
FOLDER = Path("build/lab")
PLOTS = Path("docs/lab")


class Seed(click.ParamType[bytes]):
    """32 bytes in hex."""

    name = "seed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        try:
            seed = bytes.fromhex(str(value).removeprefix("0x"))
        except ValueError:
            seed = b""
        if len(seed) != 32:
            self.fail(f"{str(value)[:80]!r} is no seed: 64 hex digits are", param, ctx)
        return seed


@click.group(name="dlbc-lab", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dlbc")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="CPU threads.")
def group(threads: int) -> None:
    """The laboratory: steal models in every known way, and see what evidence is left."""
    from dlbc.ml.device import configure_threads  # noqa: PLC0415  (slow to import, and --help needs none of it)

    configure_threads(threads)


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def methods(as_json: bool) -> None:
    """List the attacks. Several may be joined: prune+ftal."""
    from lab import words  # noqa: PLC0415

    found = words.methods()
    show(Settings(json=as_json), found, lambda: words.table(("Attack", "Epochs", "What the thief does"), found))


@group.command()
@click.argument("model", type=PATH)
@click.option("--method", required=True, help="An attack, or several joined by +; see dlbc-lab methods.")
@click.option("--task", required=True, help="digits, scenes, a task.yaml, or a data file.")
@click.option("--architecture", help="Such as resnet,depth=8,width=16.  [default: the task.yaml's]")
@click.option("-o", "--output", type=PATH, required=True, help="Where the stolen model goes.")
@click.option("--against", type=PATH, help="The original that evidence is looked for of.  [default: MODEL]")
@click.option(
    "--epochs", type=click.IntRange(0, 10_000), default=3, show_default=True, help="For each attack that trains."
)
@click.option("--seed", type=Seed(), help="The owner's seed m, for his public mark and Uchida's bits.")
@click.option("--secret", type=Seed(), help="The owner's secret r, for his private marks; needs --seed.")
@click.option("--thief", type=int, default=0, show_default=True, help="Number of the thief: another one, other luck.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def attack(
    model: Path,
    method: str,
    task: str,
    architecture: str | None,
    output: Path,
    against: Path | None,
    epochs: int,
    seed: bytes | None,
    secret: bytes | None,
    thief: int,
    as_json: bool,
) -> None:
    """Attack MODEL, a safetensors file, and say what evidence is left in the result."""
    if secret is not None and seed is None:
        raise UsageError("--secret needs --seed: private keys are made of both")
    from lab import theft, words  # noqa: PLC0415
    from lab.subject import open_subject  # noqa: PLC0415

    found = theft.steal(
        open_subject(task, architecture),
        model,
        method,
        output,
        against=against,
        epochs=epochs,
        keys=None if seed is None else (seed, secret),
        thief=thief,
    )
    show(Settings(json=as_json), found, lambda: words.theft(found))


@group.command()
@click.option("-o", "--output", type=PATH, default=FOLDER, show_default=True, help="Folder of rows and models.")
@click.option("--only", multiple=True, metavar="NAME", help="A task, architecture or attack; may be given again.")
@click.option("--seeds", type=click.IntRange(1, 100), help="Owners of each.  [default: 3; 1 with --quick]")
@click.option("--quick", is_flag=True, help="The short version: minutes instead of hours.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def matrix(output: Path, only: tuple[str, ...], seeds: int | None, quick: bool, as_json: bool) -> None:
    """Try attacks x architectures x tasks x seeds. Kill it at any time: it goes on where it was."""
    from lab import cells, summary, words  # noqa: PLC0415
    from lab import matrix as experiments  # noqa: PLC0415

    planned = cells.plan(cells.choose(only), seeds or (1 if quick else 3), quick=quick)
    with progress("cells", len(planned)) as advance:

        def tell(what: Row | str, done: int) -> None:
            say(what if isinstance(what, str) else words.row(what))
            advance(done)

        rows = experiments.run(planned, output, tell)
    show(Settings(json=as_json), rows, lambda: words.summary(summary.summarise(rows)))


@group.command()
@click.option("--from", "source", type=PATH, default=FOLDER, show_default=True, help="Folder of a matrix.")
@click.option("-o", "--output", type=PATH, default=PLOTS, show_default=True, help="Folder for the pictures.")
@click.option(
    "--saving",
    type=PATH,
    default=Path("build/benchmarks/trajectory.json"),
    show_default=True,
    help="What `python -m benchmarks trajectory` measured, if it was run.",
)
@click.option("--format", "kind", type=click.Choice(("png", "svg")), default="png", show_default=True)
def plot(source: Path, output: Path, saving: Path, kind: str) -> None:
    """Draw what a matrix found."""
    from lab import matrix as experiments  # noqa: PLC0415
    from lab import table  # noqa: PLC0415

    rows = table.read(source / experiments.CSV_NAME)
    try:
        from lab import plots  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"plots need {error.name}: pip install 'dlbc[lab]'") from error
    for path in plots.draw(rows, output, kind, saving if saving.is_file() else None):
        say(f"{path} ({path.stat().st_size:,} bytes)")


def main() -> None:
    """Console script."""
    run_main(group)


if __name__ == "__main__":
    main()
