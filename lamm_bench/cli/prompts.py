"""The verb `prompts import`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import SETTINGS, guarded


@click.group(context_settings=SETTINGS, short_help="Import upstream's system messages.")
def prompts() -> None:
    """Prompt files: the system messages that a recipe names."""


@prompts.command("import", context_settings=SETTINGS)
@click.argument("lamm_checkout", type=click.Path(path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The prompt file; a new file ending in .yaml.",
)
@guarded
def import_(lamm_checkout: Path, output: Path) -> None:
    """Read upstream's system messages from a checkout of LAMM into a prompt file, and ChEF's pools into FILE-pools.yaml. Nothing of
    the checkout is run.

    The texts are upstream's and are not shipped with lamm-bench. A recipe names the file: instruction: {prompts: FILE}.

    \b
    Example:
      git clone https://github.com/OpenGVLab/LAMM && lamm-bench prompts import LAMM --output upstream.yaml
    """
    from lamm_bench.ask.prompt_import import import_prompts

    found = import_prompts(lamm_checkout, output)
    trained = sum(1 for name in found.system if name.startswith("training "))
    click.echo(f"{len(found.system) - trained} messages of the benchmark and {trained} of the training data from")
    click.echo("\n".join(f"  {lamm_checkout / file}" for file in found.files))
    if found.unused:
        click.echo(f"not used, for no task here asks for them: {', '.join(found.unused)}")
    click.echo(f"prompt file: {output}\nname it in a recipe: instruction: {{prompts: {output}}}")
    if found.pools is not None:
        click.echo(f"pool file: {found.pool_file} ({len(found.pools.pools)} of ChEF's pools with {found.pools.entries} entries)")
        click.echo(f"name it in a recipe: instruction: {{pool: {found.pool_file}, prompt: 1, answer: 1}}")
