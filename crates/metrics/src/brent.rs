/// Where `function` is smallest between `low` and `high`, to `tolerance`: Brent's method of parabolas and golden
/// sections (1973, Algorithms for Minimization Without Derivatives, chapter 5), step for step as SciPy's
/// `minimize_scalar(method="bounded")`, so that a flat minimum ends at the same place.
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
        let place = best + step.abs().max(least) * if step < 0.0 { -1.0 } else { 1.0 };
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

/// SciPy's, not f64's own.
const SQRT_EPSILON: f64 = 1.483_239_697_419_132_7e-8;
const MOST_STEPS: usize = 500;

#[cfg(test)]
mod tests {
    use super::minimise;

    #[test]
    fn finds_minima_inside_and_at_a_bound() {
        let inside = minimise(|x| (x - 1.25).powi(2) + 3.0, (-4.0, 4.0), 1e-10);
        assert!((inside - 1.25).abs() < 1e-7, "{inside}");
        let low = minimise(|x| x, (-4.0, 4.0), 1e-10);
        assert!((low + 4.0).abs() < 1e-6, "{low}");
        let high = minimise(|x| -x, (-4.0, 4.0), 1e-10);
        assert!((high - 4.0).abs() < 1e-6, "{high}");
    }
}
