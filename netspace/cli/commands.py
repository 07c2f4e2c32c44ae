"""What the commands of `python -m netspace` do; `__main__` says what they are called and which options they take."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

from ..errors import FormatError, UsageError
from ..io import atomic_write, refuse_others
from ..jobs import runs
from ..nets.archs import ARCHS, PAPER_WIDTH, Arch, arch_named
from ..nets.prep import prep_size
from ..zoo.store import OPTIMISED, SPLITS, TRAIN, Zoo, add, join, select


def read_fields(args: argparse.Namespace, config: type):
    return config(**{f.name: getattr(args, f.name) for f in fields(config)})


def command_line() -> str:
    """The command under way, to be kept with what it makes."""
    return shlex.join(["python", "-m", "netspace", *(word for word in sys.argv[1:] if word != "--queue")])


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {seconds:02d} s"


def zoo_fit_sdf(args: argparse.Namespace) -> None:
    from ..data.meshes import other_files
    from ..train.fit_sdf import FitConfig, chair_sources, file_sources, make_sdf_zoo

    sources = file_sources(args.meshes) if args.meshes else chair_sources(args.chairs, args.first_seed)
    config = read_fields(args, FitConfig)
    problems, ious, warned = [], [], 0
    others = other_files(args.meshes) if args.meshes else ""
    if others:
        args.job.report(f"not read: {others} in {args.meshes} (convert them to GLB, OBJ, PLY, STL or OFF)")
    group = args.group or (1 if args.device == "cpu" else 64)
    lines = make_sdf_zoo(
        args.out, sources, config, resume=args.resume, workers=args.workers, group=group, device=args.device
    )
    with closing(lines):  # what it finished is saved before the job ends
        for line in lines:
            if line.problem:
                problems.append(line.problem)
                continue
            r = line.record
            ious.append(r["fit_iou"])
            file = f" ({r['up']} up; against {r['fit_iou_against']})" if "up" in r else ""
            args.job.report(
                f"{line.done}/{line.total} {line.name} IoU {ious[-1]:.3f}{file}, {duration(line.seconds_left)} left",
                line.done, line.total, line.seconds_left, r,
            )  # fmt: skip
            if r.get("warnings"):
                warned += 1
                args.job.report(f"warning: {line.name}: {r['warnings']}")
    for problem in problems:
        args.job.report(f"skipped {problem}")
    if not ious and not args.resume:
        raise UsageError("no network was fitted: every shape was skipped")
    if ious:
        ious.sort()
        middle, lowest = ious[len(ious) // 2], ious[0]
        args.job.report(
            f"fitted {len(ious)} networks: IoU to the ground truth median {middle:.3f}, lowest {lowest:.3f}"
        )
    if warned:
        args.job.report(f"{warned} meshes came with a warning, see above; --strict skips those whose solid is in doubt")


def zoo_fit_cnn(args: argparse.Namespace) -> None:
    from ..train.fit_cnn import CnnConfig, make_cnn_zoo

    config = read_fields(args, CnnConfig)
    group = args.group or (1 if args.device == "cpu" else 33)
    lines = make_cnn_zoo(
        args.out, config, data=args.data, resume=args.resume, workers=args.workers, group=group, device=args.device
    )
    problems, made = [], []
    with closing(lines):
        for line in lines:
            if line.problem:
                problems.append(line.problem)
                continue
            made.append(line.record)
            r = line.record
            args.job.report(
                f"{line.done}/{line.total} {line.name} {r['epochs']:.2f} epochs, accuracy on validation "
                f"{r['val_accuracy']:.3f}, test {r['test_accuracy']:.3f}, {duration(line.seconds_left)} left",
                line.done, line.total, line.seconds_left, r,
            )  # fmt: skip
    for problem in problems:
        args.job.report(f"skipped {problem}")
    if not made and not args.resume:
        raise UsageError("no network was trained: every one was skipped")
    if made:
        accuracies = [r["test_accuracy"] for r in made]
        args.job.report(
            f"trained {len(made)} networks: test accuracy {min(accuracies):.3f} to {max(accuracies):.3f}; "
            f"fusing batch norm changed logits by at most {max(r['fused_difference'] for r in made):.1e}"
        )
        never = sum(r["norms_never_run"] > 0 for r in made)
        if never:
            args.job.report(f"warning: {never} networks have a batch norm that was never run (mean 0, variance 1)")


def fuse_file(args: argparse.Namespace) -> None:
    import torch
    from safetensors.torch import save

    from ..data.images import load_images, normalise
    from ..io import read_tensors
    from ..nets.fuse import fuse, trained_module
    from ..tasks.objectives import check_classes

    arch = arch_named(args.arch)
    if arch.kind != "images":
        raise UsageError(f"{arch.name} has no batch norm to fuse")
    if args.state.suffix in (".pt", ".pth"):
        try:
            state = torch.load(args.state, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file and one that wants to run code raise many kinds
            why = (str(error) or type(error).__name__).splitlines()[0]
            raise FormatError(f"{args.state} cannot be read as plain weights ({why})") from error
    else:
        state = read_tensors(args.state)
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise UsageError(f"{args.state} holds no state dict: a mapping of names to tensors")
    module = trained_module(arch, state)
    test = load_images(arch.data, "test", args.data)
    check_classes(arch, test)
    fused = fuse(arch, module, normalise(test.pixels[:256]))
    with atomic_write(args.out) as path:
        path.write_bytes(save({name: p.contiguous() for name, p in fused.params.items()}))
    print(
        f"wrote {args.out}: on {min(256, len(test))} test images of {arch.data} its logits differ from the original's "
        f"by at most {fused.difference:.1e}"
    )
    if fused.never_run:
        print(f"warning: {', '.join(fused.never_run)} were never run (mean 0, variance 1): the network is not trained")


def images(args: argparse.Namespace) -> None:
    from ..data.images import available, data_folders, download, load_images
    from ..nets.inputs import IMAGE_SETS

    if not args.name:
        for name, spec in IMAGE_SETS.items():
            here = "here" if available(name) else "not here"
            print(f"{name:14} {spec.size} x {spec.size} pixels, {spec.classes:3} classes: {here}")
        return
    if args.download:
        download(args.name, args.folder or data_folders()[-1])
    for split in ("train", "validation", "test"):
        found = load_images(args.name, split, args.folder)
        print(f"{split:10} {len(found):6} images, {found.size} x {found.size} pixels, {len(found.classes)} classes")


def zoo_thumbnails(args: argparse.Namespace) -> None:
    from ..export.film import write_thumbnails

    zoo = Zoo.load(args.zoo)
    if zoo.family.archs[0].kind != "sdf":
        raise UsageError(f"{args.zoo} holds {zoo.family.names[0]}: only SDF networks have a surface to draw")
    done = sum(1 for _ in write_thumbnails(zoo))
    print(f"drew {done} thumbnails into {args.zoo / 'thumbnails.webp'}")


def zoo_select(args: argparse.Namespace) -> None:
    zoo = Zoo.load(args.zoo)
    unknown = set(args.arch or ()) - set(zoo.family.names)
    if unknown:
        raise UsageError(f"{args.zoo} has no networks of {unknown.pop()!r}, only of {', '.join(zoo.family.names)}")
    ids, broken = [], set(zoo.not_finite)
    for name in args.arch or zoo.family.names:
        for split in SPLITS:
            mine = [i for i in zoo.ids(split) if zoo.records.arch[i] == name and i not in broken]
            count = min(getattr(args, split), len(mine))
            ids += [mine[k * len(mine) // count] for k in range(count)] if args.spread else mine[:count]
    select(zoo, sorted(ids), args.out)
    for i in sorted(broken):
        print(f"left out {zoo.records.name[i]}: its weights are not finite")
    print(f"wrote {len(ids)} of {len(zoo)} networks to {args.out}")


def zoo_add(args: argparse.Namespace) -> None:
    from ..train.lso import read_best, read_result

    records, best = Zoo.load(args.zoo).records, read_best(args.run_folder)
    name = args.name or args.run_folder.resolve().name
    record = {"name": name, "split": OPTIMISED}
    if "test_accuracy" in records:
        record["val_accuracy"] = best.score
        if (args.run_folder / "result.json").exists():
            record["test_accuracy"] = read_result(args.run_folder).test["best"]
    zoo = add(args.zoo, best.network, record)
    print(f"{args.zoo} has {name}, the best network of {args.run_folder}: {len(zoo)} networks")


def zoo_join(args: argparse.Namespace) -> None:
    zoos = [Zoo.load(folder) for folder in args.zoo]
    about = {"made_by": "zoo join", "parts": [{"zoo": zoo.folder.name} | dict(zoo.about) for zoo in zoos]}
    join([(zoo, range(len(zoo))) for zoo in zoos], args.out, about)
    joined = Zoo.load(args.out)
    print(f"wrote {len(joined)} networks of {', '.join(joined.family.names)} to {args.out}, PReps {joined.family.size}")
    renamed = len(set(joined.records.name) - {name for zoo in zoos for name in zoo.records.name})
    if renamed:
        print(f"{renamed} networks of names that several zoos use have their zoo's name before theirs")


def archs(args: argparse.Namespace) -> None:
    rows = [
        {
            "name": a.name,
            "data": a.data,
            "class_id": a.class_id,
            "trained_parameters": a.num_trained,
            "parameters": a.num_params,
            "prep": list(prep_size(a.num_params, PAPER_WIDTH)),
        }
        for a in ([arch_named(args.name)] if args.name else ARCHS.values())
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'name':26} {'data':14} {'ClassId':>7} {'trained':>10} {'fused':>10}  PRep")
    for row in rows:
        class_id = "" if row["class_id"] is None else row["class_id"]
        print(
            f"{row['name']:26} {row['data']:14} {class_id:>7} {row['trained_parameters']:>10,} "
            f"{row['parameters']:>10,}  {row['prep'][0]} x {row['prep'][1]}"
        )


def shapes_chairs(args: argparse.Namespace) -> None:
    import pandas as pd

    from ..data.shapes import chair, chair_params
    from ..geometry.mesh import write

    refuse_others(args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in range(args.first_seed, args.first_seed + args.count):
        mesh, record = chair(chair_params(seed))
        write(mesh, args.out / f"chair-{seed:04d}.{args.format}")
        records.append({"name": f"chair-{seed:04d}", "seed": seed} | record)
    pd.DataFrame(records).to_csv(args.out / "chairs.csv", index=False)
    print(f"wrote {args.count} chairs and chairs.csv to {args.out}")


def train(args: argparse.Namespace) -> None:
    from ..train.fit import TrainConfig, fit

    zoo, config = Zoo.load(args.zoo), read_fields(args, TrainConfig)
    args.job.report(f"computing the targets' answers for {len(zoo)} networks")
    lines = fit(
        zoo, config, args.out,
        data=args.data, teacher=load_teacher(args.teacher), start=args.start, resume=args.resume, device=args.device,
        command=command_line(),
    )  # fmt: skip
    with closing(lines):
        for line in lines:
            terms = ", ".join(f"{name} {value:.2e}" for name, value in line.terms.items())
            measures = ", ".join(
                f"{name.replace('_', ' ')} {value:.3f}"
                for name, value in line.measures.items()
                if name.rpartition("_")[2] not in ("mse", "score")
            )
            left = line.seconds / line.step * (config.steps - line.step)
            best = " *" if line.best else ""
            args.job.report(
                f"step {line.step}/{config.steps}: {terms}; {measures}{best}; {duration(left)} left",
                line.step, config.steps, left,
            )  # fmt: skip


def load_teacher(where: str | None):
    """The network that `--teacher` names: FOLDER of a zoo, whose best on validation images it is, or FOLDER:NAME."""
    from ..tasks.objectives import best_of

    if where is None:
        return None
    folder, _, name = where.rpartition(":") if ":" in where and not Path(where).is_dir() else (where, "", "")
    return best_of(Zoo.load(folder), name or None)


def lso(args: argparse.Namespace) -> None:
    from ..train.lso import LsoConfig, goal_of, optimise, read_result, start_from, wanted_class

    config = read_fields(args, LsoConfig)
    space, zoo = open_both(args)
    start = start_from(space, zoo, args.start, config.seed)
    want = wanted_class(space, start, args.want)
    teacher = load_teacher(args.teacher)
    goal = goal_of(space, config, data=args.data, teacher=teacher, target=args.target)
    notes = getattr(goal, "notes", [])
    for note in notes:
        args.job.report(note)
    about = {"space": str(args.space), "zoo": str(args.zoo), "teacher": args.teacher, "target": args.target}
    about |= {"command": command_line()} | ({"notes": notes} if notes else {})
    with closing(optimise(space, start, goal, config, args.out, want=want, about=about, resume=args.resume)) as lines:
        for line in lines:
            terms = "".join(f"{name} {value:.3e}, " for name, value in line.terms.items())
            measures = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in line.measures.items())
            several = f", {line.architecture}" if len(space.family.archs) > 1 else ""
            left = line.seconds / max(1, line.step) * (config.steps - line.step)
            args.job.report(
                f"step {line.step}/{config.steps}: {terms}{measures}{several}{' *' if line.best else ''}",
                line.step, config.steps, left,
            )  # fmt: skip
    result = read_result(args.out)
    if result.problem:
        args.job.report(f"warning: {result.problem}")
    tests = ", ".join(f"{name} {value:.3f}" for name, value in result.test.items())
    args.job.report(f"best at step {result.best_step} of {result.steps}; {result.score} on test data: {tests}")


def compare(args: argparse.Namespace) -> None:
    import statistics

    from ..train.lso import read_result

    results = {str(folder): read_result(folder) for folder in args.run_folders}
    if len({result.score for result in results.values()}) > 1:
        raise UsageError("runs on images and on shapes have no score in common")
    columns = list(dict.fromkeys(name for result in results.values() for name in result.test))
    rows = [
        {"run": name, "best_step": result.best_step, "steps": result.steps, "ended": result.ended} | result.test
        for name, result in results.items()
    ]
    found = {name: [row[name] for row in rows if name in row] for name in columns}
    summary = {
        name: {
            "mean": statistics.mean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "lowest": min(values),
            "highest": max(values),
        }
        for name, values in found.items()
    }
    if args.json:
        print(json.dumps({"score": next(iter(results.values())).score, "runs": rows, "summary": summary}, indent=2))
        return
    width = max(len(row["run"]) for row in rows)
    print(f"{'run':{width}} {'best at':>8} " + " ".join(f"{name:>9}" for name in columns))
    for row in rows:
        scores = " ".join(f"{row[name]:9.4f}" if name in row else " " * 9 for name in columns)
        print(f"{row['run']:{width}} {row['best_step']:>8} {scores}")
    for name, figures in summary.items():
        print(
            f"{name}: {figures['mean']:.4f} +- {figures['std']:.4f} "
            f"({figures['lowest']:.4f} to {figures['highest']:.4f})"
        )


def evaluate(args: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd
    import torch

    from ..data.images import load_images
    from ..evaluate.interpolate import METHODS
    from ..evaluate.measures import recognise, reconstruct, summarise_recognition, summarise_reconstruction
    from ..tasks.objectives import check_classes

    torch.set_num_threads(1)
    space, zoo = open_both(args)
    ids = [i for split in SPLITS for i in zoo.ids(split)[: args.limit or None]]
    if space.family.archs[0].kind == "images":
        test = load_images(space.family.archs[0].data, "test", args.data)
        check_classes(space.family.archs[0], test)
        test = test.to(space.device)
        one, summarise, walk = partial(recognise, images=test), summarise_recognition, partial(curves, images=test)
    else:
        one, summarise, walk = partial(reconstruct, resolution=args.resolution), summarise_reconstruction, surfaces
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = []
        for row in pool.map(lambda i: one(space, zoo, i), ids):
            rows.append(row)
            if sys.stderr.isatty():
                print(f"\r{len(rows)}/{len(ids)}", end="\r", file=sys.stderr)
    odd = [row for row in rows if row.problem]
    for row in odd:
        print(f"not counted: {row.name}: {row.problem}", file=sys.stderr if args.json else sys.stdout)
    summary = summarise(rows) | ({"paths": walk(space, zoo, args)} if args.pairs else {})
    tables = [args.rows] if args.rows else []
    if args.save:
        tables.append(args.space / "eval.csv")
        about = {"zoo": os.path.relpath(args.zoo, args.space), "command": command_line()}
        with atomic_write(args.space / "eval.json") as path:
            path.write_text(json.dumps(about | summary, indent=2) + "\n")
    for table in tables:
        with atomic_write(table) as path:
            pd.DataFrame(rows).to_csv(path, index=False)
    if args.json:
        print(json.dumps(summary, indent=2))
        return
    paths = summary.pop("paths", {})
    for split, measures in summary.items():
        print(f"{split} ({measures['count']} networks)")
        print_measures({name: value for name, value in measures.items() if name != "not_counted"}, "count")
    for name, measures in paths.items():
        title = f"{METHODS[name].title}, training networks" if name in METHODS else name
        print(f"{title} ({measures['pairs']} pairs)")
        print_measures(measures, "pairs")


def print_measures(measures: dict, but: str, indent: str = "  ") -> None:
    for name, value in measures.items():
        if isinstance(value, dict):
            print(f"{indent}{name.replace('_', ' ')}")
            print_measures(value, "", indent + "  ")
        elif name != but:
            why = ": all are equal, or there is one" if name in ("pearson", "spearman") else ""
            print(f"{indent}{name:28} {f'not defined{why}' if value is None else value}")


def surfaces(space, zoo: Zoo, args: argparse.Namespace) -> dict[str, dict]:
    """By method, what becomes of the surface between random pairs of training networks."""
    import random
    from concurrent.futures import ThreadPoolExecutor

    from ..evaluate.interpolate import METHODS, PATH_STEPS, gammas, measure, summarise_paths

    broken, draw = set(zoo.not_finite), random.Random(0)
    ids = [i for i in zoo.ids(TRAIN) if i not in broken]
    if len(ids) < 2:
        raise UsageError(f"--pairs needs two training networks, {zoo.folder} has {len(ids)}")
    pairs = [draw.sample(ids, 2) for _ in range(args.pairs)]

    def components(method: str, a: int, b: int) -> list[int]:
        ends = (zoo[i].to(space.device) for i in (a, b))
        networks = METHODS[method].path(space, *ends, gammas(PATH_STEPS))
        return [measure(network, None, None, args.resolution).components for network in networks]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {
            method: summarise_paths(list(pool.map(lambda pair, m=method: components(m, *pair), pairs)))._asdict()
            for method in METHODS
        }


def curves(space, zoo: Zoo, args: argparse.Namespace, images) -> dict[str, dict]:
    """By kind of pair and method, how accuracy goes along the paths; with --save the curves themselves are kept."""
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd

    from ..evaluate.interpolate import (
        METHODS,
        PATH_STEPS,
        WALK_STEPS,
        accuracy_curve,
        curve_pairs,
        summarise_curves,
        summarise_walks,
    )

    pairs = curve_pairs(zoo, args.pairs)
    if not pairs:
        raise UsageError(f"--pairs needs two networks of a split, {zoo.folder} has {len(zoo)} in all")
    several = len(space.family.archs) > 1
    jobs = [(pair, method) for pair in pairs for method in (("latent",) if several else METHODS)]

    def walk(job):
        pair, method = job
        return accuracy_curve(space, zoo, pair, method, images, WALK_STEPS if several else PATH_STEPS)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = []
        for curve in pool.map(walk, jobs):
            found.append(curve)
            if sys.stderr.isatty():
                print(f"\rpath {len(found)}/{len(jobs)}", end="\r", file=sys.stderr)
    if args.save:
        with atomic_write(args.space / "curves.parquet") as path:
            table = [row for curve in found for row in curve.rows(len(images))]
            pd.DataFrame(table).to_parquet(path, index=False)
    return summarise_walks(zoo, found) if several else summarise_curves(found)


def write_embeddings(args: argparse.Namespace) -> None:
    from ..latent.project import Plane, UmapConfig, UmapMap, cache_folder, embeddings, embeddings_table
    from ..latent.project import write_embeddings as write

    space, zoo = open_both(args)
    z = embeddings(space, zoo, cache_folder(), counted("embedded"))
    table, words = embeddings_table(zoo, z), ""
    for i in zoo.not_finite:
        print(f"{zoo.records.name[i]} has weights that are not finite: its embedding is not a number")
    whole = Zoo.load(args.among) if args.among else None
    if whole:
        check_reference(space, whole)
    if args.map:
        reference = embeddings(space, whole, cache_folder()) if whole else z
        projection = Plane.of(reference) if args.map == "pca" else UmapMap.fit(reference, read_fields(args, UmapConfig))
        places = projection.place(z) if args.map == "pca" or whole else projection.places
        table.insert(3, "x", places[:, 0].numpy())
        table.insert(4, "y", places[:, 1].numpy())
        words = f", and their places on a map by {args.map.upper()}"
    placed = place_among(space, zoo, whole, images_of(space.family.archs[0], data=args.data)) if whole else []
    if placed:
        for name, values in placement_columns(placed).items():
            table.insert(table.columns.get_loc("z0"), name, values)
    write(args.out, table)
    print_placements(placed)
    print(f"wrote {len(table)} embeddings of size {z.shape[1]}{words} to {args.out}")


def directions(args: argparse.Namespace) -> None:
    from ..data.shapes import MEASURES
    from ..evaluate.measures import measured_along
    from ..latent.directions import columns_of, direction_of
    from ..latent.project import cache_folder, embeddings

    space, zoo = open_both(args)
    z = embeddings(space, zoo, cache_folder(), counted("embedded"))
    train = zoo.ids(TRAIN)
    unseen = sorted(set(range(len(zoo))) - set(train))
    names = columns_of(zoo.records)
    if args.column:
        if args.column not in names:
            raise UsageError(f"{args.zoo} has no column of different numbers {args.column!r}: {', '.join(names)}")
        names = [args.column]
    found = [direction_of(z, zoo.records, name, train, unseen) for name in names]
    rows = [
        {name: getattr(d, name) for name in ("column", "r2", "r2_std", "count", "r2_unseen", "count_unseen", "reach")}
        for d in found
    ]
    moved = []
    if args.networks:
        if not args.column or args.column not in MEASURES or space.family.archs[0].kind != "sdf":
            raise UsageError(f"--networks measures meshes along one --column: {', '.join(MEASURES)}")
        if "kind" in zoo.records and args.kind:
            unseen = [i for i in unseen if zoo.records.kind[i] == args.kind]
        for i in unseen[: args.networks]:
            values = measured_along(space, found[0], z[i])
            rises = all(b > a for (_, a), (_, b) in zip(values, values[1:], strict=False))
            moved.append({"name": str(zoo.records.name[i]), "rises": rises, "measured": [v for _, v in values]})
    if args.json:
        print(json.dumps({"columns": rows, "moved": moved}, indent=2))
        return
    print(f"{'column':20} {'R2':>6} {'+-':>6}  {'unseen':>6} {'reach':>9}")
    for row in rows:
        unseen_r2 = f"{row['r2_unseen']:6.3f}" if row["r2_unseen"] is not None else "     -"
        print(f"{row['column']:20} {row['r2']:6.3f} {row['r2_std']:6.3f}  {unseen_r2} {row['reach']:9.3g}")
    for row in moved:
        print(
            f"{row['name']:20} {' '.join(f'{v:.3f}' for v in row['measured'])}{'' if row['rises'] else '  not rising'}"
        )
    if moved:
        rising = sum(row["rises"] for row in moved)
        print(f"measured {args.column} rises throughout for {rising} of {len(moved)} networks never seen")


def counted(words: str):
    """Tells on the terminal how far something is, where one looks on."""

    def progress(done: int, total: int, last: str = "") -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            print(f"\r{words} {done} of {total}", end=end, file=sys.stderr, flush=True)

    return progress


def zoo_import(args: argparse.Namespace) -> None:
    import math

    from ..importing import ReadOptions, import_networks
    from ..space.model import load

    if args.among and not args.space:
        raise UsageError("--among asks for the space that was trained on that zoo: --space")
    space = load(args.space, args.device) if args.space else None
    reference = Zoo.load(args.among) if args.among else None
    if reference:
        check_reference(space, reference)
    images = partial(images_of, data=args.data)
    done = import_networks(
        args.source, args.out, space.family if space else None, args.arch, images, counted("read"),
        said=declaration(args), options=ReadOptions(args.pattern, args.limit, args.prefix), reference=args.reference,
        like=args.like,
    )  # fmt: skip
    placed = []
    if done.folder and reference:
        placed = place_among(space, Zoo.load(done.folder), reference, images(space.family.archs[0]))
    if args.json:
        placements = [p._replace(figures=None)._asdict() | {"figures": figures_of(p)} for p in placed]
        rows = [
            {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
            for row in placements
        ]
        refused = [refusal._asdict() for refusal in done.refused]
        print(json.dumps({"imported": done.records, "refused": refused, "notes": done.notes, "placed": rows}, indent=2))
        return
    for name, reason in done.refused:
        print(f"refused {name}: {reason}")
    for words in grouped(done.notes):
        print(words)
    if not done.folder:
        raise UsageError(f"no network of {args.source} could be imported")
    counts = {name: sum(r["arch"] == name for r in done.records) for name in {r["arch"]: 0 for r in done.records}}
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"imported {len(done.records)} networks ({kinds}) to {done.folder}, refused {len(done.refused)}")
    for function in dict.fromkeys(r["function"] for r in done.records):
        print(f"{sum(r['function'] == function for r in done.records)} taken to be: {function}")
    differences = [r["fused_difference"] for r in done.records if "fused_difference" in r]
    if differences:
        changed = f"logits change by at most {max(differences):.1e}"
        print(
            f"batch norm of {len(differences)} fused: on {done.compared} {changed}, compared with the same network "
            "before fusing, rebuilt here: the original itself is compared by --reference"
        )
    proved = [r["reference_difference"] for r in done.records if "reference_difference" in r]
    if proved:
        print(
            f"{len(proved)} compared with the reference on real inputs: outputs differ by at most {max(proved):.1e} of "
            "the largest"
        )
    print_placements(placed)


def images_of(arch: Arch, split: str = "test", *, data: Path | None):
    """Images of an architecture; None of SDFs, and if they are not here and no folder is named."""
    from ..data.images import available, load_images

    if arch.kind == "images" and (data or available(arch.data)):
        return load_images(arch.data, split, data)
    return None


def check_reference(space, reference: Zoo) -> None:
    """ValueError unless networks can be placed among the training networks of a zoo."""
    space.check_family(reference.family)
    train = set(reference.ids(TRAIN)) - set(reference.not_finite)
    if len(train) < 2:
        raise UsageError(f"{reference.folder} has {len(train)} training networks to place others among")


def place_among(space, zoo: Zoo, reference: Zoo, images) -> list:
    """The placements of a zoo's networks among the training networks of a reference zoo."""
    from ..evaluate.measures import place_networks
    from ..latent.project import cache_folder, embeddings

    broken = set(reference.not_finite)
    train = [i for i in reference.ids(TRAIN) if i not in broken]
    training, names = embeddings(space, reference, cache_folder())[train], reference.records.name[train].tolist()
    placed, progress = [], counted("placed")
    for placement in place_networks(space, zoo, range(len(zoo)), training, names, images):
        placed.append(placement)
        progress(len(placed), len(zoo))
    return placed


