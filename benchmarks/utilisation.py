"""How fast a training multiplies, beside a matrix product: python benchmarks/utilisation.py [MODEL ...] [--rounds N].

What it is compared with is the fastest product of matrices of 2048 × 2048: by one thread, by all threads together, or
by each core its own side by side. That is no limit: a convolution whose kernel stays in the cache may be faster. A
network trains for some steps by ``convvision.train``, in bfloat16 where the processor has it, with one thread an
operation and each batch shared among the cores ("towers"), and with TensorFlow's own threads; its GFLOP/s are two for
each multiply-add of the step. Each side runs in a fresh process, all of them in turn. In the end the operations of a
step are measured by themselves, as many side by side as there are towers: how much of the step they account for, and
how fast they are, says what bounds it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from typing import TYPE_CHECKING, Any

from _processes import CORES, run_script, spread
from _report import write_result

if TYPE_CHECKING:
    import keras

    import convvision

# The recipe that is for the model, and steps an epoch.
MODELS = {"wrn_16_2": ("best", 30), "fast_conv": ("fast", 400)}
DTYPES = ("float32", "bfloat16")
SIDES = {"towers": 1, "default_threads": None}
# Threads an operation, and how many products are on the way at once.
PRODUCTS = {"one_thread": (1, 1), "all_threads": (None, 1), "side_by_side": (1, CORES)}


def build(name: str) -> tuple[keras.Model, convvision.training.Recipe]:
    """Make a model and its recipe, all of whose epochs are of all images."""
    import convvision  # noqa: PLC0415
    from convvision.training._precision import available_precision, creating_in  # noqa: PLC0415

    recipe = dataclasses.replace(convvision.get_recipe(MODELS[name][0]), epochs=3, hard_fraction=1.0)
    with creating_in(available_precision(recipe.precision)):
        return convvision.create_model(name), recipe


def product(how_many: str) -> dict[str, float]:
    """Measure matrix products of this process, so many side by side, in GFLOP/s."""
    import tensorflow as tf  # noqa: PLC0415
    from _operations import matmul_gflops  # noqa: PLC0415

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    return {dtype: matmul_gflops(dtype, int(how_many)) for dtype in DTYPES}


def step(name: str) -> dict[str, Any]:
    """Train a model for three short epochs, of which the first, which traces the graph, does not count."""
    from _operations import flops_an_image  # noqa: PLC0415

    import convvision  # noqa: PLC0415

    (model, recipe), (_, steps) = build(name), MODELS[name]
    data = convvision.load_dataset("fashion_mnist")
    count = min(steps * recipe.batch_size, len(data.train))
    # The test of each training takes as long as many of its steps.
    few = dataclasses.replace(data, train=data.train.take(slice(count)), test=data.test.take(slice(500)))
    run = convvision.train(model, few, recipe, verbose=0)
    seconds = statistics.median(run.seconds_per_epoch[1:]) / count
    return {
        "batch_size": recipe.batch_size,
        "milliseconds_a_step": 1000 * seconds * recipe.batch_size,
        "gflops": flops_an_image(model) / seconds / 1e9,
        "gflop_an_image": flops_an_image(model) / 1e9,
        "parameters": model.count_params(),
        "execution": run.execution,
    }


def operations(name: str) -> dict[str, Any]:
    """Measure the operations of a step by themselves."""
    import tensorflow as tf  # noqa: PLC0415
    from _operations import operation_seconds  # noqa: PLC0415

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    model, recipe = build(name)
    return operation_seconds(model, recipe, CORES)


CHILDREN = {"product": product, "step": step, "operations": operations}


def child(*command: str, threads: int | None) -> dict[str, Any]:
    found = run_script(__file__, "--child", *command, threads_an_operation=threads)
    del found["process_seconds"]
    return found


def main(models: list[str], rounds: int) -> dict[str, Any]:
    """Measure all sides in turn."""
    products: dict[str, list[dict[str, float]]] = {way: [] for way in PRODUCTS}
    steps: dict[str, dict[str, list[dict[str, Any]]]] = {name: {side: [] for side in SIDES} for name in models}
    for _ in range(rounds):
        for way, (threads, how_many) in PRODUCTS.items():
            products[way].append(child("product", str(how_many), threads=threads))
            print(f"{way}: {products[way][-1]}", flush=True)
        for name in models:
            for side, threads in SIDES.items():
                steps[name][side].append(child("step", name, threads=threads))
                print(f"{name}, {side}: {steps[name][side][-1]['gflops']:.0f} GFLOP/s", flush=True)
    profiles = {name: child("operations", name, threads=1) for name in models}
    return summarise(products, steps, profiles)


def summarise(
    products: dict[str, list[dict[str, float]]],
    steps: dict[str, dict[str, list[dict[str, Any]]]],
    profiles: dict[str, dict[str, dict[str, float]]],
) -> dict[str, Any]:
    """Relate the steps to the fastest product, round by round, and the operations to the step.

    Args:
        products: Way of multiplying -> GFLOP/s of each precision, round by round.
        steps: Model -> side -> what each training gave.
        profiles: Model -> kind of operation -> seconds and GFLOP/s.

    Returns:
        The figures.
    """
    rounds = list(zip(*products.values(), strict=True))
    highest = [{dtype: max(found[dtype] for found in one) for dtype in DTYPES} for one in rounds]
    figures: dict[str, Any] = {
        "product_gflops": {
            way: {dtype: spread([found[dtype] for found in each]) for dtype in DTYPES} for way, each in products.items()
        },
        "fastest_gflops": {dtype: spread([found[dtype] for found in highest]) for dtype in DTYPES},
        "models": {},
    }
    for name, sides in steps.items():
        precision = sides["towers"][0]["execution"]["precision"]
        tops = [found[precision] for found in highest]
        milliseconds = statistics.median(run["milliseconds_a_step"] for run in sides["towers"])
        figures["models"][name] = {
            "precision": precision,
            **{fact: sides["towers"][0][fact] for fact in ("batch_size", "parameters", "gflop_an_image")},
            **{
                side: {
                    "milliseconds_a_step": spread([run["milliseconds_a_step"] for run in runs]),
                    "gflops": spread([run["gflops"] for run in runs]),
                    "part_of_product": spread([run["gflops"] / top for run, top in zip(runs, tops, strict=True)]),
                }
                for side, runs in sides.items()
            },
            "operations": {
                kind: {
                    "milliseconds": 1000 * row["seconds"],
                    "part_of_step": 1000 * row["seconds"] / milliseconds,
                    "part_of_product": row["gflops"] / statistics.median(tops),
                }
                for kind, row in profiles[name].items()
            },
        }
    return figures


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    for way, dtypes in {**figures["product_gflops"], "fastest": figures["fastest_gflops"]}.items():
        print(f"{way}: " + ", ".join(f"{dtype} {each['mean']:.0f} GFLOP/s" for dtype, each in dtypes.items()))
    for name, found in figures["models"].items():
        for side in SIDES:
            part, speed = found[side]["part_of_product"], found[side]["gflops"]
            print(
                f"{name}, {found['precision']}, {side}: {speed['mean']:.0f} GFLOP/s, {part['mean']:.0%} of the fastest "
                f"product ({part['least']:.0%} to {part['most']:.0%})"
            )
        for kind, row in found["operations"].items():
            reached = f", {row['part_of_product']:.0%} of the fastest product" if row["part_of_product"] else ""
            print(f"  {kind}: {row['milliseconds']:.2f} ms, {row['part_of_step']:.0%} of the step{reached}")
        rest = 1 - sum(row["part_of_step"] for row in found["operations"].values())
        print(f"  all else: {rest:.0%} of the step")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(CHILDREN[asked.child](*asked.models)))
    else:
        if unknown := set(asked.models) - set(MODELS):
            parser.error(f"not of {', '.join(MODELS)}: {', '.join(sorted(unknown))}")
        result = main(asked.models or list(MODELS), asked.rounds)
        show(result)
        write_result("utilisation", result)
