"""Paired rounds: all contenders once a round, in turn, so that what else the machine does meets all alike."""

import statistics
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(contenders, rounds, label):
    """{name: [result, ...]}: contenders are functions () -> {figure: number}; the first round warms up."""
    results = {name: [] for name in contenders}
    for number in range(rounds + 1):
        # There and back, so that nobody always comes after the same one.
        order = list(contenders.items())
        for name, measure in order if number % 2 else reversed(order):
            figures = measure()
            if number:
                results[name].append(figures)
                shown = " ".join(f"{key}={value:.4g}" for key, value in figures.items())
                say(f"{label} {number}/{rounds} {name}: {shown}")
    return results


def spread(values):
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def figures(results):
    """{contender: {figure: spread}}."""
    return {
        name: {key: spread([one[key] for one in runs]) for key in runs[0]} for name, runs in results.items()
    }


def ratio(results, key, over, under):
    """The spread of a figure's ratio between two contenders, round by round."""
    pairs = zip(results[over], results[under], strict=True)
    return spread([one[key] / other[key] for one, other in pairs if other[key]])


def added(results, key):
    """What Apus adds over direct, to what Envoy adds: of the medians, for one round's is mostly noise."""
    middle = {name: spread([one[key] for one in runs])["median"] for name, runs in results.items()}
    return (middle["apus"] - middle["direct"]) / (middle["envoy"] - middle["direct"])


def mark(name, what, value, wanted, is_more_better=False):
    """A row of the table: a figure (to Envoy's, where no unit is said) and the mark it is to reach."""
    if wanted is None:
        return {
            "id": name,
            "what": what,
            "value": value,
            "mark": None,
            "reached": None,
            "is_more_better": False,
        }
    reached = value >= wanted if is_more_better else value <= wanted
    return {
        "id": name,
        "what": what,
        "value": value,
        "mark": wanted,
        "reached": reached,
        "is_more_better": is_more_better,
    }