def print_placements(placed: Sequence) -> None:
    """A line for each placement: error, nearest training network, and why it is off the manifold."""
    import math

    if placed:
        print(f"{'network':24} {'error':>7} {'distance':>9}  nearest training network")
    for one in placed:
        error = f"{one.error:7.3f}" if math.isfinite(one.error) else "unknown"
        off = f"  off the manifold: {one.why}" if one.off else ""
        print(f"{one.name:24} {error} {one.distance:9.2f}  {one.nearest}{off}")


def placement_columns(placed: Sequence) -> dict[str, list]:
    """Placements as columns of a table of embeddings."""
    columns = {"error": "error", "nearest": "nearest", "distance": "distance", "off_manifold": "off", "why_off": "why"}
    return {column: [getattr(one, name) for one in placed] for column, name in columns.items()}


def declaration(args: argparse.Namespace):
    """What the options declare of imported networks."""
    from dataclasses import fields

    from ..importing.declare import Declaration, class_names, normalisation

    names = {f.name for f in fields(Declaration)} - {"arch", "mean", "std", "classes"}
    mean, std = normalisation(args.mean, args.std)
    classes = args.classes
    if classes is not None:
        classes = (classes,) if classes in ("sorted", "wnids") else class_names(Path(classes))
    return Declaration(**{name: getattr(args, name) for name in names}, mean=mean, std=std, classes=classes)


