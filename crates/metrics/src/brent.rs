/// Finds the place between `low` and `high` at which `function` is smallest, to `tolerance`: Brent's method of
/// parabolas and golden sections (1973, Algorithms for Minimization Without Derivatives, chapter 5), step for
/// step as SciPy's `minimize_scalar(method="bounded")`, so that a flat minimum ends at the same place.
pub(crate) fn minimise(function: impl Fn(f64) -> f64, (low, high): (f64, f64), tolerance: f64) -> f64 {
    let golden = (3.0 - 5f64.sqrt()) / 2.0;
    let (mut low, mut high) = (low, high);
    // The best, second and third best place, and their values.
    let mut best = low + golden * (high - low);
    let (mut second, mut third) = (best, best);
    let mut value = function(best);
    let (mut second_value, mut third_value) = (value, value);
    let (mut step, mut before) = (0.0f64, 0.0f64);
    for _ in 0..MOST_STEPS {
        let middle = (low + high) / 2.0;
        let least = SQRT_EPSILON * best.abs() + tolerance / 3.0;
        if (best - middle).abs() <= 2.0 * least - (high - low) / 2.0 {
            break;
        }
        let parabola = (before.abs() > least).then(|| {
            let r = (best - second) * (value - third_value);
            let q = (best - third) * (value - second_value);
            let p = (best - third) * q - (best - second) * r;
            let q = 2.0 * (q - r);
            let last = std::mem::replace(&mut before, step);
            (if q > 0.0 { -p } else { p }, q.abs(), last)
        });
        step = match parabola {
            Some((p, q, last))
                if p.abs() < (0.5 * q * last).abs() && p > q * (low - best) && p < q * (high - best) =>
            {
                let place = best + p / q;
                if place - low < 2.0 * least || high - place < 2.0 * least {
                    if middle >= best { least } else { -least }
                } else {
                    p / q
                }
            }
            _ => {
                before = if best >= middle { low - best } else { high - best };
                golden * before
            }
        };
        let width = step.abs().max(least);
        let place = if step < 0.0 { best - width } else { best + width };
        let there = function(place);
        if there <= value {
            if place >= best {
                low = best;
            } else {
                high = best;
            }
            (third, third_value) = (second, second_value);
            (second, second_value) = (best, value);
            (best, value) = (place, there);
        } else {
            if place < best {
                low = place;
            } else {
                high = place;
            }
            if there <= second_value || second == best {
                (third, third_value) = (second, second_value);
                (second, second_value) = (place, there);
            } else if there <= third_value || third == best || third == second {
                (third, third_value) = (place, there);
            }
        }
    }
    best
}

/// Square root of 2.2e-16, SciPy's number, and not of f64's own epsilon.
const SQRT_EPSILON: f64 = 1.483_239_697_419_132_7e-8;
const MOST_STEPS: usize = 500;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::minimise;

    /// Returns the test function of this name, as `make_bounded_minimum.py` defines it.
    fn function(name: &str) -> fn(f64) -> f64 {
        match name {
            "parabola" => |x| (x - 1.25) * (x - 1.25) + 3.0,
            "rising" => |x| x,
            "falling" => |x| -x,
            "corner" => |x| (x - 0.3).abs(),
            "flat" => |x| 1.0 + 0.0 * x,
            "quartic" => |x| (x - 2.0) * (x - 2.0) * (x - 2.0) * (x - 2.0),
            "skewed" => |x| x * x * x * x - 3.0 * x * x * x + 2.0 * x,
            "two minima" => |x| (x * x - 4.0) * (x * x - 4.0) + x,
            "steps" => |x| x.floor() * x.floor(),
            "pole" => |x| 1.0 / (x + 4.5) + 0.01 * x,
            "tiny corner" => |x| (x - 0.3).abs() * 5e-324,
            "tiny parabola" => |x| (x - 0.5) * (x - 0.5) * 5e-324,
            other => panic!("no function `{other}`"),
        }
    }

    #[test]
    fn evaluates_where_scipy_does_step_for_step() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/bounded_minimum.json");
        let reference: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = reference["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 57);
        for case in cases {
            let number = |value: &serde_json::Value| value.as_f64().unwrap();
            let name = case["function"].as_str().unwrap();
            let bounds = (number(&case["bounds"][0]), number(&case["bounds"][1]));
            let places = RefCell::new(Vec::new());
            let recorded = |x: f64| {
                places.borrow_mut().push(x);
                function(name)(x)
            };
            let minimum = minimise(recorded, bounds, number(&case["tolerance"]));
            let expected: Vec<f64> = case["places"].as_array().unwrap().iter().map(number).collect();
            assert_eq!(places.into_inner(), expected, "{name} within {bounds:?}");
            assert_eq!(minimum, number(&case["minimum"]), "{name} within {bounds:?}");
        }
    }
}
