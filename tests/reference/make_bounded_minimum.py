"""Writes bounded_minimum.json: every place at which scipy.optimize.minimize_scalar(method="bounded") evaluates these functions,
and where it ends. Needs `pip install scipy`; written with SciPy 1.17.1."""
import json
import math

import scipy
from scipy.optimize import minimize_scalar

# Names as in the test, which has the same functions. Only +, -, *, / and abs: they round alike everywhere.
FUNCTIONS = {
    "parabola": lambda x: (x - 1.25) * (x - 1.25) + 3.0,
    "rising": lambda x: x,
    "falling": lambda x: -x,
    "corner": lambda x: abs(x - 0.3),
    "flat": lambda x: 1.0 + 0.0 * x,
    "quartic": lambda x: (x - 2.0) * (x - 2.0) * (x - 2.0) * (x - 2.0),
    "skewed": lambda x: x * x * x * x - 3.0 * x * x * x + 2.0 * x,
    "two minima": lambda x: (x * x - 4.0) * (x * x - 4.0) + x,
    "steps": lambda x: float(math.floor(x)) * float(math.floor(x)),
    "pole": lambda x: 1.0 / (x + 4.5) + 0.01 * x,
}
CASES = [(-4.0, 4.0, 1e-10), (-4.0, 4.0, 1e-3), (-0.5, 3.0, 1e-6), (0.0, 1e-6, 1e-9), (3.0, 1000.0, 1e-5)]

# Cases in which the two sides of a comparison are equal. Values of a few times the smallest number make a parabola's vertex equal
# to a bound, to the best place or to half of the step before last.
TINY = {
    "tiny corner": lambda x: abs(x - 0.3) * 5e-324,
    "tiny parabola": lambda x: (x - 0.5) * (x - 0.5) * 5e-324,
}
TIES = [
    ("tiny corner", -4.0, 4.0, 1e-3),
    ("tiny corner", -0.5, 3.0, 1e-3),
    ("tiny corner", 0.0, 4.0, 1e-3),
    ("tiny parabola", -2.0, 2.0, 1e-3),
    # The step before last is as long as the least one.
    ("two minima", 0.0, 4.0, 0.1911188876836742),
    # A vertex is two least steps from the lower bound, and from the upper one.
    ("skewed", -1.0, 1.0, 0.06719819808237958),
    ("parabola", 0.0, 4.0, 0.4167960118791416),
]


def trace(function, low, high, tolerance):
    places = []

    def recorded(x):
        places.append(float(x))
        return function(float(x))

    result = minimize_scalar(recorded, bounds=(low, high), method="bounded", options={"xatol": tolerance})
    return {"bounds": [low, high], "tolerance": tolerance, "places": places, "minimum": float(result.x)}


cases = [
    {"function": name, **trace(function, *case)} for name, function in FUNCTIONS.items() for case in CASES
] + [{"function": name, **trace((FUNCTIONS | TINY)[name], *case)} for name, *case in TIES]
with open("bounded_minimum.json", "w") as file:
    json.dump({"scipy": scipy.__version__, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