def grouped(notes: Sequence[str], most: int = 12) -> list[str]:
    """Sentences "name: words", those of equal words as one, that says of how many."""
    of: dict[str, list[str]] = {}
    for note in notes:
        name, colon, words = note.partition(": ")
        of.setdefault(words if colon else note, []).append(name)
    lines = []
    for words, names in of.items():
        lines.append(
            words if names == [words] else f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}: {words}"
        )
    return lines[:most] + ([f"and {len(lines) - most} more notes, in the zoo's table"] if len(lines) > most else [])


def figures_of(placement) -> dict:
    """What was measured of a placed network's decode, without what the placement says already."""
    figures = placement.figures._asdict() if placement.figures else {}
    return {name: value for name, value in figures.items() if name not in ("name", "split")}


def interpolate(args: argparse.Namespace) -> None:
    from ..evaluate.interpolate import METHODS, gammas

    space, zoo = open_both(args)
    refuse_others(args.out)
    zoo.check_finite([zoo.index(key) for key in (args.a, args.b)])
    a, b = (zoo[key].to(space.device) for key in (args.a, args.b))
    positions = gammas(args.steps)
    networks = METHODS[args.method].path(space, a, b, positions)
    args.out.mkdir(parents=True, exist_ok=True)
    walk = walk_classifiers if space.family.archs[0].kind == "images" else walk_surfaces
    walk(args, a, b, positions, networks)


