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


def trace(function, low, high, tolerance):
    places = []

    def recorded(x):
        places.append(float(x))
        return function(float(x))

    result = minimize_scalar(recorded, bounds=(low, high), method="bounded", options={"xatol": tolerance})
    return {"bounds": [low, high], "tolerance": tolerance, "places": places, "minimum": float(result.x)}


cases = [
    {"function": name, **trace(function, *case)} for name, function in FUNCTIONS.items() for case in CASES
]
with open("bounded_minimum.json", "w") as file:
    json.dump({"scipy": scipy.__version__, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
