"""The verb that opens a page to talk with models in."""

from __future__ import annotations

from typing import Any

import click

from .options import SETTINGS, device_options, guarded, pairs, plugin_option, say_hints, with_shortcuts


@click.command(context_settings=SETTINGS, short_help="A page to talk with a model about a picture or a cloud.")
@click.option("--model", default="lamm", show_default=True, metavar="NAME", help="A model adapter.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@device_options
@click.option("--against", metavar="NAME", help="A second model, side by side.")
@click.option(
    "--set-against", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the second model (repeatable)."
)
@click.option("--gradio", is_flag=True, help="As a Gradio app, as on a Space (extra `demo`).")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0: any that is free.")
@plugin_option
@guarded
def demo(**asked: Any) -> None:
    """Serve a page of this machine in which one talks with a model about a picture or a cloud; Ctrl-C ends it.

    \b
    Examples:
      lamm-bench demo --model lamm
      lamm-bench demo --model lamm --against hf-chat --set-against model=Qwen/Qwen2.5-VL-3B-Instruct
      lamm-bench demo --model lamm --gradio
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.serving import serve
    from lamm_bench.show.demo import Demo

    if asked["gradio"]:
        from lamm_bench.show.demo import space

        space.need()
    catalog = load_catalog(asked["plugins"])
    first, second = asked["model"], asked["against"]
    adapters = {first: catalog.adapter(first, with_shortcuts(asked, first, catalog))}
    if second is not None:
        adapters[second if second != first else f"{second} (2)"] = catalog.adapter(second, asked["set_against"])
    for adapter in adapters.values():
        say_hints(adapter)
        adapter.fingerprint()  # what cannot be loaded is told before anybody asks
    if asked["gradio"]:
        space.launch(adapters, asked["port"])
        return
    with serve(adapters, port=asked["port"], more=Demo(adapters)) as served:
        try:  # as soon as it is told, it holds
            click.echo(f"demo of {' and '.join(adapters)} at {served.url.removesuffix('v1')}; Ctrl-C ends it", err=True)
            served.wait()
        except KeyboardInterrupt:
            click.echo(err=True)