def walk_surfaces(args: argparse.Namespace, a, b, positions: Sequence[float], networks: Sequence) -> None:
    """Write the meshes along a path between SDFs, path.csv and path.png."""
    import pandas as pd
    from PIL import Image

    from ..evaluate.interpolate import measure
    from ..export.figures import COLOURS
    from ..export.film import film_strip
    from ..geometry.mesh import surface_or_none, write

    ends = [surface_or_none(network, args.resolution) for network in (a, b)]
    rows, meshes = [], []
    for i, (gamma, network) in enumerate(zip(positions, networks, strict=True)):
        step = measure(network, *ends, args.resolution)
        mesh = step.surface.mesh if step.surface else None
        file = f"{i:03d}.{args.format}" if mesh else ""
        if mesh:
            write(mesh, args.out / file)
        numbers = {"volume": step.volume, "area": step.area, "components": step.components}
        rows.append({"gamma": gamma} | numbers | {"iou_a": step.iou_a, "iou_b": step.iou_b, "mesh": file})
        meshes.append(mesh)
        print(
            f"gamma {gamma:.3f}: "
            + (f"volume {step.volume:.3f}, {step.components} components" if mesh else "no surface")
        )
    pd.DataFrame(rows).to_csv(args.out / "path.csv", index=False)
    count = min(len(meshes), 9)
    shown = [meshes[round(k * (len(meshes) - 1) / (count - 1))] for k in range(count)]
    picture = "path.png"
    try:
        Image.fromarray(film_strip(shown, COLOURS[args.method])).save(args.out / picture)
    except ImportError as error:
        picture = f"no picture ({error.name} is not installed)"
    without = sum(mesh is None for mesh in meshes)
    print(
        f"wrote {len(meshes) - without} meshes, path.csv and {picture} to {args.out}; {without} steps without a surface"
    )


