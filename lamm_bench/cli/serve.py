"""The verb that puts a model behind an address."""

from __future__ import annotations

import os
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, device_options, guarded, pairs, plugin_option, say_hints, with_shortcuts


@click.command(context_settings=SETTINGS, short_help="Serve a model at an OpenAI-compatible address.")
@click.option("--model", default="lamm", show_default=True, metavar="NAME", help="A model adapter.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@device_options
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option("--name", metavar="NAME", help="What clients call the model; default: the adapter's name.")
@click.option("--key-env", metavar="VARIABLE", help="Environment variable with the key that clients must send.")
@plugin_option
@guarded
def serve(**asked: Any) -> None:
    """Serve any model at an OpenAI-compatible address: /v1/models and /v1/chat/completions, until Ctrl-C.

    \b
    Examples:
      lamm-bench serve --model lamm
      lamm-bench run --model openai-chat --set base_url=http://127.0.0.1:8000/v1 --set model=lamm --tasks cifar10
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.serving import serve as serving

    variable = asked["key_env"]
    key = os.environ.get(variable, "") if variable else ""
    if variable and not key:
        raise BenchError(f"--key-env {variable}: the environment variable is empty or not set")
    if asked["host"] not in ("127.0.0.1", "localhost", "::1") and not key:
        raise BenchError(f"--host {asked['host']} lets other machines in; name a key for them with --key-env")
    catalog = load_catalog(asked["plugins"])
    adapter = catalog.adapter(asked["model"], with_shortcuts(asked, asked["model"], catalog))
    say_hints(adapter)
    adapter.fingerprint()  # what cannot be loaded is told before anybody asks
    name = asked["name"] or asked["model"]
    with serving(adapter, name, asked["host"], asked["port"], key) as served:
        try:  # as soon as it is told, it holds
            click.echo(f"serving {name} at {served.url}; Ctrl-C ends it", err=True)
            served.wait()
        except KeyboardInterrupt:
            click.echo(err=True)
