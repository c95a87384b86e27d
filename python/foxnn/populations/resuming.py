"""Resuming the training of a population from its checkpoint, as if it had never stopped."""

from __future__ import annotations

from typing import Any

from foxnn import checks
from foxnn.formats.paths import FileFormatError
from foxnn.formats.safetensors_file import reason
from foxnn.populations import checkpoint
from foxnn.populations.fitting import fitted
from foxnn.populations.history import PopulationHistory
from foxnn.populations.per_member import USUAL
from foxnn.populations.population import population
from foxnn.training import plain_options
from foxnn.training.early_stopping import EarlyStopping
from foxnn.training.options import FitArguments
from foxnn.training.ranks import ALONE, Ranks


def resumed(
    path: str,
    x: Any,
    y: Any,
    epochs: int | None,
    again: dict[str, Any],
    shown: dict[str, Any],
    ranks: Ranks = ALONE,
) -> tuple[population, PopulationHistory]:
    """Continue the run of a population.

    `again` has what a checkpoint does not hold: validation, sample_weight, schedule and rows, each
    None where it is not given. `shown` has callbacks, progress, time_limit and lengths.
    """
    members, settings, told, start = checkpoint.read(path)
    if epochs is not None:
        done = start.epochs + (start.running is not None)  # an epoch that has begun is ended
        told["epochs"] = checks.integer(epochs, "epochs", max(1, done))
    needed = {name: told.get(name) in ("given", "function") for name in again}
    for name, value in again.items():
        if needed[name] and value is None:
            raise ValueError(f"{name} must be given again, as it was to fit")
        if not needed[name] and value is not None:
            raise ValueError(
                f"{name} must be left out: the checkpoint holds it, got {checks.shown(value)}"
            )
    try:
        given = _arguments(told, path, {n: again[n] for n in again if needed[n]}, shown)
    except (LookupError, ValueError, TypeError, OverflowError, RecursionError) as error:
        said = reason(error)
        raise FileFormatError(f"{path}: expected the arguments of fit: {said}") from None
    made = population.__new__(population)
    made._adopt(members, settings)
    return made, fitted(made, x, y, given, again["rows"], start, ranks)


def _arguments(
    told: dict[str, Any], path: str, again: dict[str, Any], shown: dict[str, Any]
) -> FitArguments:
    each, weight = dict(told["each"]), told["class_weight"]
    each["optimizer"] = [plain_options.optimizer_from(one) for one in each["optimizer"]]
    each["early_stopping"] = [
        EarlyStopping(**one) if isinstance(one, dict) else one for one in each["early_stopping"]
    ]
    schedule = again.get("schedule")
    if schedule is None:
        schedule = plain_options.schedule_from(told["schedule"])
    told_again = dict(
        epochs=told["epochs"],
        batch_size=told["batch_size"],
        validation=again.get("validation", told["validation"]),
        schedule=schedule,
        sample_weight=again.get("sample_weight"),
        class_weight=dict(weight) if isinstance(weight, list) else weight,
        shuffle=told["shuffle"],
        scale=None,
        checkpoint=path,
        checkpoint_every=plain_options.every_from(told["checkpoint_every"]),
        augment=None,
        truncate=None,
        callbacks=shown["callbacks"],
        progress=shown["progress"],
        time_limit=shown["time_limit"],
        lengths=shown["lengths"],
        label_smoothing=told["label_smoothing"],
        check_loss=True,
        **each,
    )
    return FitArguments(**USUAL | told_again)