def walk_classifiers(args: argparse.Namespace, a, b, positions: Sequence[float], networks: Sequence) -> None:
    """Write the networks along a path between classifiers, path.csv with their accuracies, path.png and path.pdf."""
    import pandas as pd
    from safetensors.torch import save

    from ..data.images import load_images
    from ..evaluate.interpolate import METHODS
    from ..evaluate.measures import accuracy, classify, wilson
    from ..export.figures import accuracy_figure
    from ..tasks.objectives import check_classes

    images = load_images(a.arch.data, "test", args.data)
    check_classes(a.arch, images)
    rows = []
    for i, (gamma, network) in enumerate(zip(positions, networks, strict=True)):
        share, file = accuracy(classify(network, images), images.labels), f"{i:03d}.safetensors"
        low, high = wilson(round(share * len(images)), len(images))
        with atomic_write(args.out / file) as path:
            path.write_bytes(save({name: p.detach().cpu().contiguous() for name, p in network.params.items()}))
        rows.append({"gamma": gamma, "accuracy": share, "low": low, "high": high, "arch": network.arch.name})
        rows[-1]["network"] = file
        several = f", {network.arch.name}" if a.arch != b.arch else ""
        print(f"gamma {gamma:.3f}: accuracy {share:.3f} ({low:.3f} to {high:.3f}){several}", flush=True)
    pd.DataFrame(rows).to_csv(args.out / "path.csv", index=False)
    method, found = METHODS[args.method], [row["accuracy"] for row in rows]
    ends = {key: accuracy(classify(n, images), images.labels) for key, n in ((f"A: {args.a}", a), (f"B: {args.b}", b))}
    about = f"accuracy on the {len(images)} test images of {a.arch.data}"
    for kind in ("png", "pdf"):
        accuracy_figure(
            args.out / f"path.{kind}", positions, {args.method: found}, {args.method: method.title}, ends,
            1 / len(images.classes), about, kind,
        )  # fmt: skip
    print(f"wrote {len(rows)} networks, path.csv, path.png and path.pdf to {args.out}")


def jobs_list(args: argparse.Namespace) -> None:
    named = os.environ.get("NETSPACE_FOLDERS", "").split(os.pathsep)
    jobs = runs.find(args.folders or [Path("assets"), Path("runs"), *(Path(f).expanduser() for f in named if f)])
    if args.json:
        print(json.dumps([asdict(job) for job in jobs], indent=2, default=str))
        return
    for job in jobs:
        far = f"{job.done}/{job.total}" if job.total else ""
        left = f"{duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        print(f"{job.state:10} {job.kind:12} {far:>12} {left:>16}  {job.folder}")
        if job.state in (runs.FAILED, runs.UNREADABLE):
            print(f"{'':10} {job.message}")
    if not jobs:
        print("no jobs: zoo fit-sdf, zoo fit-cnn and train are such")


def jobs_stop(args: argparse.Namespace) -> None:
    runs.stop(args.folder)
    print(f"{args.folder} is asked to stop; what it finished is kept")


def jobs_resume(args: argparse.Namespace) -> None:
    runs.resume(args.folder)
    print(f"{args.folder} goes on in the background; `jobs list` says how far it is")


def open_both(args: argparse.Namespace):
    """The space and the zoo a command names; ValueError where they do not belong together."""
    from ..space.model import load

    space, zoo = load(args.space, args.device), Zoo.load(args.zoo)
    space.check_family(zoo.family)
    return space, zoo


def zoo_annotate(args: argparse.Namespace) -> None:
    from ..importing.annotate import annotate

    done = annotate(args.zoo, args.table, args.key or "")
    networks = done.matched + done.missing
    print(
        f"{args.zoo} has {', '.join(done.columns)} of {done.matched} of its {networks} networks, named by {done.key!r}"
    )
    if done.unmatched:
        print(f"of no network in the zoo: {len(done.unmatched)} of {args.table}'s rows, such as {done.unmatched[0]!r}")
    if done.skipped:
        print(f"left out {', '.join(done.skipped)}: a table does not change which weights are whose")
